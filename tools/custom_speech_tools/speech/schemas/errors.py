"""Error bodies: the service's own, and those of the gateway in front of it."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field, model_validator

from custom_speech_tools.speech.schemas.entities import Schema


class InnerError(Schema):
    """The more specific code of an error."""

    code: str | None = None
    message: str | None = None


class Error(Schema):
    """The body of an unsuccessful answer."""

    code: str | None = None
    message: str | None = None
    inner_error: Annotated[
        InnerError | None, Field(validation_alias=AliasChoices("innerError", "innererror", "inner_error"))
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _unwrap_gateway_error(cls, body: Any) -> Any:
        """Read `{"error": {…}}` of the gateway and `{"statusCode": …, "message": …}` of the API management alike."""
        if not isinstance(body, dict):
            return body
        nested = body.get("error")
        found = nested if isinstance(nested, dict) else body
        return found | {"code": str(found["code"])} if isinstance(found.get("code"), int) else found
