"""Imports of datasets: rejected lines and files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import Entities, read_related_and_earlier
from custom_speech_tools.runtime.results import Finding, Result, ServiceText, warn
from custom_speech_tools.speech import Speech, SpeechError, schemas

MAX_REJECTED = 20  # rejected lines or files that an answer names
MAX_REJECTED_SHARE = 0.1  # of the lines; more indicate a wrong kind or format


class RejectedPart(Result):
    """A line or file that the service rejected."""

    where: ServiceText
    reason: ServiceText


@dataclass(frozen=True, slots=True)
class ImportReport:
    """A dataset and the result of its import."""

    speech: Speech
    dataset: schemas.Dataset
    parts: Entities
    earlier: Sequence[schemas.StatefulEntity]  # datasets of the same kind, from which the duration is estimated
    rejected: Sequence[RejectedPart] | None  # None if they could not be read


async def read_import_report(speech: Speech, dataset: schemas.Dataset) -> ImportReport:
    """Read the project of a dataset and the first lines or files that its import rejected."""
    parts, earlier = await read_related_and_earlier(speech, dataset, [dataset.project])
    rejected: list[RejectedPart] | None = []
    # The service counts nothing of a failed import.
    if is_terminal(dataset) and (dataset.rejected_lines != 0 or dataset.status == "Failed"):
        try:
            files = (await speech.datasets_list_files(dataset.id)).entities
            report = next((file for file in files if file.kind == "DatasetReport"), None)
            content = json.loads(await speech.read_file("Datasets_GetFile", report)) if report else {}
            found = content.get("rejected", [])[:MAX_REJECTED]
            rejected = [RejectedPart(where=str(part["where"]), reason=str(part["reason"])) for part in found]
        except (SpeechError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            rejected = None
    return ImportReport(speech, dataset, parts, earlier, rejected)


def import_is_complete(report: ImportReport) -> Iterator[Finding]:
    """Warn about an import that left out lines or files."""
    rejected, accepted = report.dataset.rejected_lines or 0, report.dataset.lines or 0
    if rejected:
        total = rejected + accepted
        message = f"The import rejected {rejected} of {total} lines or files; `lines` counts the accepted ones."
        fix = "The first of them are in `rejected`; correct them and upload the data again to use them."
        if not report.rejected:
            fix = "The service's list of them could not be read; check_data names them if the data are on this machine."
        yield warn("dataset-ready", message, fix)


def is_much_rejected(rejected: int, total: int) -> bool:
    """Return whether more than a tenth of the lines or files were rejected."""
    return rejected > MAX_REJECTED_SHARE * total
