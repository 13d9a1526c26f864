"""check_data: report everything that Azure would object to in a local file or folder."""

from typing import Annotated

from pydantic import Field

from custom_speech_data.kind import ARCHIVE_KINDS
from custom_speech_tools.guardrails.data_check import CheckedData, checked_data, count_words
from custom_speech_tools.guardrails.local_files import LocalPath, allowed_path
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Placeholder
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import KIND_MEANINGS, Arguments, DatasetKind, LocaleFilter
from custom_speech_tools.runtime.polling import AUDIO_HOURS_PER_DAY
from custom_speech_tools.runtime.results import Answer, Findings, Sentence, ServiceText
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech.concurrency import run_in_thread


class CheckDataArguments(Arguments):
    """The arguments of check_data."""

    path: Annotated[str, Field(max_length=4096, description="File or folder below an allowed folder")]
    kind: Annotated[DatasetKind | None, Field(description=f"{KIND_MEANINGS}; default: guessed")] = None
    locale: LocaleFilter = None


class DataCheck(Answer):
    """The content of a dataset and everything that Azure would object to.

    `ok`: upload_dataset takes it. `needs_repair`: only because it repairs a copy; Azure refuses it as it is.
    """

    path: ServiceText
    kind: str
    ok: bool
    needs_repair: bool
    findings: Findings
    lines: int
    rejected_lines: int
    words: int
    audio_hours: float | None
    files: int
    estimated_training_days: float | None
    repairs: list[Sentence]


async def check_data(arguments: CheckDataArguments, call: CallContext) -> DataCheck:
    """Check a local file or folder before an upload: encoding, lines, transcripts, audio format, with line and file.

    Nothing is changed or sent. `repairs` lists what a repair would change.
    """

    def run() -> DataCheck:
        return check(allowed_path(call.app, arguments.path), arguments.kind, arguments.locale)

    return await run_in_thread(run, abandon_on_cancel=True)


def check(source: LocalPath, kind: str | None, locale: str | None) -> DataCheck:
    """Return the result of a check; reads the file, so it runs in a thread."""
    with checked_data(source, kind, repair=True) as repaired:
        if not repaired.is_changed:
            return present(source.given, repaired, locale, repaired)
        with checked_data(source, kind, repair=False) as original:
            # Line numbers are those of the user's own text, unless a repair is what makes it readable.
            is_repairable = original.report.error is not None and repaired.report.error is None
            shown = repaired if is_repairable or repaired.kind in ARCHIVE_KINDS else original
            return present(source.given, shown, locale, repaired, needs_repair=is_repairable)


def present(
    name: str, data: CheckedData, locale: str | None, repaired: CheckedData, *, needs_repair: bool = False
) -> DataCheck:
    """Return the answer."""
    report, kind = data.report, data.kind
    hours = round(report.duration_milliseconds / 3_600_000, 2) if report.audio else None
    is_ok = not any(finding.level == "block" for finding in data.findings)
    step = call_step(
        "upload_dataset",
        display_name=Placeholder("name"),
        locale=locale or Placeholder("locale"),
        kind=kind,
        path=name,
    )
    return DataCheck(
        path=name,
        kind=kind,
        ok=is_ok,
        needs_repair=needs_repair,
        findings=list(data.findings),
        lines=report.accepted_line_count,
        rejected_lines=report.rejected_line_count,
        words=count_words(report.texts),
        audio_hours=hours,
        files=len(report.audio),
        estimated_training_days=round(hours / AUDIO_HOURS_PER_DAY, 2) if hours is not None else None,
        repairs=list(repaired.repairs),
        note=f"Taken for {kind}: {data.guessed_from}." if data.guessed_from else None,
        next_steps=[step] if is_ok else ["Correct what `findings` name, then check again."],
    )


tool = declare(check_data, "Check local data", Effect.READ_LOCAL, "data")
