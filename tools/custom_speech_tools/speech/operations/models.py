"""Base models, custom models and copies of them."""

from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.operations.requests import Requests
from custom_speech_tools.speech.paging import Listing


class ModelOperations(Requests):
    """Operations on base models and custom models."""

    async def models_list_supported_locales(self) -> list[str]:
        """GET /models/locales."""
        return await self._get("Models_ListSupportedLocales", "/models/locales", list[str])

    async def models_list_base_models(self, **conditions: str | None) -> Listing[schemas.BaseModel]:
        """GET /models/base."""
        return await self._list("Models_ListBaseModels", "/models/base", schemas.Page[schemas.BaseModel], conditions)

    async def models_get_base_model(self, model: str) -> schemas.BaseModel:
        """GET /models/base/{id}."""
        return await self._get("Models_GetBaseModel", f"/models/base/{model}", schemas.BaseModel)

    async def models_list_custom_models(self, **conditions: str | None) -> Listing[schemas.CustomModel]:
        """GET /models."""
        return await self._list("Models_ListCustomModels", "/models", schemas.Page[schemas.CustomModel], conditions)

    async def models_get_custom_model(self, model: str) -> schemas.CustomModel:
        """GET /models/{id}."""
        return await self._get("Models_GetCustomModel", f"/models/{model}", schemas.CustomModel)

    async def models_create(self, definition: dict[str, JsonValue]) -> schemas.CustomModel:
        """POST /models."""
        return await self._change("Models_Create", "POST", "/models", schemas.CustomModel, definition)

    async def models_update(self, model: str, changes: dict[str, JsonValue]) -> schemas.CustomModel:
        """PATCH /models/{id}."""
        return await self._change("Models_Update", "PATCH", f"/models/{model}", schemas.CustomModel, changes)

    async def models_delete(self, model: str) -> None:
        """DELETE /models/{id}."""
        await self._delete("Models_Delete", f"/models/{model}")

    async def models_authorize_copy(self, source_resource_id: str) -> schemas.ModelCopyAuthorization:
        """POST /models:authorizecopy, on the resource that the copy goes to."""
        body: dict[str, JsonValue] = {"sourceResourceId": source_resource_id}
        schema = schemas.ModelCopyAuthorization
        return await self._change("Models_AuthorizeCopy", "POST", "/models:authorizecopy", schema, body)

    async def models_copy(self, model: str, authorization: schemas.ModelCopyAuthorization) -> schemas.Operation:
        """POST /models/{id}:copy, with the authorization exactly as the target issued it."""
        body = authorization.model_dump(mode="json", by_alias=True)
        return await self._change("Models_Copy", "POST", f"/models/{model}:copy", schemas.Operation, body)

    async def models_copy_with_key(self, model: str, target_key: SecretStr) -> schemas.CustomModel:
        """POST /models/{id}:copy with the target's key, the v3.2 form of the article on training models."""
        body: dict[str, JsonValue] = {"targetSubscriptionKey": target_key.get_secret_value()}
        path, schema = f"/models/{model}:copy", schemas.CustomModel
        return await self._change("Models_Copy", "POST", path, schema, body, secrets=(target_key,))

    async def operations_get_model_copy(self, operation: str) -> schemas.Operation:
        """GET /operations/models/copy/{id}."""
        return await self._get("Operations_GetModelCopy", f"/operations/models/copy/{operation}", schemas.Operation)
