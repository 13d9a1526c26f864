"""Paging of lists: after the first page, further pages are read concurrently."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from custom_speech_tools.speech.errors import SpeechError
from custom_speech_tools.speech.schemas import Reference, Schema
from custom_speech_tools.speech.tasks_and_threads import gather

PAGE_SIZE = 100
MAX_PAGES = 60

Listed = TypeVar("Listed", bound=Reference)


class Page(Schema, Generic[Listed]):
    """One page of a list."""

    values: list[Listed]
    next_link: str | None = Field(default=None, alias="@nextLink")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Listed]):
    """The distinct entities of a list; `complete` is False if the page limit was reached."""

    entities: list[Listed]
    complete: bool


async def read_pages(fetch: Callable[[str], Coroutine[Any, Any, Page[Listed]]]) -> Listing[Listed]:
    """Read all pages of a list; `fetch` takes the paging query, such as `skip=100&top=100`.

    While each `@nextLink` skips exactly one page, pages are requested concurrently in growing windows, so that 3,000
    entities cost four round trips. Other links are followed one by one.
    """
    pages = [await fetch(f"skip=0&top={PAGE_SIZE}")]
    windows = chain((4, 12), repeat(16))
    while (link := pages[-1].next_link) and len(pages) < MAX_PAGES:
        step = len(pages[0].values)
        query = urlsplit(link).query
        if step and parse_qs(query).get("skip") == [str(step * len(pages))]:
            size = min(next(windows), MAX_PAGES - len(pages))
            skips = [step * (len(pages) + index) for index in range(size)]
            window = await gather(*(fetch(f"skip={skip}&top={step}") for skip in skips))
            pages += window[: next((count for count, page in enumerate(window, 1) if not page.next_link), None)]
        else:  # every request adds the filter and the version
            parts = (part for part in query.split("&") if not part.startswith(("filter=", "$filter=", "api-version=")))
            pages.append(await fetch("&".join(parts)))
    entities = {entity.uri: entity for page in pages for entity in page.values}
    return Listing(list(entities.values()), complete=not pages[-1].next_link)


async def if_readable(listing: Awaitable[Listing[Listed]]) -> list[Listed] | None:
    """Return the entities of a list, or None if the list could not be read completely."""
    try:
        found = await listing
    except SpeechError:
        return None
    return found.entities if found.complete else None
