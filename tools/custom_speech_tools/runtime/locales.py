"""Locales, as the service writes them."""

import re

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?-([A-Za-z]{2}|\d{3})(-[A-Za-z0-9]{3,12})?")


def is_locale(text: str) -> bool:
    """Return whether the text has the form of a locale, in any case: `en-US`, `zh-CN-sichuan`, `sr-Latn-RS`."""
    return _LOCALE.fullmatch(text) is not None


def canonical_locale(locale: str) -> str:
    """Return the locale in the service's case: `EN-us` is `en-US`."""
    language, *parts = locale.split("-")
    return "-".join([language.lower(), *map(_canonical_part, parts)])


def _canonical_part(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()


def matches_locale(locale: str, wanted: str | None) -> bool:
    """Return whether a locale is the wanted one, or belongs to the wanted language (`de` for `de-AT`)."""
    if wanted is None or locale.lower() == wanted.lower():
        return True
    return "-" not in wanted and locale.lower().startswith(f"{wanted.lower()}-")


def exact_locale(wanted: str | None) -> str | None:
    """Return the locale by which the service can filter; None for a language, which it cannot."""
    return wanted if wanted and "-" in wanted else None
