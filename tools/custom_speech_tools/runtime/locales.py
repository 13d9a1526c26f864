"""Locales, as the service writes them. Pure functions."""

import re

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?-([A-Za-z]{2}|\d{3})(-[A-Za-z0-9]{3,12})?")


def is_locale(text: str) -> bool:
    """Whether the text has the form of a locale, in whatever case: `en-US`, `zh-CN-sichuan`, `sr-Latn-RS`."""
    return _LOCALE.fullmatch(text) is not None


def canonical(locale: str) -> str:
    """The locale in the service's case: `EN-us` is `en-US`."""
    language, *parts = locale.split("-")
    return "-".join([language.lower(), *map(_part, parts)])


def _part(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()


def reading_of(locale: str) -> str | None:
    """What to say of a locale in the wrong case; None where there is nothing to say."""
    return None if canonical(locale) == locale else f"Locale {locale!r} was read as {canonical(locale)!r}."
