"""get_transcription: show the status and the texts of a batch transcription."""

from functools import partial

from custom_speech_tools.guardrails.entity_lookup import TRANSCRIPTION, get_entity
from custom_speech_tools.guardrails.local_recordings import find_output
from custom_speech_tools.presenters.transcription import Transcription, finish_batch
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Arguments, Output, Reference, ResourceName, WaitSeconds
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.tasks_and_threads import run_in_thread


class GetTranscriptionArguments(Arguments):
    """The arguments of get_transcription."""

    transcription: Reference
    output: Output = None
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_transcription(arguments: GetTranscriptionArguments, call: CallContext) -> Transcription:
    """Get a batch transcription: status, and the text of each recording with the words of low confidence.

    `output` writes all texts to a new local file that can be uploaded as transcripts. The service gives no
    estimate of the time.
    """
    speech, output = call.speech(arguments.resource), None
    if arguments.output:
        output = await run_in_thread(partial(find_output, call.app, arguments.output))
    if isinstance(output, Finding):
        raise Refused("Nothing was written.", [output], "Call again with another output, or without.")
    job = await get_entity(speech, TRANSCRIPTION, arguments.transcription)
    return await finish_batch(call, speech, job, arguments.wait_seconds, output)


tool = declare(get_transcription, "Get a transcription", Annotations.READ, "quality")
