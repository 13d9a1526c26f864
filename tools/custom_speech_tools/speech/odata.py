"""`filter` expressions and query strings of the service."""

from collections.abc import Mapping
from urllib.parse import quote

from pydantic.alias_generators import to_camel


def equal(conditions: Mapping[str, str | None]) -> str:
    """Return `a eq 'x' and b eq 'y'` for the conditions that are not None.

    Names are given in snake case and sent as the service spells them; a quote in a value is doubled.
    """
    return " and ".join(
        f"{to_camel(name)} eq '{value.replace(chr(39), chr(39) * 2)}'"
        for name, value in conditions.items()
        if value is not None
    )


def query(**parameters: str | int | None) -> str:
    """Return the percent-encoded query string of the parameters that are neither None nor empty."""
    return "&".join(
        f"{name}={quote(str(value), safe='')}" for name, value in parameters.items() if value not in (None, "")
    )
