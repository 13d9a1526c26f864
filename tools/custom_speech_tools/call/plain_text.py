"""Text from the service and from callers is data: shown plainly, never longer than a name."""

import unicodedata

NAME = 200
"""Characters of a name or a message that are shown."""

# Cc control, Cf invisible and bidirectional marks, Co private, Cs surrogates, Zl and Zp line breaks.
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def plain(text: str, limit: int = NAME) -> str:
    """The text on one line, without characters that cannot be seen, cut at `limit` characters."""
    visible = "".join(" " if unicodedata.category(sign) in _INVISIBLE else sign for sign in text[: 4 * limit])
    line = " ".join(visible.split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def has_invisible(text: str) -> bool:
    """Whether a text holds control characters or marks that cannot be seen."""
    return any(unicodedata.category(sign) in _INVISIBLE for sign in text)
