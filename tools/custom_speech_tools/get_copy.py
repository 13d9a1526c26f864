"""get_copy: how far a copy is, and the model when it is there."""

from custom_speech_tools.call import copies
from custom_speech_tools.call.arguments import CopyOperation, SourceResource, WaitSeconds
from custom_speech_tools.call.connections import Connected, Named
from custom_speech_tools.call.declaration import reads
from custom_speech_tools.call.refusal import Refused
from custom_speech_tools.call.results import Copy, Finding
from custom_speech_tools.speech import AzureError, Speech, wire
from custom_speech_tools.speech.addresses import GUID, entity_of


async def get_copy(
    operation: CopyOperation,
    source: Named,
    connections: Connected,
    wait_seconds: WaitSeconds = 0,
    resource: SourceResource = None,
) -> Copy:
    """Follow a copy that copy_model started. With wait_seconds it answers when the copy has ended, or then.
    Succeeded, `model` is the new one on the target."""
    first = await _operation(source, _id(operation))
    last = await copies.watched(source, first, wait_seconds, connections.pace)
    link = copies.link_of(last)
    others = [other for other in connections.speech.values() if other is not source]
    there = await copies.arrived(link, others) if link else None
    return copies.shown(source, last, *(there or (None, None)))


async def _operation(source: Speech, operation: str) -> wire.Operation:
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
