"""check_data: report every reason why Azure would reject a local file, a folder or lines of text."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import PurePath
from typing import Annotated

import pydantic
from pydantic import Field

from custom_speech_data.dataset_kinds import AUDIO_KINDS, KINDS, DatasetKind
from custom_speech_tools.guardrails.local_data import open_checked_data
from custom_speech_tools.guardrails.local_files import LocalPath, allowed_path
from custom_speech_tools.guardrails.shared_rules import is_blocked
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import MAX_VALUE, Choice, call_step
from custom_speech_tools.runtime.polling import expected_seconds
from custom_speech_tools.runtime.results import Findings, Sentence, ToolAnswer, optional
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.sanitize import sanitize
from custom_speech_tools.speech.tasks_and_threads import run_in_thread

_KIND_MEANINGS = ", ".join(f"{kind} = {facts.meaning}" for kind, facts in KINDS.items())


class CheckDataArguments(parameters.Arguments):
    """The arguments of check_data."""

    path: Annotated[parameters.LocalText | None, Field(description="File or folder below an allowed folder")] = None
    lines: parameters.TextLines = None
    kind: Annotated[DatasetKind | None, Field(description=f"{_KIND_MEANINGS}; default: guessed")] = None
    locale: parameters.LocaleFilter = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self) -> "CheckDataArguments":
        parameters.require_one_source(path=self.path, lines=self.lines)
        parameters.require_text_kind(self.kind, self.lines)
        return self


class DataCheck(ToolAnswer):
    """The content of a dataset and the findings about it.

    `ok`: upload_dataset accepts it. `needs_repair`: Azure rejects it without the repairs of upload_dataset.
    """

    path: str | None = optional()
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
    """Check a local file or folder, or lines of text, before an upload: encoding, lines, transcripts, audio format.

    Findings name line and file. Nothing is changed or sent. `repairs` lists possible repairs.
    """

    def run() -> DataCheck:
        source = allowed_path(call.app, arguments.path) if arguments.path is not None else arguments.lines or []
        is_emulated = all(speech.is_emulated for speech in call.app.resources.values())
        return check(source, arguments.kind, arguments.locale, is_emulated=is_emulated)

    return await run_in_thread(run, abandon_on_cancel=True)


def check(
    source: LocalPath | Sequence[str], kind: str | None, locale: str | None, *, is_emulated: bool = False
) -> DataCheck:
    """Return the result of a check. Call it in a thread: it reads the file. `is_emulated` shortens estimates."""
    given = source.given if isinstance(source, LocalPath) else None
    with ExitStack() as stack:
        data = repaired = stack.enter_context(open_checked_data(source, kind, repair=True))
        needs_repair = False
        if repaired.is_changed:
            original = stack.enter_context(open_checked_data(source, kind, repair=False))
            needs_repair = original.report.error is not None and repaired.report.error is None
            # Findings name lines of the user's own text, unless only the repaired text is readable.
            data = repaired if needs_repair or repaired.kind in AUDIO_KINDS else original
    report, kind = data.report, data.kind
    hours = sum(file.duration_milliseconds for file in report.audio if file.trains) / 3_600_000
    expected = expected_seconds(is_emulated=is_emulated, audio_hours=hours)
    is_ok, steps = not is_blocked(data.findings), ["Correct what `findings` name, then check again."]
    if is_ok:
        # A path that sanitizing would change cannot be quoted.
        path = given if given is None or sanitize(given, MAX_VALUE) == given else Choice("the same path")
        lines = Choice("the same lines") if given is None else None
        target = locale if locale and len(locale) > 3 else Choice("its locale")
        name = PurePath(given or "").stem[:100] or kind
        steps = [call_step("upload_dataset", display_name=name, locale=target, kind=kind, path=path, lines=lines)]
    return DataCheck(
        path=given,
        kind=kind,
        ok=is_ok,
        needs_repair=needs_repair,
        findings=list(data.findings),
        lines=report.accepted_line_count,
        rejected_lines=report.rejected_line_count,
        words=sum(len(text.split()) for text in report.texts),  # the report keeps at most 64 MiB
        audio_hours=round(report.duration_milliseconds / 3_600_000, 2) if report.audio else None,
        files=len(report.audio),
        estimated_training_days=round(expected / 86_400, 2) if report.audio else None,
        repairs=list(repaired.repairs),
        note=f"Taken for {kind}: {data.guessed_from}." if data.guessed_from else None,
        next_steps=steps,
    )


tool = declare(check_data, "Check local data", Annotations.READ_LOCAL, "data")
