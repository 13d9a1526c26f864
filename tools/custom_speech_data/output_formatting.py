"""Output formatting: sections with rules for numbers, rewriting and profanity, and with tests."""

import re
from collections import Counter

from custom_speech_data.dataset_report import Unusable

MAX_LINES: dict[str, int | None] = {"itn": 200, "rewrite": 1_000, "profanity": 1_000, "test": None}

GRAMMAR_PUNCTUATION = frozenset(".,?、!:;？。，¿¡।؟،")
CLOSES = {")": "(", "}": "{", "]": "["}


class FormattingRules:
    """A reader of formatting rules by section, which rejects lines beyond the limit of their section (a guess)."""

    def __init__(self) -> None:
        self._section, self._lines = "", Counter[str]()

    def read_line(self, line: str) -> str | None:
        """Return "" for a rule or test, from which a model learns nothing, or None for other lines; raises Unusable."""
        stripped = line.strip()
        if stripped.startswith("//"):
            return None
        if stripped.startswith("#"):
            name = stripped.lstrip("#").strip().lower()
            self._section = name if name in MAX_LINES else ""
            if not self._section:
                raise Unusable("a section is #itn, #rewrite, #profanity or #test")
            return None
        if not self._section:
            raise Unusable("it is not in a section")
        if problem := _problem_of(self._section, line):
            raise Unusable(problem)
        if self._lines[self._section] == MAX_LINES[self._section]:
            raise Unusable(f"#{self._section} has more than {MAX_LINES[self._section]} lines")
        self._lines[self._section] += 1
        return ""


def _problem_of(section: str, line: str) -> str | None:
    if section == "profanity":
        return "a profanity has no punctuation" if GRAMMAR_PUNCTUATION & set(line) else None
    if section != "itn":
        phrases = line.split("\t")
        is_pair = len(phrases) == 2 and all(phrase.strip() for phrase in phrases)
        return None if is_pair else "it is not two phrases with one tab between them"
    unmatched: list[str] = []
    for character in re.sub(r"\\.?", "", line):  # a backslash escapes the next character
        if unmatched and unmatched[-1] == CLOSES.get(character):
            unmatched.pop()
        elif character in "(){}[]":
            unmatched.append(character)
    return "the brackets of the pattern do not match" if unmatched else None
