"""get_copy: how far a copy is, and the model when it is there."""

from custom_speech_tools.runtime import copy_operations
from custom_speech_tools.runtime.dependencies import Named, WithApp
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import CopyOperation, SourceResource, WaitSeconds
from custom_speech_tools.runtime.results import Copy, Finding
from custom_speech_tools.runtime.tool import reads
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.addresses import GUID, entity_of


async def get_copy(
    operation: CopyOperation,
    source: Named,
    connections: WithApp,
    wait_seconds: WaitSeconds = 0,
    resource: SourceResource = None,
) -> Copy:
    """Follow a copy that copy_model started. With wait_seconds it answers when the copy has ended, or then.
    Succeeded, `model` is the new one on the target."""
    first = await _operation(source, _id(operation))
    last = await copy_operations.watched(source, first, wait_seconds, connections.pace)
    link = copy_operations.link_of(last)
    others = [other for other in connections.speech.values() if other is not source]
    there = await copy_operations.arrived(link, others) if link else None
    return copy_operations.shown(source, last, *(there or (None, None)))


async def _operation(source: Speech, operation: str) -> schemas.Operation:
    try:
        return await source.operations_get_model_copy(operation)
    except AzureError as error:
        if error.status != 404:
            raise
        message = f"Resource {source.resource.name} has no copy operation {operation}."
        fix = "It is with the copy's source: pass that as `resource`. list_models on the target shows what has arrived."
        raise _nothing(message, fix) from error


def _id(operation: str) -> str:
    found = entity_of(operation)
    if GUID.fullmatch(operation):
        return operation
    if found and found.kind == "operations/models/copy":
        return found.id
    raise _nothing("`operation` is no id of a copy operation.", "It is the field `operation` of copy_model's answer.")


def _nothing(message: str, fix: str) -> Refused:
    wrong = Finding(rule="reference-found", level="block", message=message, fix=fix)
    return Refused("Nothing to look at.", [wrong], "Call again with it.")


tool = reads(get_copy, "Get a copy's progress")
