"""The REST API: one method per operation, named after Azure's operation."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import odata, schemas
from custom_speech_tools.speech.addresses import entity_of, is_credible_link, is_within
from custom_speech_tools.speech.decoding import read
from custom_speech_tools.speech.errors import ForeignAddressError, NotAllowedError
from custom_speech_tools.speech.hooks import RequestObserver
from custom_speech_tools.speech.paging import Listing, read_pages
from custom_speech_tools.speech.pipeline import RequestPipeline
from custom_speech_tools.speech.resource import SpeechResource

_Form = TypeVar("_Form")
_MOST_SEEN = 10_000


class Speech:
    """The custom speech operations of one Speech resource.

    `app`, called at the first request, gives an ASGI application that answers in place of the network.
    `watcher` is told of every request that changes something, and may stop it.
    Every operation may raise any SpeechError.
    """

    def __init__(
        self,
        resource: SpeechResource,
        app: Callable[[], Callable[..., Any]] | None = None,
        watcher: RequestObserver | None = None,
    ) -> None:
        self.resource = resource
        self.seen: dict[str, schemas.Entity] = {}
        """What the service last said of each entity, so that a reference can be shown with its name."""
        self._sender = RequestPipeline(resource, app, watcher)

    # Projects

    async def projects_list(self, **conditions: str | None) -> Listing[schemas.Project]:
        """GET /projects"""
        return await self._list("Projects_List", "/projects", schemas.Page[schemas.Project], conditions)

    async def projects_get(self, project: str) -> schemas.Project:
        """GET /projects/{id}"""
        return await self._get("Projects_Get", f"/projects/{project}", schemas.Project)

    # Datasets

    async def datasets_list(self, **conditions: str | None) -> Listing[schemas.Dataset]:
        """GET /datasets"""
        return await self._list("Datasets_List", "/datasets", schemas.Page[schemas.Dataset], conditions)

    async def datasets_get(self, dataset: str) -> schemas.Dataset:
        """GET /datasets/{id}"""
        return await self._get("Datasets_Get", f"/datasets/{dataset}", schemas.Dataset)

    # Models

    async def models_list_supported_locales(self) -> list[str]:
        """GET /models/locales"""
        return await self._get("Models_ListSupportedLocales", "/models/locales", list[str])

    async def models_list_base_models(self, **conditions: str | None) -> Listing[schemas.BaseModel]:
        """GET /models/base"""
        return await self._list("Models_ListBaseModels", "/models/base", schemas.Page[schemas.BaseModel], conditions)

    async def models_get_base_model(self, model: str) -> schemas.BaseModel:
        """GET /models/base/{id}"""
        return await self._get("Models_GetBaseModel", f"/models/base/{model}", schemas.BaseModel)

    async def models_list_custom_models(self, **conditions: str | None) -> Listing[schemas.CustomModel]:
        """GET /models"""
        return await self._list("Models_ListCustomModels", "/models", schemas.Page[schemas.CustomModel], conditions)

    async def models_get_custom_model(self, model: str) -> schemas.CustomModel:
        """GET /models/{id}"""
        return await self._get("Models_GetCustomModel", f"/models/{model}", schemas.CustomModel)

    async def models_create(self, definition: dict[str, JsonValue]) -> schemas.CustomModel:
        """POST /models"""
        return await self._change("Models_Create", "POST", "/models", schemas.CustomModel, definition)

    async def models_update(self, model: str, changes: dict[str, JsonValue]) -> schemas.CustomModel:
        """PATCH /models/{id}"""
        return await self._change("Models_Update", "PATCH", f"/models/{model}", schemas.CustomModel, changes)

    async def models_authorize_copy(self, source_resource_id: str) -> schemas.ModelCopyAuthorization:
        """POST /models:authorizecopy, on the resource that the copy goes to"""
        body: dict[str, JsonValue] = {"sourceResourceId": source_resource_id}
        return await self._change(
            "Models_AuthorizeCopy", "POST", "/models:authorizecopy", schemas.ModelCopyAuthorization, body
        )

    async def models_copy(self, model: str, authorization: schemas.ModelCopyAuthorization) -> schemas.Operation:
        """POST /models/{id}:copy, with the authorization as the target gave it"""
        body = authorization.model_dump(mode="json", by_alias=True)
        return await self._change("Models_Copy", "POST", f"/models/{model}:copy", schemas.Operation, body)

    async def models_copy_with_key(self, model: str, target_key: SecretStr) -> schemas.CustomModel:
        """POST /models/{id}:copy, as the article `Train a custom speech model` has it (v3.2); gives the new model"""
        body: dict[str, JsonValue] = {"targetSubscriptionKey": target_key.get_secret_value()}
        path, form = f"/models/{model}:copy", schemas.CustomModel
        return await self._change("Models_Copy", "POST", path, form, body, secrets=(target_key,))

    async def operations_get_model_copy(self, operation: str) -> schemas.Operation:
        """GET /operations/models/copy/{id}"""
        return await self._get("Operations_GetModelCopy", f"/operations/models/copy/{operation}", schemas.Operation)

    # What the operations share

    def address_of(self, path: str) -> str:
        """The `self` URI of an entity of this resource."""
        version = self.resource.api_version
        return self.resource.endpoint + version.path + path + (f"?{version.query}" if version.query else "")

    def credible_id(self, link: str) -> str:
        """The id in a link that an answer of this resource names; raises ForeignAddressError for another host's."""
        found = entity_of(link)
        if found is None or not is_credible_link(self.resource.endpoint, link):
            raise self._foreign("the answer")
        return found.id

    @property
    def ahead(self) -> timedelta:
        """How far the service's clock is ahead of this machine's; zero until the service has told the time."""
        return self._sender.ahead

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()

    async def _get(self, operation: str, path: str, form: type[_Form]) -> _Form:
        said = read(self.resource.name, operation, await self._sender.send(operation, "GET", path), form)
        self._remember(said)
        return said

    async def _change(
        self,
        operation: str,
        method: str,
        path: str,
        form: type[_Form],
        body: dict[str, JsonValue] | None = None,
        secrets: Sequence[SecretStr] = (),
    ) -> _Form:
        """Everything but a GET is refused on a read-only resource, and recorded on any other."""
        if self.resource.read_only:
            raise self._not_allowed(operation)
        with self._sender.watcher.change(self.resource.name, operation) as change:
            answer = await self._sender.send(operation, method, path, body=body, secrets=secrets)
            said = read(self.resource.name, operation, answer, form)
            change.id = said.id if isinstance(said, schemas.Entity | schemas.Operation) else None
        self._remember(said)
        return said

    def _remember(self, *said: object) -> None:
        self.seen.update({entity.id: entity for entity in said if isinstance(entity, schemas.Entity)})
        while len(self.seen) > _MOST_SEEN:
            self.seen.pop(next(iter(self.seen)))

    async def _list(
        self, operation: str, path: str, page: type[schemas.Page[schemas.Listed]], conditions: dict[str, str | None]
    ) -> Listing[schemas.Listed]:
        condition = odata.query(filter=odata.equal(conditions))

        async def fetch(paging: str) -> schemas.Page[schemas.Listed]:
            query = "&".join(filter(None, (paging, condition)))
            found = read(self.resource.name, operation, await self._sender.send(operation, "GET", path, query), page)
            if found.next_link and not is_within(self.resource.endpoint, found.next_link):
                raise self._foreign(operation)
            self._remember(*found.values)
            return found

        return await read_pages(fetch)

    def _not_allowed(self, operation: str) -> NotAllowedError:
        name = self.resource.name
        return NotAllowedError(f"{name} is read-only; {operation} was not sent.", resource=name, operation=operation)

    def _foreign(self, operation: str) -> ForeignAddressError:
        return ForeignAddressError(
            f"{self.resource.name} answered with a link to another host; nothing was sent there.",
            resource=self.resource.name,
            operation=operation,
        )
