"""get_transcription: get the status and the texts of a batch transcription."""

from functools import partial

from custom_speech_tools.guardrails.draft_transcripts import find_draft_file
from custom_speech_tools.guardrails.entity_lookup import get_entity
from custom_speech_tools.guardrails.transcription_report import complete_report, follow_batch
from custom_speech_tools.presenters.transcription import Transcription, present_transcription
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import TRANSCRIPTION
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

    `output` writes all texts to a new local file that can be uploaded as transcripts. The service gives no time
    estimate.
    """
    speech, output = call.speech(arguments.resource), None
    if arguments.output:
        output = await run_in_thread(partial(find_draft_file, call.app, arguments.output))
    if isinstance(output, Finding):
        raise Refused("Nothing was written.", [output], "Call again with another output, or without.")
    batch = await get_entity(speech, TRANSCRIPTION, arguments.transcription)
    report = await follow_batch(call, speech, batch, arguments.wait_seconds)
    return present_transcription(await complete_report(call, report, output), call.now(speech))


tool = declare(get_transcription, "Get a transcription", Annotations.READ, "quality")
