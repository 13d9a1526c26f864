"""upload_dataset: check, repair and upload data from a path, a URL or lines of text, only once per content."""

from contextlib import ExitStack

from custom_speech_data.file_access import size_of
from custom_speech_tools.guardrails.dataset_import import import_is_complete, read_import_report
from custom_speech_tools.guardrails.local_data import CheckedData, open_checked_data
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.guardrails.upload_facts import UploadArguments
from custom_speech_tools.guardrails.upload_plan import plan_upload, upload
from custom_speech_tools.presenters.dataset import UploadedDataset, present_dataset
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.tasks_and_threads import run_in_thread


async def upload_dataset(arguments: UploadArguments, call: CallContext) -> UploadedDataset:
    """Check and upload a local path or lines of text, or let Azure read a URL.

    Identical content is stored once; repeat an interrupted call to continue. Next: get_dataset.
    """
    with ExitStack() as open_files:

        def read() -> CheckedData:
            source = allowed_path(call.app, arguments.path) if arguments.path is not None else arguments.lines or []
            return open_files.enter_context(open_checked_data(source, arguments.kind, repair=arguments.repair))

        data = None if arguments.content_url is not None else await run_in_thread(read)
        plan = await plan_upload(call, arguments, data)
        dataset, existed, uploaded = await upload(call, plan)
    speech, total = plan.facts.speech, size_of(data.content) if data else 0
    more: dict[str, object] = {}
    if uploaded is not None and uploaded < total:
        more["next_steps"] = ["Call upload_dataset again with the same arguments: it continues where it stopped."]
    else:
        dataset = await poll_until_terminal(call, dataset, speech.datasets_get, arguments.wait_seconds)
    report = await read_import_report(speech, dataset)
    return present_dataset(
        report,
        call.now(speech),
        UploadedDataset,
        already_existed=existed,
        uploaded_bytes=uploaded,
        total_bytes=None if uploaded is None else total,
        repairs=data.repairs if data else (),
        # The check of local data has already listed the lines that the import rejects.
        findings=[*plan.findings, *(() if data else import_is_complete(report))],
        **more,
    )


tool = declare(upload_dataset, "Upload a dataset", Annotations.CREATE, "data")
