"""get_copy: return the status of a copy, and the copied model once it exists."""

from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.copy_facts import find_copy_by_link, find_operation
from custom_speech_tools.presenters.copy import Copy, present_copy
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import Arguments, Identifier, SourceResource, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare


class GetCopyArguments(Arguments):
    """The arguments of get_copy."""

    operation: Annotated[Identifier, Field(description="Field `operation` of the copy")]
    wait_seconds: WaitSeconds = 0
    resource: SourceResource = None


async def get_copy(arguments: GetCopyArguments, call: CallContext) -> Copy:
    """Get the progress of a copy to another resource.

    With wait_seconds, it returns as soon as the copy has ended. On success, `model` is the finished copy.
    """
    source = call.speech(arguments.resource)
    first = await find_operation(source, arguments.operation)
    last = await poll_until_terminal(call, first, source.operations_get_model_copy, arguments.wait_seconds)
    target, model = None, None
    if last.copy_link:
        target, model = await find_copy_by_link(call, last.copy_link, source, arguments.wait_seconds)
    parts = await read_related(target, [model.project]) if target and model else {}
    return present_copy(source, last, target, model, parts, call.now(source))


tool = declare(get_copy, "Get a copy's progress", Annotations.READ, "models")
