"""CPU time of the missed words of 5,000 utterances: read the files, align, and judge the difference."""

import argparse
import json
import random
import time

from custom_speech_data.scoring_result import Recognition, missed_words, read_scoring_result
from custom_speech_data.significance import Pair, paired_bootstrap
from custom_speech_emulator.resources.evaluations import recording_details
from custom_speech_emulator.resources.recognition import SimulatedAccuracy, recognize

VOCABULARY = [f"word{number}" for number in range(3_000)]


def main() -> None:
    """Print the seconds of each part, for edits that fit the transcripts and for edits that have to be aligned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=5_000)
    number = parser.parse_args().utterances
    chance = random.Random(1)  # noqa: S311  # the same words in every run
    said = [" ".join(chance.choices(VOCABULARY, k=12)) for _ in range(number)]
    files = [
        json.dumps(recording_details(f"{n}.wav", recognize(text, n, SimulatedAccuracy(), "en-US"))).encode()
        for n, text in enumerate(said)
    ]
    began = time.process_time()
    recognized = [one for one in map(read_scoring_result, files) if one]
    read = time.process_time()
    missed_words(zip(said, recognized, strict=True), "en-US", 50)
    fitting = time.process_time()
    missed_words(((f"{text} more", one) for text, one in zip(said, recognized, strict=True)), "en-US", 50)
    aligned = time.process_time()
    paired_bootstrap([pair(one) for one in recognized])
    judged = time.process_time()
    print(f"{number} utterances, seconds of CPU: files of both models {2 * (read - began):.2f}", end=", ")
    print(f"words {fitting - read:.2f} (aligned again {aligned - fitting:.2f}), interval {judged - aligned:.2f}")


def pair(recognition: Recognition) -> Pair:
    """Return the errors of an utterance, as if both models had made the same."""
    return Pair(recognition.words, recognition.errors, recognition.errors)


if __name__ == "__main__":
    main()
