"""Lists that come in pages: the first page is read alone, further pages concurrently."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Generic
from urllib.parse import parse_qs, urlsplit

from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.schemas import Listed, Page

PAGE_SIZE = 100
MAX_PAGES = 60


@dataclass(frozen=True, slots=True)
class Listing(Generic[Listed]):
    """The entities of a list, each once; `complete` is False where pages were not read."""

    entities: list[Listed]
    complete: bool


async def read_pages(fetch: Callable[[str], Coroutine[Any, Any, Page[Listed]]]) -> Listing[Listed]:
    """Read a list.

    While links advance by one page, further pages are requested concurrently in growing windows: 3,000 entities cost
    four round trips. Links in another form are read one after the other.

    Args:
        fetch: Reads the page for the paging part of a query, such as `skip=100&top=100`.
    """
    pages = [await fetch(f"skip=0&top={PAGE_SIZE}")]
    windows = _windows()
    while pages[-1].next_link and len(pages) < MAX_PAGES:
        step = len(pages[0].values)
        if step and _skip_of(pages[-1].next_link) == step * len(pages):
            size = min(next(windows), MAX_PAGES - len(pages))
            skips = [step * (len(pages) + place) for place in range(size)]
            pages += _up_to_the_last(await gather(*(fetch(f"skip={skip}&top={step}") for skip in skips)))
        else:
            pages.append(await fetch(paging_of(pages[-1].next_link)))
    entities = {entity.uri: entity for page in pages for entity in page.values}
    return Listing(list(entities.values()), complete=not pages[-1].next_link)


def paging_of(link: str) -> str:
    """Return the part of a link's query that says where to continue, without filter and version."""
    parts = urlsplit(link).query.split("&")
    return "&".join(part for part in parts if part.partition("=")[0] not in ("filter", "$filter", "api-version"))


def _skip_of(link: str) -> int | None:
    skip = parse_qs(urlsplit(link).query).get("skip", [""])[0]
    return int(skip) if skip.isdecimal() and len(skip) < 10 else None


def _windows() -> Iterator[int]:
    yield 4
    yield 12
    while True:
        yield 16


def _up_to_the_last(pages: list[Page[Listed]]) -> list[Page[Listed]]:
    last = next((place for place, page in enumerate(pages) if not page.next_link), len(pages) - 1)
    return pages[: last + 1]
