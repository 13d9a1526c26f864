"""From an answer's bytes to what it says. Pure functions."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from custom_speech_tools.speech import retry, schemas
from custom_speech_tools.speech.errors import AzureError, UnreadableAnswerError
from custom_speech_tools.speech.sanitize import plain

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Answer

Form = TypeVar("Form")


def read(resource: str, operation: str, answer: "Answer", form: type[Form]) -> Form:
    """The answer's body in the form that the operation documents; raises UnreadableAnswerError."""
    try:
        return cast(Form, _adapter(cast(Any, form)).validate_json(answer.body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UnreadableAnswerError(
            f"{resource} gave an answer to {operation} that could not be read ({place}: {first['type']}).",
            resource=resource,
            operation=operation,
        ) from None


def refusal(resource: str, operation: str, answer: "Answer", now: datetime) -> AzureError:
    """What an answer that is no success says; a body that is not the service's leaves the status alone."""
    try:
        error = schemas.Error.model_validate_json(answer.body)
    except ValidationError:
        error = schemas.Error()
    inner = error.inner_error or schemas.InnerError()
    said = (inner.message or error.message or "").replace('"', "'")
    return AzureError(
        f'"{plain(said)}"' if said else "no reason given",
        resource=resource,
        operation=operation,
        status=answer.status,
        code=error.code,
        inner_code=inner.code,
        retry_after=retry.retry_after_seconds(answer.headers.get("retry-after"), now),
    )


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)
