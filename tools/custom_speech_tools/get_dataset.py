"""get_dataset: return a dataset and its rejected lines or files."""

from custom_speech_tools.guardrails.dataset_import import read_import_report
from custom_speech_tools.guardrails.entity_lookup import get_entity
from custom_speech_tools.presenters.dataset import DatasetAnswer, present_dataset
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import DATASET
from custom_speech_tools.runtime.parameters import Arguments, Reference, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.tool import Annotations, declare


class GetDatasetArguments(Arguments):
    """The arguments of get_dataset."""

    dataset: Reference
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_dataset(arguments: GetDatasetArguments, call: CallContext) -> DatasetAnswer:
    """Get a dataset: status, size, and the first twenty rejected lines or files, with reasons."""
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, DATASET, arguments.dataset)
    last = await poll_until_terminal(call, first, speech.datasets_get, arguments.wait_seconds)
    return present_dataset(await read_import_report(speech, last), call.now(speech), DatasetAnswer)


tool = declare(get_dataset, "Get a dataset", Annotations.READ, "data")
