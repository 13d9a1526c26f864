"""Output formatting: sections of rules for numbers, rewriting and profanity, and of tests."""

from collections import Counter
from collections.abc import Callable

from custom_speech_data.content import Content, open_content
from custom_speech_data.findings import Findings, Unusable
from custom_speech_data.lines import read_lines

MOST_LINES = {"itn": 200, "rewrite": 1_000, "profanity": 1_000}

GRAMMAR_PUNCTUATION = frozenset(".,?、!:;？。，¿¡।؟،")
CLOSES = {")": "(", "}": "{", "]": "["}


def read_output_formatting(content: Content, findings: Findings) -> None:
    """Read an output-formatting dataset; lines beyond a section's limit are rejected one by one (a guess).

    It has no texts: its rules change how words are shown, not which are heard.
    """
    with open_content(content) as stream:
        read_lines(stream, FormattingRules().read_line, findings)


class FormattingRules:
    """Which section the reading is in, and how many lines each has."""

    def __init__(self) -> None:
        self._section = ""
        self._lines: Counter[str] = Counter()

    def read_line(self, line: str) -> str | None:
        """Return an empty text for a rule or test, None for a comment or heading; raises Unusable."""
        if line.lstrip().startswith("//"):
            return None
        if line.lstrip().startswith("#"):
            self._open(line.strip().lstrip("#").strip().lower())
            return None
        if not self._section:
            raise Unusable("it stands under no section")
        CHECKS[self._section](line)
        return self._count()

    def _open(self, section: str) -> None:
        self._section = section if section in CHECKS else ""
        if not self._section:
            raise Unusable("a section is #itn, #rewrite, #profanity or #test")

    def _count(self) -> str:
        if self._lines[self._section] == MOST_LINES.get(self._section):
            raise Unusable(f"#{self._section} has more than {MOST_LINES[self._section]} lines")
        self._lines[self._section] += 1
        return ""


def _check_pattern(line: str) -> None:
    """Return a pattern's brackets match; a backslash takes the meaning of the character after it."""
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
