"""Lists: `skip`, `top`, `filter`, and the link to the next page."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from custom_speech_emulator.http.error_responses import invalid

PAGE = 100
_INT32 = 2**31 - 1


def number(query: dict[str, str], name: str, least: int) -> int | None:
    """Return a whole number from the query; 400 when it is not one, too small or above 32 bits."""
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= _INT32):
        message = f"The value of {name} must be a whole number of at least {least}."
        raise invalid("InvalidParameterValue", message, name)
    return int(text)


def window(query: dict[str, str]) -> tuple[int, int]:
    """Return how many to skip and how many to show: 100 when nothing is said, and never more."""
    return number(query, "skip", 0) or 0, min(number(query, "top", 1) or PAGE, PAGE)


def next_link(address: str, query: dict[str, str], skip: int, top: int) -> str:
    """Return the address of the page after this one; `address` may already carry an `api-version`."""
    path, _, version = address.partition("?")
    kept = {name: text for name, text in query.items() if name not in ("skip", "top", "api-version")}
    parts = urlencode({"skip": skip + top, "top": top, **kept}, quote_via=quote, safe=":")
    return f"{path}?{parts}&{version}" if version else f"{path}?{parts}"
