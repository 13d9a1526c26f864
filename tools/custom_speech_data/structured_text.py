"""Structured text (kind LanguageMarkdown): lists, a phonetic lexicon, and sentences that refer to lists."""

import re
from collections import Counter
from collections.abc import Callable
from functools import partial

from custom_speech_data.dataset_report import Unusable
from custom_speech_data.file_access import Content, open_content
from custom_speech_data.line_rules import read_phrase, read_sentence
from custom_speech_data.lines import lines_of

MAX_LISTS, MAX_ITEMS = 20, 35_000
MAX_PRONUNCIATIONS, MAX_PRONUNCIATIONS_OF_A_WORD = 15_000, 2

LEXICON = "speech:phoneticlexicon"
REFERENCE = re.compile(r"\{([^{}]*)\}")


class StructuredText:
    """A reader of structured text by section, which rejects each line beyond a documented limit (a guess)."""

    def __init__(self, content: Content) -> None:
        self._lists = set[str]()  # read first, as a sentence may refer to a later list
        for _, line in lines_of(open_content(content)):
            if len(self._lists) < MAX_LISTS and (name := _list_name(line.strip())):
                self._lists.add(name)
        self._items, self._pronunciations = Counter[str](), Counter[str]()
        self._entries = 0  # of the lexicon
        self._read_entry: Callable[[str], str] = _reject_entry

    def read_line(self, line: str) -> str | None:
        """Return the item, word or sentence on a line, or None for a comment or heading; raises Unusable."""
        line = line.strip()
        if line.startswith(("//", ">")):
            return None
        if line.startswith(("-", "*", "+")):
            return self._read_entry(line[1:].strip())
        # The entries after a rejected heading are in no section.
        self._read_entry, name = _reject_entry, _list_name(line)
        if line.startswith("#"):
            if not line.lstrip("#").strip().replace("_", "x").isalnum():
                raise Unusable("the name of a section has letters, digits and underscores only")
            self._read_entry = self._read_sentence
        elif line.startswith("@") and line[1:].strip().lower() == LEXICON:
            self._read_entry = self._read_pronunciation
        elif not name:
            raise Unusable("it is neither a comment, a list, a lexicon, a section nor an entry")
        elif name not in self._lists:
            raise Unusable(f"the file has more than {MAX_LISTS} lists")
        else:
            self._read_entry = partial(self._read_item, name)
        return None

    def _read_item(self, name: str, entry: str) -> str:
        item = read_phrase(entry)
        if self._items[name] == MAX_ITEMS:
            raise Unusable(f"the list has more than {MAX_ITEMS} items")
        self._items[name] += 1
        return item

    def _read_pronunciation(self, entry: str) -> str:
        word, slash, phones = entry.partition("/")
        if not slash or not phones.strip():
            raise Unusable("a pronunciation is a word, a slash and phones")
        word = read_phrase(word)
        if self._entries == MAX_PRONUNCIATIONS:
            raise Unusable(f"the lexicon has more than {MAX_PRONUNCIATIONS} entries")
        if self._pronunciations[word] == MAX_PRONUNCIATIONS_OF_A_WORD:
            raise Unusable("the word has more than two pronunciations")
        self._pronunciations[word] += 1
        self._entries += 1
        return word

    def _read_sentence(self, entry: str) -> str:
        for reference in REFERENCE.findall(entry):
            # "{@food=pizza}" marks a word in the sentence as an item of the list.
            name = reference.removeprefix("@").partition("=")[0].strip()
            if not reference.startswith("@") or name not in self._lists:
                raise Unusable("it refers to a list that the file does not have")
        if set("{}") & set(REFERENCE.sub("", entry)):
            raise Unusable("its curly braces do not match")
        return read_sentence(entry)


def _reject_entry(_entry: str) -> str:
    raise Unusable("it is not in a list, lexicon or section")


def _list_name(heading: str) -> str | None:
    """Return the name in "@ list food =", or None for any other line; the space after @ is optional."""
    words = heading.removeprefix("@").rstrip("= ").split()
    return words[1] if heading.startswith("@") and len(words) == 2 and words[0] == "list" else None
