"""get_copy: how far a copy is, and the model when it is there."""

from custom_speech_tools.call import copies
from custom_speech_tools.call.arguments import CopyOperation, SourceResource, WaitSeconds
from custom_speech_tools.call.connections import Connected, Named
from custom_speech_tools.call.declaration import reads
from custom_speech_tools.call.refusal import Refused
from custom_speech_tools.call.results import Copy, Finding
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
    first = await source.operations_get_model_copy(_id(operation))
    last = await copies.watched(source, first, wait_seconds, connections.pace)
    link = copies.link_of(last)
    others = [other for other in connections.speech.values() if other is not source]
    there = await copies.arrived(link, others) if link else None
    return copies.shown(source, last, *(there or (None, None)))


def _id(operation: str) -> str:
    found = entity_of(operation)
    if GUID.fullmatch(operation):
        return operation
    if found and found.kind == "operations/models/copy":
        return found.id
    wrong = Finding(
        rule="reference-found",
        level="block",
        message="`operation` is no id of a copy operation.",
        fix="It is the field `operation` of copy_model's answer.",
    )
    raise Refused("Nothing to look at.", [wrong], "Call again with it.")


tool = reads(get_copy, "Get a copy's progress")
