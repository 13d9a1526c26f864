"""Requests that all operations share: reading, changing and listing entities."""

from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar
from unicodedata import normalize
from urllib.parse import quote

from pydantic import JsonValue, SecretStr
from pydantic.alias_generators import to_camel

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.decoding import decode
from custom_speech_tools.speech.errors import AzureError, ForeignAddressError, NotAllowedError, UnreadableAnswerError
from custom_speech_tools.speech.http_exchange import Request, RequestObserver
from custom_speech_tools.speech.paging import Listed, Listing, Page, read_pages
from custom_speech_tools.speech.pipeline import RequestPipeline
from custom_speech_tools.speech.service_urls import entity_of, is_content_address

_Schema = TypeVar("_Schema")


class Requests:
    """The requests of one Speech resource, on behalf of an observer, who decides whether a change may be sent."""

    def __init__(self, pipeline: RequestPipeline, observer: RequestObserver | None = None) -> None:
        self._pipeline, self.resource, self.clock = pipeline, pipeline.resource, pipeline.clock
        self._observer = observer or RequestObserver()

    @property
    def is_emulated(self) -> bool:
        """True if the emulator answers, so that nothing is charged."""
        return self._pipeline.is_emulated

    def observed_by(self, observer: RequestObserver) -> Self:
        """Return the same resource, with its requests reported to another observer."""
        return type(self)(self._pipeline, observer)

    def credible_id(self, link: str) -> str:
        """Return the id in a link, which is never followed; raises ForeignAddressError if it names another host."""
        found = entity_of(link)
        if found is None or not self.resource.is_own_link(link):
            raise self._foreign_address()
        return found.id

    async def close(self) -> None:
        """Close the connections."""
        await self._pipeline.close()

    def _foreign_address(self) -> ForeignAddressError:
        name = self.resource.name
        return ForeignAddressError(f"{name} answered with a link to another host; nothing was sent there.")

    async def _get(self, operation: str, path: str, schema: type[_Schema], query: str = "") -> _Schema:
        request, name = Request(operation, "GET", path, query=query), self.resource.name
        answer = await self._pipeline.send(request, self._observer)
        try:
            return decode(name, operation, answer, schema)
        except UnreadableAnswerError:  # answers of proxies are cut off, or not JSON, for a moment
            answer = await self._pipeline.send(request, self._observer)
        return decode(name, operation, answer, schema)

    async def _change(self, request: Request, schema: type[_Schema]) -> _Schema:
        """Send a change, recorded by the observer; NotAllowedError if it, or a read-only resource, forbids that."""
        name, operation = self.resource.name, request.operation
        if self.resource.read_only:
            raise NotAllowedError(f"{name} is read-only; {operation} was not sent.")
        with self._observer.change(name, operation) as change:
            value = decode(name, operation, await self._pipeline.send(request, self._observer), schema)
            change.id = value.id if isinstance(value, schemas.Entity | schemas.Operation) else None
        return value

    async def read_file(self, operation: str, file: schemas.File) -> bytes:
        """Return the content of a file from its signed address, to which no credential is sent."""
        address = file.content_url or ""
        if not is_content_address(self.resource.endpoint, address):
            raise ForeignAddressError(f"{self.resource.name} named a file on another host; nothing was sent there.")
        return (await self._pipeline.send(Request(operation, "GET", address, is_signed=True), self._observer)).body


def list_operation(
    operation: str, path: str, page: type[Page[Listed]]
) -> Callable[..., Coroutine[Any, Any, Listing[Listed]]]:
    """Return the method that reads all pages of a list, for example of the files of an entity.

    Its keywords are values of properties in snake case, sent as `a eq 'x' and b eq 'y'`; None leaves one out. A name
    is found in either Unicode form: a name typed on macOS may be decomposed.
    """

    async def read_list(self: Requests, *entity: str, **conditions: str | None) -> Listing[Listed]:
        alternatives = dict.fromkeys(
            " and ".join(
                f"{to_camel(name)} eq '{normalize(form, value).replace(chr(39), chr(39) * 2)}'"  # a quote is doubled
                for name, value in conditions.items()
                if value is not None
            )
            for form in ("NFC", "NFD")
        )
        condition = quote(" or ".join(alternatives), safe="")

        async def fetch(paging: str) -> Page[Listed]:
            query = f"{paging}&filter={condition}" if condition else paging
            found = await self._get(operation, path.format(*entity), page, query)
            if found.next_link and not self.resource.is_own_link(found.next_link):
                raise self._foreign_address()
            return found

        return await read_pages(fetch)

    return read_list


def get_operation(
    operation: str, path: str, schema: type[_Schema]
) -> Callable[[Requests, str], Coroutine[Any, Any, _Schema]]:
    """Return the method that reads the entity of an id."""

    async def get(self: Requests, entity: str) -> _Schema:
        return await self._get(operation, path.format(entity), schema)

    return get


def create_operation(operation: str, path: str, schema: type[_Schema]) -> Callable[..., Coroutine[Any, Any, _Schema]]:
    """Return the method that creates an entity from its definition, without the values that are None.

    Its second argument are the secrets in the definition, such as the signature of a `contentUrl`.
    """

    async def create(self: Requests, definition: dict[str, JsonValue], secrets: tuple[SecretStr, ...] = ()) -> _Schema:
        body: dict[str, JsonValue] = {name: value for name, value in definition.items() if value is not None}
        return await self._change(Request(operation, "POST", path, body, secrets=secrets), schema)

    return create


def update_operation(
    operation: str, path: str, schema: type[_Schema]
) -> Callable[[Requests, str, dict[str, JsonValue]], Coroutine[Any, Any, _Schema]]:
    """Return the method that changes properties of the entity of an id."""

    async def update(self: Requests, entity: str, changes: dict[str, JsonValue]) -> _Schema:
        return await self._change(Request(operation, "PATCH", path.format(entity), changes), schema)

    return update


def delete_operation(operation: str, path: str) -> Callable[[Requests, str], Coroutine[Any, Any, None]]:
    """Return the method that deletes the entity of an id; an entity that no longer exists counts as deleted."""

    async def delete(self: Requests, entity: str) -> None:
        try:
            await self._change(Request(operation, "DELETE", path.format(entity)), type(None))
        except AzureError as error:
            if error.status != 404:
                raise

    return delete
