"""get_copy: return the status of a copy, and the copied model once it exists."""

from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.copy_facts import read_copy
from custom_speech_tools.presenters.copy import Copy, present_copy
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Arguments, Identifier, SourceResource, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.results import block
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.trusted_urls import GUID, entity_of, is_within, region_of


class GetCopyArguments(Arguments):
    """The arguments of get_copy."""

    operation: Annotated[Identifier, Field(description="`operation` of the copy's answer")]
    wait_seconds: WaitSeconds = 0
    resource: SourceResource = None


async def get_copy(arguments: GetCopyArguments, call: CallContext) -> Copy:
    """Get the progress of a copy to another resource.

    With wait_seconds it answers as soon as the copy has ended. When it is Succeeded, `model` is the new model on the
    target.
    """
    source = call.speech(arguments.resource)
    first = await _read_operation(source, arguments.operation)
    last = await poll_until_terminal(call, first, source.operations_get_model_copy, arguments.wait_seconds)
    target, model = None, None
    if last.copy_link:
        target, model = await _find_copy(call, last.copy_link, source, arguments.wait_seconds)
    parts = await read_related(target, [model.project]) if target and model else {}
    return present_copy(source, last, target, model, parts, call.now(source))


async def _read_operation(source: Speech, reference: str) -> schemas.CopyOperation:
    """Return the copy operation with this id or URI, or raise Refused."""
    address = entity_of(reference)
    identifier = address.id if address and address.kind == "operations/models/copy" else reference
    message = "`operation` is not the id of a copy operation."
    fix = "Pass the field `operation` of the answer to the copy."
    if GUID.fullmatch(identifier):
        try:
            return await source.operations_get_model_copy(identifier)
        except AzureError as error:
            if error.status != 404:
                raise
        message = f"Resource {source.resource.name} has no copy operation {identifier}."
        fix = "An operation belongs to the copy's source: pass that as `resource`. list_models on the target shows "
        fix += "what has arrived."
    raise Refused("There is no copy to show.", [block("reference-found", message, fix)], "Call again with it.")


async def _find_copy(
    call: CallContext, link: str, source: Speech, wait_seconds: float
) -> tuple[Speech | None, schemas.CustomModel | None]:
    """Return the copy that a link identifies and its configured resource, or None for both."""
    region = region_of(link)
    for target in call.speech_of_all():
        is_possible = is_within(target.resource.endpoint, link) or (region and target.resource.known_region == region)
        if target.resource.name == source.resource.name or not is_possible:
            continue
        try:
            return target, await read_copy(call, target, link, wait_seconds)
        except AzureError as error:
            if error.status not in (401, 403, 404):
                raise
    return None, None


tool = declare(get_copy, "Get a copy's progress", Annotations.READ, "models")
