"""The base of the REST client: requests that read, change and list entities."""

from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar
from unicodedata import normalize
from urllib.parse import quote

from pydantic.alias_generators import to_camel

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.decoding import decode
from custom_speech_tools.speech.errors import AzureError, NotAllowedError, UnreadableResponseError, UntrustedUrlError
from custom_speech_tools.speech.http_messages import Properties, Request, Secrets
from custom_speech_tools.speech.paging import Listed, Listing, Page, read_pages
from custom_speech_tools.speech.pipeline import RequestPipeline
from custom_speech_tools.speech.request_observer import RequestObserver
from custom_speech_tools.speech.service_urls import entity_of, is_content_url

_Schema = TypeVar("_Schema")
Pending = Coroutine[Any, Any, _Schema]  # the call of an operation


class RestClient:
    """A client of one Speech resource, whose observer decides whether a change may be sent."""

    def __init__(self, pipeline: RequestPipeline, observer: RequestObserver | None = None) -> None:
        self._pipeline, self.resource, self.clock = pipeline, pipeline.resource, pipeline.clock
        self._observer = observer or RequestObserver()

    @property
    def is_emulated(self) -> bool:
        """True if the resource is emulated, so that nothing is charged."""
        return self._pipeline.is_emulated

    def observed_by(self, observer: RequestObserver) -> Self:
        """Return a client of the same resource with another observer."""
        return type(self)(self._pipeline, observer)

    def trusted_id(self, link: str) -> str:
        """Return the entity id in a link, which is never requested; raises UntrustedUrlError for a link elsewhere."""
        found = entity_of(link)
        if found is None or not self.resource.is_own_link(link):
            raise self._untrusted_url()
        return found.id

    async def close(self) -> None:
        """Close the connections."""
        await self._pipeline.close()

    def _untrusted_url(self) -> UntrustedUrlError:
        name = self.resource.name
        return UntrustedUrlError(f"{name} answered with a link to another host; nothing was sent there.")

    async def _get(self, operation: str, path: str, schema: type[_Schema], query: str = "") -> _Schema:
        request, name = Request(operation, "GET", path, query=query), self.resource.name
        response = await self._pipeline.send(request, self._observer)
        try:
            return decode(name, operation, response, schema)
        except UnreadableResponseError:  # proxies truncate or replace a response now and then
            response = await self._pipeline.send(request, self._observer)
        return decode(name, operation, response, schema)

    async def _change(self, request: Request, schema: type[_Schema]) -> _Schema:
        """Send a change; raises NotAllowedError if the resource is read-only or the observer forbids the change."""
        name, operation = self.resource.name, request.operation
        if self.resource.read_only:
            raise NotAllowedError(f"{name} is read-only; {operation} was not sent.")
        with self._observer.change(name, operation) as change:
            value = decode(name, operation, await self._pipeline.send(request, self._observer), schema)
            change.id = value.id if isinstance(value, schemas.Entity | schemas.CopyOperation) else None
        return value

    async def read_file(self, operation: str, file: schemas.File) -> bytes:
        """Return the content of a file from its signed URL, to which no credential is sent."""
        url = file.content_url or ""
        if not is_content_url(self.resource.endpoint, url):
            raise UntrustedUrlError(f"{self.resource.name} named a file on another host; nothing was sent there.")
        return (await self._pipeline.send(Request(operation, "GET", url, is_signed=True), self._observer)).body


def list_operation(operation: str, path: str, page: type[Page[Listed]]) -> Callable[..., Pending[Listing[Listed]]]:
    """Return a method that reads all pages of a list.

    The keyword arguments of the method are properties in snake case, sent as the filter `a eq 'x' and b eq 'y'`;
    arguments that are None are ignored. The filter matches both Unicode forms, as macOS decomposes typed names.
    """

    async def read_list(self: RestClient, *entity: str, **conditions: str | None) -> Listing[Listed]:
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
                raise self._untrusted_url()
            return found

        return await read_pages(fetch)

    return read_list


def get_operation(operation: str, path: str, schema: type[_Schema]) -> Callable[[RestClient, str], Pending[_Schema]]:
    """Return a method that reads an entity by id."""

    async def get(self: RestClient, entity: str) -> _Schema:
        return await self._get(operation, path.format(entity), schema)

    return get


def create_operation(operation: str, path: str, schema: type[_Schema]) -> Callable[..., Pending[_Schema]]:
    """Return a method that creates an entity from a definition and the secrets in it; None values are left out."""

    async def create(self: RestClient, definition: Properties, secrets: Secrets = ()) -> _Schema:
        body: Properties = {name: value for name, value in definition.items() if value is not None}
        return await self._change(Request(operation, "POST", path, body, secrets=secrets), schema)

    return create


def update_operation(
    operation: str, path: str, schema: type[_Schema]
) -> Callable[[RestClient, str, Properties], Pending[_Schema]]:
    """Return a method that changes properties of an entity by id."""

    async def update(self: RestClient, entity: str, changes: Properties) -> _Schema:
        return await self._change(Request(operation, "PATCH", path.format(entity), changes), schema)

    return update


def delete_operation(operation: str, path: str) -> Callable[[RestClient, str], Pending[None]]:
    """Return a method that deletes an entity by id, without an error if it no longer exists."""

    async def delete(self: RestClient, entity: str) -> None:
        try:
            await self._change(Request(operation, "DELETE", path.format(entity)), type(None))
        except AzureError as error:
            if error.status != 404:
                raise

    return delete
