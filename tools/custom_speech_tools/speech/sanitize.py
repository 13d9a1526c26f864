"""Sanitizing of untrusted text: one line, bounded length, no invisible characters, no secrets."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

MAX_NAME = 200  # characters of a name or message in a result

# Control, format (such as bidirectional marks), private-use and surrogate characters, and line separators.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

# Blank characters of visible categories, in which text can be hidden: Unicode's Default_Ignorable_Code_Point and the
# empty Braille cell, except U+FE0F, which is common in emoji.
_INVISIBLE_CHARACTERS = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0))
) | frozenset(map(chr, (*range(0xFE00, 0xFE0F), *range(0xE0000, 0xE1000))))

_JOINERS = "\u200c\u200d"  # zero-width characters that some scripts and emoji need
_JOINABLE_CATEGORIES = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{,59}")
_PARAMETER = re.compile(r"([\w%.-]{1,64})=([^&?=\s\"'<>]+)")

_FILE_NAME = re.compile(r"[\w .()+-]{1,100}\.\w{1,5}")
_RANDOM = re.compile(r"(?=[a-z]*\d[a-z]*\d)(?=\d*[a-z])[a-z\d]{16,}", re.IGNORECASE)  # probably a secret, not a name

_SECRET_PARAMETER = re.compile(
    r"sig(?:nature)?|(?:access_|id_|sas)?token|sas|secret|password|pwd|(?:api[_-]?)?key"
    r"|x-(?:amz|goog)-(?:signature|credential|security-token)",
    re.IGNORECASE,
)


def sanitize(text: str, limit: int = MAX_NAME) -> str:
    """Return the text on one line without secrets and invisible characters, truncated to `limit` characters."""
    start = mask_signature(text[: 4 * limit])
    if has_invisible(start):
        start = "".join(" " if _is_invisible(character) else character for character in start)
    line = " ".join(start.split())
    is_whole = len(line) <= limit and len(text) <= 4 * limit
    return line if is_whole else line[: limit - 1].rstrip(_JOINERS) + "…"


def mask_signature(text: str) -> str:
    """Mask the values of URL parameters that give access to data, such as the signature of a SAS."""
    if "=" not in text:
        return text
    return _PARAMETER.sub(lambda found: f"{found[1]}=***" if is_secret_parameter(found[1]) else found[0], text)


def is_secret_parameter(name: str) -> bool:
    """Return whether a URL parameter, percent-encoded or not, gives access to the content of the URL."""
    return _SECRET_PARAMETER.fullmatch(unquote(name)) is not None


def mask_address(url: str) -> str:
    """Return the scheme, host and file name of a URL, whose query and folders may be secrets."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "an address that cannot be read"
    name = unquote(parts.path).rpartition("/")[2]
    shown = name if _FILE_NAME.fullmatch(name) and not _RANDOM.search(name) else "…" if parts.path.strip("/") else ""
    between = "/…/" if parts.path.count("/") > 1 and shown != "…" else "/"
    return f"{parts.scheme}://{host}{between}{shown}" + ("?***" if parts.query or parts.fragment else "")


def quote(text: str, limit: int = 80) -> str:
    """Return a name, sanitized and escaped, in double quotes that show where untrusted text begins and ends."""
    shown = sanitize(text, limit).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}"'


def word(text: str) -> str:
    """Return a code, kind, status or locale: unchanged if it is a plain word, as all of Azure's are, else in quotes."""
    return text if _WORD.fullmatch(text) else quote(text, 60)


def reason_clause(reason: str | None) -> str:
    """Return `: "reason".` to end a sentence, or only a full stop if the service gave no reason."""
    shown = sanitize(reason or "").rstrip(".").replace('"', "'")
    return f': "{shown}".' if shown else "."


def has_invisible(text: str) -> bool:
    """Return whether a text contains control or invisible characters, except joiners between joinable characters."""
    # Most texts are printable, which is fast to check.
    if text.isprintable() and (text.isascii() or _INVISIBLE_CHARACTERS.isdisjoint(text)):
        return False

    def joins(index: int) -> bool:
        neighbours = text[index - 1 : index] + text[index + 1 : index + 2]
        categories = {unicodedata.category(character) for character in neighbours}
        return text[index] in _JOINERS and len(neighbours) == 2 and categories <= _JOINABLE_CATEGORIES

    return any(_is_invisible(character) and not joins(index) for index, character in enumerate(text))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES or character in _INVISIBLE_CHARACTERS
