"""upload_dataset: upload data from a path, an address or lines of text, checked and repaired, once."""

from contextlib import ExitStack

from custom_speech_data.content import size_of
from custom_speech_tools.guardrails.local_data import CheckedData, open_checked_data
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.guardrails.upload_plan import UploadArguments, UploadPlan, plan_upload, upload_blocks
from custom_speech_tools.presenters.dataset import UploadedDataset, present_dataset, rejection_findings
from custom_speech_tools.runtime.change_audit import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, schemas
from custom_speech_tools.speech.task_groups import run_in_thread


async def upload_dataset(arguments: UploadArguments, call: CallContext) -> UploadedDataset:
    """Upload a checked local path or lines of text, or let Azure read an address.

    The same content makes one dataset: repeat a call that was cut off. Then get_dataset.
    """
    with ExitStack() as open_files:

        def read() -> CheckedData:
            source = allowed_path(call.app, arguments.path) if arguments.path is not None else arguments.lines or []
            return open_files.enter_context(open_checked_data(source, arguments.kind, repair=arguments.repair))

        data = None if arguments.content_url is not None else await run_in_thread(read)
        plan = await plan_upload(call, arguments, data)
        dataset, existed, uploaded = await _upload(call, plan, data)
    speech, total = plan.speech, size_of(data.content) if data else 0
    more: dict[str, object] = {}
    if uploaded is not None and uploaded < total:
        more["next_steps"] = ["Call upload_dataset again with the same arguments: it goes on where it stopped."]
    else:
        dataset = await poll_until_terminal(call, dataset, speech.datasets_get, arguments.wait_seconds)
    return await present_dataset(
        call,
        speech,
        dataset,
        UploadedDataset,
        already_existed=existed,
        uploaded_bytes=uploaded,
        total_bytes=None if uploaded is None else total,
        repairs=data.repairs if data else (),
        # What the import rejects of local data, the check has said line by line.
        findings=[*plan.findings, *(() if data else rejection_findings(dataset))],
        **more,
    )


async def _upload(
    call: CallContext, plan: UploadPlan, data: CheckedData | None
) -> tuple[schemas.Dataset, bool, int | None]:
    """Return the dataset, whether it existed, and its bytes at the service, None if no block had to be sent."""
    speech = plan.speech
    writer = call.writer(speech, Decision(plan.findings, plan.key))
    dataset, existed = await plan.create(call, writer)
    if data is None:
        return dataset, existed, None
    dataset = await speech.datasets_get(dataset.id)
    if not dataset.waits_for_blocks:
        return dataset, existed, None
    try:
        uploaded = await upload_blocks(call, writer, dataset.id, data.content, plan.blocks)
    except AzureError as error:
        dataset = await speech.datasets_get(dataset.id)
        if error.status == 409 and not dataset.waits_for_blocks:  # another call has committed the same blocks
            return dataset, True, None
        raise
    return await speech.datasets_get(dataset.id), existed, uploaded


tool = declare(upload_dataset, "Upload a dataset", Annotations.CREATE, "data")
