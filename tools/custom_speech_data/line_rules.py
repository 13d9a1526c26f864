"""Texts of lines that stand alone: plain text (kind Language), transcripts and pronunciations."""

import re
import unicodedata

from custom_speech_data.dataset_report import Unusable

MAX_REPEATS = 3
MAX_GROUP = 8  # words in a group whose repetition is looked for; a guess, it keeps the search linear

URI = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:)\S", re.IGNORECASE)
# Digits may repeat: 10000 is a number, not noise.
SAME_CHARACTER = re.compile(r"([^\s\d])\1{3,}")


def read_sentence(line: str) -> str:
    """Return the utterance of a line; raises Unusable by the documented rules for related text and transcripts."""
    sentence = read_phrase(line)
    if URI.search(sentence):
        raise Unusable("it holds a URI")
    repeated = SAME_CHARACTER.search(sentence)
    what, times = (repeated[1], len(repeated[0])) if repeated else _repeated_words(sentence.split())
    if times > MAX_REPEATS:  # the service may drop such lines; the emulator always does
        raise Unusable(f"it repeats {what[:60]!r} {times} times; at most {MAX_REPEATS} are taken")
    return sentence


def read_pronunciation(line: str) -> str:
    """Return the word as it is written; a tab and how it is spoken follow it. Raises Unusable."""
    # ANSI, which the service takes for English, is taken only as far as it is ASCII.
    fields = line.split("\t")
    if len(fields) != 2:
        raise Unusable(f"it has {len(fields) - 1} tabs, not one")
    written, _spoken = map(read_phrase, fields)
    return written


def read_phrase(text: str) -> str:
    """Return the text without blanks around it; raises Unusable if nobody could say it."""
    phrase = text.strip()
    for character in dict.fromkeys(phrase):
        if character.isascii():
            is_usable = character.isprintable() or character == "\t"
        else:
            # "No special characters above U+00A1" cannot mean letters (the service's own samples have them): the
            # emulator takes it to mean symbols, besides control, private and unassigned characters.
            category = unicodedata.category(character)
            is_usable = category[0] != "S" and category not in ("Cc", "Cn", "Co", "Cs")
        if not is_usable:
            raise Unusable(f"it holds the character U+{ord(character):04X}")
    if not any(character.isalnum() for character in phrase):
        raise Unusable("without punctuation nothing is left to say")
    return phrase


def _repeated_words(words: list[str]) -> tuple[str, int]:
    """Return the first group of words that stands there more than MAX_REPEATS times in a row, and how often."""
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
