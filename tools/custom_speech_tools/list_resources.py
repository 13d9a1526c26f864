"""list_resources: which Speech resources are configured, and what each can do."""

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Placeholder
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import Arguments
from custom_speech_tools.runtime.presenters.resource import Resources, present_resource
from custom_speech_tools.runtime.tool import Effect, declare


class ListResourcesArguments(Arguments):
    """list_resources takes no arguments and ignores those that clients add to such tools (`random_string`)."""


async def list_resources(arguments: ListResourcesArguments, call: CallContext) -> Resources:  # noqa: ARG001  # all tools have the same signature
    """List the configured Azure Speech resources.

    Shows region, API version, whether each trains with audio, has projects, can be copied from and may be changed.
    Other tools take their names as `resource`.
    """
    app = call.app
    found = [
        present_resource(speech.resource, is_default=name == app.default) for name, speech in app.resources.items()
    ]
    steps = [
        call_step("list_models", resource="*"),
        call_step("list_base_models", locale=Placeholder("locale"), resource=app.default),
    ]
    return Resources(resources=found, total=len(found), next_steps=steps)


tool = declare(list_resources, "List Speech resources", Effect.READ, "models")
