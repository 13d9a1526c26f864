"""Rules for single lines: plain text (kind Language), transcripts and pronunciations."""

import re
import unicodedata

from custom_speech_data.dataset_report import Unusable

MAX_REPEATS = 3
MAX_GROUP = 8  # words in a repeated group; a guess, which keeps the search linear

URI = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:)\S", re.IGNORECASE)
# Digits may be repeated, as in 10000.
SAME_CHARACTER = re.compile(r"([^\s\d])\1{3,}")


def read_sentence(line: str) -> str:
    """Return the utterance on a line; raises Unusable if it breaks the documented rules for text and transcripts."""
    sentence = read_phrase(line)
    if URI.search(sentence):
        raise Unusable("it contains a URI")
    repeated = SAME_CHARACTER.search(sentence)
    what, times = (repeated[1], len(repeated[0])) if repeated else _repeated_words(sentence.split())
    if times > MAX_REPEATS:  # the service may reject such lines; the emulator always does
        raise Unusable(f"it repeats {what[:60]!r} {times} times; at most {MAX_REPEATS} are accepted")
    return sentence


def read_pronunciation(line: str) -> str:
    """Return the written form from a line with a written form, a tab and a spoken form; raises Unusable."""
    # The service also accepts the ANSI encoding for English; here, only its ASCII part is accepted.
    fields = line.split("\t")
    if len(fields) != 2:
        raise Unusable(f"it has {len(fields) - 1} tabs, not one")
    written, _spoken = map(read_phrase, fields)
    return written


def read_phrase(text: str) -> str:
    """Return the text without surrounding blanks; raises Unusable if it cannot be spoken."""
    phrase = text.strip()
    for character in dict.fromkeys(phrase):
        if character.isascii():
            is_usable = character.isprintable() or character == "\t"
        else:
            # "No special characters above U+00A1" in the documentation cannot mean letters, which its samples contain,
            # so it is taken to mean symbols and control, private-use and unassigned characters.
            category = unicodedata.category(character)
            is_usable = category[0] != "S" and category not in ("Cc", "Cn", "Co", "Cs")
        if not is_usable:
            raise Unusable(f"it contains the character U+{ord(character):04X}")
    if not any(character.isalnum() for character in phrase):
        raise Unusable("it has no letters or digits")
    return phrase


def _repeated_words(words: list[str]) -> tuple[str, int]:
    """Return the first group of words with more than MAX_REPEATS consecutive occurrences, and their number."""
    if len(words) - len(set(words)) < MAX_REPEATS:
        return "", 0
    for size in range(1, MAX_GROUP + 1):
        run = 0
        for number, word in enumerate([*words[size:], ""]):
            if word == words[number]:
                run += 1
            elif run >= size * MAX_REPEATS:
                return " ".join(words[number - run : number - run + size]), run // size + 1
            else:
                run = 0
    return "", 0
