"""Pronunciation: how a word is written, a tab, how it is spoken."""

from custom_speech_data.content import Content, open_content
from custom_speech_data.findings import Findings, Unusable
from custom_speech_data.lines import read_lines
from custom_speech_data.plain_text import read_phrase


def read_pronunciation(content: Content, findings: Findings) -> None:
    """Read a pronunciation dataset; its texts are the words as they are written.

    ANSI, which the service takes for English, is taken only as far as it is ASCII.
    """
    with open_content(content) as stream:
        read_lines(stream, lambda line: read_pair(line)[0], findings)


def read_pair(line: str) -> tuple[str, str]:
    """Return the two phrases that one tab separates; raises Unusable."""
    fields = line.split("\t")
    if len(fields) != 2:
        raise Unusable(f"it has {len(fields) - 1} tabs, not one")
    return read_phrase(fields[0]), read_phrase(fields[1])
