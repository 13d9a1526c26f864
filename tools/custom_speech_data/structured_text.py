"""Structured text (kind LanguageMarkdown): lists, a phonetic lexicon, and sentences that refer to lists."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from custom_speech_data.content import Content, open_content
from custom_speech_data.findings import Findings, Unusable
from custom_speech_data.lines import lines_of, read_lines
from custom_speech_data.plain_text import read_phrase, read_sentence

MOST_LISTS = 20
MOST_ITEMS = 35_000
MOST_PRONUNCIATIONS = 15_000
MOST_PRONUNCIATIONS_OF_A_WORD = 2

COMMENTS = ("//", ">")
BULLETS = ("-", "*", "+")
LEXICON = "speech:phoneticlexicon"
REFERENCE = re.compile(r"\{([^{}]*)\}")


def read_language_markdown(content: Content, findings: Findings) -> None:
    """Read a structured-text dataset; what exceeds a documented count is rejected line by line (a guess).

    It is read twice, as a sentence may refer to a list that comes after it.
    """
    with open_content(content) as stream:
        lists = _first_lists(line for _, line in lines_of(stream))
    with open_content(content) as stream:
        read_lines(stream, StructuredText(lists).read_line, findings)


class StructuredText:
    """The current section of the file: in a list, in the lexicon, among sentences or nowhere."""

    def __init__(self, lists: frozenset[str]) -> None:
        self._lists = lists
        self._items: Counter[str] = Counter()
        self._pronunciations: Counter[str] = Counter()
        self._entries = 0
        self._read_entry: Callable[[str], str] = _belong_nowhere

    def read_line(self, line: str) -> str | None:
        """Return the item, word or sentence of a line; None for a comment or heading; raises Unusable."""
        line = line.strip()
        if line.startswith(COMMENTS):
            return None
        if line.startswith(BULLETS):
            return self._read_entry(line[1:].strip())
        # A heading that is refused leaves what follows it without a place.
        self._read_entry = _belong_nowhere
        self._read_entry = self._open(line)
        return None

    def _open(self, heading: str) -> Callable[[str], str]:
        if heading.startswith("#"):
            return self._open_sentences(heading.lstrip("#").strip())
        if heading.startswith("@") and heading[1:].strip().lower() == LEXICON:
            return self._read_pronunciation
        if name := _list_name(heading):
            return self._open_list(name)
        raise Unusable("it is no comment, list, lexicon, section or entry")

    def _open_sentences(self, name: str) -> Callable[[str], str]:
        if not name.replace("_", "x").isalnum():
            raise Unusable("the name of a section has letters, digits and underscores only")
        return self._read_sentence

    def _open_list(self, name: str) -> Callable[[str], str]:
        if name not in self._lists:
            raise Unusable(f"the file has more than {MOST_LISTS} lists")
        return partial(self._read_item, name)

    def _read_item(self, name: str, entry: str) -> str:
        item = read_phrase(entry)
        _count(self._items, name, MOST_ITEMS, f"the list has more than {MOST_ITEMS} items")
        return item

    def _read_pronunciation(self, entry: str) -> str:
        word, slash, phones = entry.partition("/")
        if not slash or not phones.strip():
            raise Unusable("a pronunciation is a word, a slash and phones")
        word = read_phrase(word)
        if self._entries == MOST_PRONUNCIATIONS:
            raise Unusable(f"the lexicon has more than {MOST_PRONUNCIATIONS} entries")
        _count(self._pronunciations, word, MOST_PRONUNCIATIONS_OF_A_WORD, "the word has more than two pronunciations")
        self._entries += 1
        return word

    def _read_sentence(self, entry: str) -> str:
        for reference in REFERENCE.findall(entry):
            # "{@food=pizza}" marks a word that is there as one of the list.
            name = reference.removeprefix("@").partition("=")[0].strip()
            if not reference.startswith("@") or name not in self._lists:
                raise Unusable("it refers to a list that the file does not have")
        if set("{}") & set(REFERENCE.sub("", entry)):
            raise Unusable("its curly braces do not match")
        return read_sentence(entry)


def _belong_nowhere(_entry: str) -> str:
    raise Unusable("it stands under no list, lexicon or section")


def _first_lists(lines: Iterable[str]) -> frozenset[str]:
    names: set[str] = set()
    for line in lines:
        if len(names) < MOST_LISTS and (name := _list_name(line.strip())):
            names.add(name)
    return frozenset(names)


def _list_name(heading: str) -> str | None:
    """Return the name in "@ list food =", with or without the blank after the sign."""
    words = heading.removeprefix("@").rstrip("= ").split()
    return words[1] if heading.startswith("@") and len(words) == 2 and words[0] == "list" else None


def _count(counter: Counter[str], key: str, most: int, reason: str) -> None:
    if counter[key] == most:
        raise Unusable(reason)
    counter[key] += 1
