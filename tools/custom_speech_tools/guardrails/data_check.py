"""Local data: which paths may be read, and what Azure would object to."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from custom_speech_data import DatasetReport, read_dataset
from custom_speech_data.findings import ImportFailed
from custom_speech_data.kind import guess_kind, refuse_foreign_content
from custom_speech_data.loudness import loudness_faults
from custom_speech_data.repair import ARCHIVE_KINDS, pack_folder, repair_text
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech.sanitize import quote, sanitize

MAX_REJECTED = 20
MAX_REJECTED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class CheckedData:
    """A local dataset that was read.

    Attributes:
        file: What would be uploaded: the user's file, or the repaired copy.
        guessed_from: Why it was taken for this kind; None where the caller named the kind.
        repairs: What the copy has in another form.
    """

    file: Path
    kind: str
    guessed_from: str | None
    report: DatasetReport
    repairs: tuple[str, ...]
    findings: tuple[Finding, ...]


def allowed_path(call: CallContext, asked: str) -> Path:
    """Return the file or folder that a path names.

    Raises:
        Refused: The path is not below a folder that the operator allowed.
    """
    if not call.app.allows_local_files:
        raise _not_allowed(
            "Files are read only where the server runs on its user's machine.", "Pass content_url instead."
        )
    allow = "Whoever starts the server allows a folder with --data-dir DIR, or data_dirs in resources.toml."
    if not call.app.data_dirs:
        raise _not_allowed("No folder is allowed.", allow)
    path = Path(asked).expanduser()
    try:
        found = (path if path.is_absolute() else call.app.data_dirs[0] / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise _not_allowed(f"{quote(asked)} does not exist below an allowed folder.", _folders(call)) from None
    if not any(found.is_relative_to(folder.expanduser().resolve()) for folder in call.app.data_dirs):
        raise _not_allowed(f"{quote(asked)} does not exist below an allowed folder.", f"{_folders(call)} {allow}")
    if not (found.is_file() or found.is_dir()):
        raise _not_allowed(f"{quote(asked)} is neither a file nor a folder.", _folders(call))
    return found


def _folders(call: CallContext) -> str:
    return f"Allowed: {', '.join(str(folder) for folder in call.app.data_dirs)}."


def _not_allowed(message: str, fix: str) -> Refused:
    finding = Finding(rule="data-path-allowed", level="block", message=message, fix=fix)
    return Refused("Nothing was read.", [finding], "Then call again.")


@contextmanager
def checked_data(path: Path, kind: str | None, *, repair: bool) -> Iterator[CheckedData]:
    """Read a dataset and say everything that Azure would object to; a copy that was made is removed at the end.

    Args:
        kind: The kind of the dataset; guessed where it is None.
        repair: Check a repaired copy instead of the file itself. A folder is packed in any case.
    """
    with tempfile.TemporaryDirectory(prefix="custom-speech-") as folder:
        file, repairs = path, list[str]()
        try:
            if path.is_dir():
                file = Path(folder) / "dataset.zip"
                repairs += pack_folder(path, file)
            refuse_foreign_content(file)
            guess = guess_kind(file)
            found, guessed_from = kind or guess.kind, None if kind else guess.reason
            if repair and found not in ARCHIVE_KINDS:
                copy = Path(folder) / "dataset.txt"
                repairs += repair_text(file, copy)
                file = copy
            report = read_dataset(found, file)
        except ImportFailed as failure:
            found, guessed_from = kind or "unknown", None
            report = DatasetReport(error=failure.error)
        except OSError as error:
            why = error.strerror or type(error).__name__
            found, guessed_from = kind or "unknown", None
            report = DatasetReport(error=ImportFailed("DataImportFailed", f"It cannot be read: {why}.").error)
        findings = (*data_is_valid(report), *sound_is_usable(file, report))
        yield CheckedData(file, found, guessed_from, report, tuple(repairs), findings)


def data_is_valid(report: DatasetReport) -> Iterator[Finding]:
    """Require that the data can be imported; warn of lines and files that Azure would leave out."""
    if report.error:
        yield Finding(
            rule="data-is-valid",
            level="block",
            message=sanitize(report.error.message, 500),
            fix="Correct the data; the pages on training and testing data describe every format.",
        )
    total = report.accepted_line_count + report.rejected_line_count
    for part in report.rejected[:MAX_REJECTED]:
        where = f"line {part.where}" if part.where.isdecimal() else quote(part.where)
        yield Finding(
            rule="data-is-valid",
            level="warn",
            message=f"Azure would leave out {where}: {sanitize(part.reason, 300)}.",
            fix="Correct or remove it.",
        )
    if total and not report.error and report.rejected_line_count / total > MAX_REJECTED_SHARE:
        yield Finding(
            rule="data-is-valid",
            level="warn",
            message=f"{report.rejected_line_count} of {total} lines or files would be left out.",
            fix="Check the kind and the format: so many rejected parts are seldom intended.",
        )


def sound_is_usable(file: Path, report: DatasetReport) -> Iterator[Finding]:
    """Warn of recordings that are silent or clipped: Azure takes them, and the model learns the wrong thing."""
    if not report.audio:
        return
    for part in islice(loudness_faults(file), MAX_REJECTED):
        yield Finding(
            rule="data-is-valid",
            level="warn",
            message=f"Recording {quote(part.where)} would be accepted, but {part.reason}.",
            fix="Listen to it; replace or remove it.",
        )


def count_words(texts: Sequence[str]) -> int:
    """Return the number of words in accepted texts; of more than 64 MiB only the beginning is counted."""
    return sum(len(text.split()) for text in texts)
