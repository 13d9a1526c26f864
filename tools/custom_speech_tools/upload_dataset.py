"""upload_dataset: upload data from a path, an address or lines of text, checked and repaired, once."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from custom_speech_tools.guardrails.data_check import CheckedData, checked_data
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.guardrails.upload_plan import UploadArguments, UploadPlan, plan_upload
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.block_upload import UploadState, upload_blocks
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.dataset import (
    UploadedDataset,
    dataset_fields,
    import_findings,
    steps_after_dataset,
)
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, schemas
from custom_speech_tools.speech.concurrency import run_in_thread


async def upload_dataset(arguments: UploadArguments, call: CallContext) -> UploadedDataset:
    """Upload a checked local path or lines of text, or let Azure read an address.

    The same content makes one dataset: repeat a call that was cut off. Then get_dataset.
    """
    async with _local_data(arguments, call) as data:
        plan = await plan_upload(call, arguments, data)
        dataset, existed, state = await _upload(call, plan, data)
    speech = plan.speech
    if state is None or state.is_complete:
        dataset = await poll_until_terminal(
            call, dataset, lambda: speech.datasets_get(dataset.id), arguments.wait_seconds
        )
    steps = steps_after_dataset(speech, dataset)
    if state is not None and not state.is_complete:
        steps = ["Call upload_dataset again with the same arguments: it goes on where it stopped."]
    return UploadedDataset(
        **await dataset_fields(call, speech, dataset),
        already_existed=existed,
        uploaded_bytes=state.uploaded if state else None,
        total_bytes=state.total if state else None,
        repairs=list(data.repairs) if data else [],
        findings=[*plan.findings, *(import_findings(dataset) if data is None else [])],
        next_steps=steps,
    )


@asynccontextmanager
async def _local_data(arguments: UploadArguments, call: CallContext) -> AsyncIterator[CheckedData | None]:
    """Provide the local data, found and read in a thread; a repaired copy is removed at the end."""
    if arguments.content_url is not None:
        yield None
        return
    async with AsyncExitStack() as stack:

        def read() -> CheckedData:
            source = allowed_path(call.app, arguments.path) if arguments.path is not None else arguments.lines or []
            reading = checked_data(source, arguments.kind, repair=arguments.repair)
            data = reading.__enter__()
            stack.callback(reading.__exit__, None, None, None)
            return data

        yield await run_in_thread(read)


async def _upload(
    call: CallContext, plan: UploadPlan, data: CheckedData | None
) -> tuple[schemas.Dataset, bool, UploadState | None]:
    """Create the dataset, or find what an earlier call created, and send the blocks that it does not have."""
    speech = plan.speech
    writer = call.writer(speech, Decision(plan.findings, plan.key))
    dataset, existed = await plan.create(call, writer)
    if data is None:
        return dataset, existed, None
    dataset = await speech.datasets_get(dataset.id)
    if not dataset.waits_for_blocks:
        return dataset, existed, None
    try:
        state = await upload_blocks(call, speech, writer, dataset, data.content, plan.blocks)
    except AzureError as error:
        dataset = await speech.datasets_get(dataset.id)
        if error.status == 409 and not dataset.waits_for_blocks:  # another call has committed the same blocks
            return dataset, True, None
        raise
    return await speech.datasets_get(dataset.id), existed, state


tool = declare(upload_dataset, "Upload a dataset", Annotations.CREATE, "data")
