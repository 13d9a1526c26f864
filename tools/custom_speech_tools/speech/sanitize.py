"""Text from the service and from callers is data: shown plainly, never longer than a name."""

import unicodedata

NAME = 200
"""Characters of a name or a message that are shown."""

# Cc control, Cf invisible and bidirectional marks, Co private, Cs surrogates, Zl and Zp line breaks.
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

# Signs of visible categories that show nothing (Unicode's Default_Ignorable_Code_Point, and the empty Braille cell),
# by which text can be smuggled. U+FE0F is left out: it makes emoji of ordinary names.
_IGNORED = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0))
) | frozenset(map(chr, (*range(0xFE00, 0xFE0F), *range(0xE0000, 0xE1000))))

_JOINERS = "\u200c\u200d"
"""They show nothing, but within some scripts and between emoji they make the word or the picture."""

_JOINED = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})


def plain(text: str, limit: int = NAME) -> str:
    """The text on one line, without characters that cannot be seen, cut at `limit` characters."""
    start = text[: 4 * limit]
    visible = "".join(" " if _is_invisible(sign) else sign for sign in start) if has_invisible(start) else start
    line = " ".join(visible.split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1].rstrip(_JOINERS) + "…"


def because(reason: str | None) -> str:
    """How a sentence ends that a reason of the service's explains, where it gave one."""
    shown = plain(reason or "").rstrip(".")
    return f": {shown}." if shown else "."


def has_invisible(text: str) -> bool:
    """Whether a text holds control characters or marks that cannot be seen."""
    # Most texts are ordinary, which takes no look at each sign.
    is_ordinary = text.isprintable() and _IGNORED.isdisjoint(text)
    return not is_ordinary and any(_is_invisible(sign) and not _joins(text, place) for place, sign in enumerate(text))


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands between two signs that can be joined."""
    beside = text[place - 1 : place] + text[place + 1 : place + 2]
    return (
        text[place] in _JOINERS and len(beside) == 2 and all(unicodedata.category(sign) in _JOINED for sign in beside)
    )


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) in _INVISIBLE or sign in _IGNORED
