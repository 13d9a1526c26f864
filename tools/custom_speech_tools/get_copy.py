"""get_copy: return the status of a copy, and the model when it has arrived."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.copy_plan import read_copy
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Arguments, Identifier, SourceResource, WaitSeconds
from custom_speech_tools.runtime.parts import read_parts
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.copy import Copy, present_copy
from custom_speech_tools.runtime.resources import region
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.addresses import GUID, entity_of, is_within, region_of


class GetCopyArguments(Arguments):
    """The arguments of get_copy."""

    operation: Annotated[Identifier, Field(description="`operation` of copy_model's answer")]
    wait_seconds: WaitSeconds = 0
    resource: SourceResource = None


async def get_copy(arguments: GetCopyArguments, call: CallContext) -> Copy:
    """Get the progress of a copy that copy_model started.

    With wait_seconds it answers as soon as the copy has ended. When it is Succeeded, `model` is the new model on the
    target.
    """
    source = call.speech(arguments.resource)
    first = await _read_operation(source, _operation_id(arguments.operation))
    last = await poll_until_terminal(call, first, source.operations_get_model_copy, arguments.wait_seconds)
    others = [speech for speech in call.speech_of_all() if speech.resource.name != source.resource.name]
    found = await _find_copy(call, last.copy_link, others, arguments.wait_seconds) if last.copy_link else None
    target, model = found or (None, None)
    parts = await read_parts(target, [model.project]) if target and model else {}
    return present_copy(source, last, target, model, parts, call.now(source))


async def _find_copy(
    call: CallContext, link: str, resources: Iterable[Speech], wait_seconds: float
) -> tuple[Speech, schemas.CustomModel] | None:
    """Return the copy that a link names, with the configured resource that it belongs to."""
    for target in resources:
        named = region_of(link)
        is_possible = is_within(target.resource.endpoint, link) or (named and region(target.resource) == named)
        if not is_possible:
            continue
        try:
            return target, await read_copy(call, target, link, wait_seconds)
        except AzureError as error:
            if error.status not in (401, 403, 404):
                raise
    return None


async def _read_operation(source: Speech, operation: str) -> schemas.Operation:
    try:
        return await source.operations_get_model_copy(operation)
    except AzureError as error:
        if error.status != 404:
            raise
        message = f"Resource {source.resource.name} has no copy operation {operation}."
        fix = "An operation belongs to the copy's source: pass that as `resource`. list_models on the target shows "
        raise _not_found(message, f"{fix}what has arrived.") from error


def _operation_id(operation: str) -> str:
    address = entity_of(operation)
    if GUID.fullmatch(operation):
        return operation
    if address and address.kind == "operations/models/copy":
        return address.id
    raise _not_found(
        "`operation` is not the id of a copy operation.", "Pass the field `operation` of copy_model's answer."
    )


def _not_found(message: str, fix: str) -> Refused:
    finding = Finding(rule="reference-found", level="block", message=message, fix=fix)
    return Refused("There is no copy to show.", [finding], "Call again with it.")


tool = declare(get_copy, "Get a copy's progress", Annotations.READ, "models")
