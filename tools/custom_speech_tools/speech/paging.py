"""Lists that come in pages: the first page is read alone, further pages concurrently."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from custom_speech_tools.speech.errors import SpeechError
from custom_speech_tools.speech.schemas import Reference, Schema
from custom_speech_tools.speech.task_groups import gather

PAGE_SIZE = 100
MAX_PAGES = 60

Listed = TypeVar("Listed", bound=Reference)


class Page(Schema, Generic[Listed]):
    """One page of a list."""

    values: list[Listed]
    next_link: str | None = Field(default=None, alias="@nextLink")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Listed]):
    """The entities of a list, each once; `complete` is False if pages were not read."""

    entities: list[Listed]
    complete: bool


async def read_pages(fetch: Callable[[str], Coroutine[Any, Any, Page[Listed]]]) -> Listing[Listed]:
    """Read a list, with `fetch` for the paging part of a query, such as `skip=100&top=100`.

    While links advance by one page, further pages are requested concurrently in growing windows: 3,000 entities cost
    four round trips. Links in another form are read one after the other.
    """
    pages = [await fetch(f"skip=0&top={PAGE_SIZE}")]
    windows = chain((4, 12), repeat(16))
    while (link := pages[-1].next_link) and len(pages) < MAX_PAGES:
        step = len(pages[0].values)
        query = urlsplit(link).query
        if step and parse_qs(query).get("skip") == [str(step * len(pages))]:
            size = min(next(windows), MAX_PAGES - len(pages))
            skips = [step * (len(pages) + place) for place in range(size)]
            window = await gather(*(fetch(f"skip={skip}&top={step}") for skip in skips))
            pages += window[: next((place for place, page in enumerate(window, 1) if not page.next_link), None)]
        else:  # filter and version are added to every request
            parts = (part for part in query.split("&") if not part.startswith(("filter=", "$filter=", "api-version=")))
            pages.append(await fetch("&".join(parts)))
    entities = {entity.uri: entity for page in pages for entity in page.values}
    return Listing(list(entities.values()), complete=not pages[-1].next_link)


async def if_readable(listing: Awaitable[Listing[Listed]]) -> list[Listed] | None:
    """Return the entities of a complete list, or None if it cannot be read."""
    try:
        found = await listing
    except SpeechError:
        return None
    return found.entities if found.complete else None
