"""upload_dataset: upload data from a path or an address, checked and repaired, once."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, StrictBool, StringConstraints

from custom_speech_tools.guardrails.data_check import CheckedData, checked_data
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.guardrails.upload_plan import UploadPlan, UploadRequest, plan_upload
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.block_upload import UploadState, upload_blocks
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import (
    KIND_MEANINGS,
    Arguments,
    DatasetKind,
    Description,
    DisplayName,
    Locale,
    OptionalProject,
    ResourceName,
    WaitSeconds,
)
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.dataset import UploadedDataset, dataset_fields, steps_after_dataset
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import AzureError, schemas
from custom_speech_tools.speech.concurrency import run_in_thread


class UploadDatasetArguments(Arguments):
    """The arguments of upload_dataset."""

    display_name: DisplayName
    locale: Locale
    kind: Annotated[DatasetKind, Field(description=KIND_MEANINGS)]
    path: Annotated[
        Annotated[str, StringConstraints(max_length=4096)] | None,
        Field(description="Local file or folder"),
    ] = None
    content_url: Annotated[
        Annotated[str, StringConstraints(max_length=4096)] | None,
        Field(description="Or an address that Azure reads"),
    ] = None
    project: OptionalProject = None
    description: Description = None
    repair: Annotated[StrictBool, Field(description="Repair a copy")] = True
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self) -> "UploadDatasetArguments":
        if (self.path is None) == (self.content_url is None):
            raise ValueError("needs either path or content_url")
        parts = urlsplit(self.content_url or "https://x")
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
            raise ValueError("content_url must be an https address without user name")
        return self


async def upload_dataset(arguments: UploadDatasetArguments, call: CallContext) -> UploadedDataset:
    """Upload data from a local path, or let Azure read an address. Checked first.

    The same content twice makes one dataset; repeat a call that was cut off. Then get_dataset.
    """
    request = UploadRequest(
        arguments.display_name,
        arguments.locale,
        arguments.kind,
        arguments.content_url,
        arguments.project,
        arguments.description,
        arguments.resource,
    )
    async with _local_data(arguments, call) as data:
        plan = await plan_upload(call, request, data)
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
        findings=list(plan.findings),
        next_steps=steps,
    )


@asynccontextmanager
async def _local_data(arguments: UploadDatasetArguments, call: CallContext) -> AsyncIterator[CheckedData | None]:
    """Provide the local data, found and read in a thread; a repaired copy is removed at the end."""
    given = arguments.path
    if given is None:
        yield None
        return
    async with AsyncExitStack() as stack:

        def read() -> CheckedData:
            reading = checked_data(allowed_path(call.app, given), arguments.kind, repair=arguments.repair)
            data = reading.__enter__()
            stack.callback(reading.__exit__, None, None, None)
            return data

        yield await run_in_thread(read)


async def _upload(
    call: CallContext, plan: UploadPlan, data: CheckedData | None
) -> tuple[schemas.Dataset, bool, UploadState | None]:
    """Create the dataset, or find what an earlier call created, and send the blocks that it does not have."""
    speech, request = plan.speech, plan.request
    writer = call.writer(speech, Decision(plan.findings, plan.key))
    dataset, existed = await call.app.idempotency.create_once(
        call,
        plan.key,
        lambda: writer.datasets_create(plan.definition(), plan.secrets),
        lambda: speech.datasets_list(display_name=request.display_name, locale=request.locale),
        read_at=plan.read_at,
    )
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


tool = declare(upload_dataset, "Upload a dataset", Effect.CREATE, "data")
