"""Output formatting: sections of rules for numbers, rewriting and profanity, and of tests."""

from collections import Counter
from collections.abc import Callable

from custom_speech_data.dataset_report import Unusable

MOST_LINES = {"itn": 200, "rewrite": 1_000, "profanity": 1_000}

GRAMMAR_PUNCTUATION = frozenset(".,?、!:;？。，¿¡।؟،")
CLOSES = {")": "(", "}": "{", "]": "["}


class FormattingRules:
    """The section that the reading is in, and how many lines each has.

    Lines beyond a section's limit are rejected one by one (a guess).
    """

    def __init__(self) -> None:
        self._section = ""
        self._lines: Counter[str] = Counter()

    def read_line(self, line: str) -> str | None:
        """Return an empty text for a rule or test, None for a comment or heading; raises Unusable.

        The text is empty because rules change how words are shown, not which are heard.
        """
        stripped = line.strip()
        if stripped.startswith("//"):
            return None
        if stripped.startswith("#"):
            name = stripped.lstrip("#").strip().lower()
            self._section = name if name in CHECKS else ""
            if not self._section:
                raise Unusable("a section is #itn, #rewrite, #profanity or #test")
            return None
        if not self._section:
            raise Unusable("it stands under no section")
        CHECKS[self._section](line)
        if self._lines[self._section] == MOST_LINES.get(self._section):
            raise Unusable(f"#{self._section} has more than {MOST_LINES[self._section]} lines")
        self._lines[self._section] += 1
        return ""


def _check_pattern(line: str) -> None:
    """Require that brackets match; a backslash takes the meaning of the character after it."""
    opened: list[str] = []
    characters = iter(line)
    for character in characters:
        if character == "\\":
            next(characters, None)
        elif character in CLOSES.values():
            opened.append(character)
        elif character in CLOSES and (not opened or opened.pop() != CLOSES[character]):
            raise Unusable("the brackets of the pattern do not match")
    if opened:
        raise Unusable("the brackets of the pattern do not match")


def _check_phrases(line: str) -> None:
    phrases = line.split("\t")
    if len(phrases) != 2 or not all(phrase.strip() for phrase in phrases):
        raise Unusable("it is not two phrases with one tab between them")


def _check_profanity(line: str) -> None:
    if GRAMMAR_PUNCTUATION & set(line):
        raise Unusable("a profanity holds no punctuation")


CHECKS: dict[str, Callable[[str], None]] = {
    "itn": _check_pattern,
    "rewrite": _check_phrases,
    "profanity": _check_profanity,
    "test": _check_phrases,
}
