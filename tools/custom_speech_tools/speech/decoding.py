"""From the bytes of an answer to what it says."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from custom_speech_tools.speech import retry, schemas
from custom_speech_tools.speech.errors import AzureError, UnreadableAnswerError
from custom_speech_tools.speech.sanitize import sanitize

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Answer

Decoded = TypeVar("Decoded")


def decode(resource: str, operation: str, answer: "Answer", schema: type[Decoded]) -> Decoded:
    """Return the body of a successful answer in the schema that the operation documents.

    Raises:
        UnreadableAnswerError: The body does not fit the schema.
    """
    if schema is type(None):
        return None
    try:
        return cast(Decoded, _adapter(cast(Any, schema)).validate_json(answer.body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UnreadableAnswerError(
            f"{resource} sent an answer to {operation} that could not be read ({place}: {first['type']}).",
            resource=resource,
            operation=operation,
        ) from None


def decode_error(resource: str, operation: str, answer: "Answer", now: datetime) -> AzureError:
    """Return what an unsuccessful answer says; of a body in an unknown form only the status is kept."""
    try:
        error = schemas.Error.model_validate_json(answer.body)
    except ValidationError:
        error = schemas.Error()
    inner = error.inner_error or schemas.InnerError()
    return AzureError(
        sanitize(inner.message or error.message or "").replace('"', "'"),
        resource=resource,
        operation=operation,
        status=answer.status,
        code=error.code,
        inner_code=inner.code,
        retry_after=retry.retry_after_seconds(answer.headers.get("retry-after"), now),
    )


@cache
def _adapter(schema: Any) -> TypeAdapter[Any]:
    return TypeAdapter(schema)
