"""Local data: reading, checking and repairing a dataset before its upload."""

import codecs
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

from custom_speech_data import read_dataset
from custom_speech_data.dataset_kinds import AUDIO_KINDS, guess_kind
from custom_speech_data.dataset_report import DatasetReport, ImportFailed
from custom_speech_data.file_access import Content, OpenFile
from custom_speech_data.folder_archive import pack_folder
from custom_speech_data.recordings import loudness_problems
from custom_speech_data.repair import repair_text
from custom_speech_data.secret_detection import refuse_secrets
from custom_speech_tools.guardrails.dataset_import import MAX_REJECTED, is_much_rejected
from custom_speech_tools.guardrails.local_files import LocalPath
from custom_speech_tools.guardrails.recording_lengths import CUT_RECORDINGS, too_long_message
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech.sanitize import quote, sanitize

_warn = partial(warn, "data-is-valid")


@dataclass(frozen=True, slots=True)
class CheckedData:
    """An opened local dataset and the findings of its check."""

    content: Content  # the content to upload: the user's file, opened once, or a repaired copy
    kind: str
    guessed_from: str  # the reason for a guessed kind; empty if the caller named the kind
    report: DatasetReport
    repairs: tuple[str, ...]
    is_changed: bool  # by repairs; packing a folder is no change
    findings: tuple[Finding, ...]


@contextmanager
def open_checked_data(source: LocalPath | Sequence[str], kind: str | None, *, repair: bool) -> Iterator[CheckedData]:
    """Open a dataset and find every reason why Azure would reject it.

    A file is opened once. A copy has no name, so that a killed process leaves no file behind.

    Args:
        source: A file, a folder, which is always packed, or the lines of a text.
        kind: The kind of the dataset, or None to guess it.
        repair: Check a repaired copy instead of the file itself.
    """
    with ExitStack() as stack:
        content: Content = b""
        report, is_folder = DatasetReport(), isinstance(source, LocalPath) and source.is_folder
        repairs, found, guessed_from = list[str](), kind or "unknown", ""
        try:
            if not isinstance(source, LocalPath):
                content = _text_of(source, repairs if repair else None)
            elif source.is_folder:
                copy = stack.enter_context(tempfile.TemporaryFile("w+b"))
                repairs += pack_folder(source.files(), kind, copy, report, repair=repair)
                content = OpenFile(copy)
            else:
                content = stack.enter_context(source.open())
            refuse_secrets(content)
            if not kind:
                found, guessed_from = guess_kind(content)
            if repair and found not in AUDIO_KINDS:
                copy = stack.enter_context(tempfile.TemporaryFile("w+b"))
                repairs += repair_text(content, copy)
                content = OpenFile(copy)
            read_dataset(found, content, report=report)
        except ImportFailed as failure:
            report.fail(failure.code, failure.message)
        except OSError as error:
            report.fail("DataImportFailed", f"It cannot be read: {error.strerror or type(error).__name__}.")
        stated = (*data_is_valid(report), *recordings_fit(content, report))
        yield CheckedData(content, found, guessed_from, report, tuple(repairs), len(repairs) > is_folder, stated)


def _text_of(lines: Sequence[str], repairs: list[str] | None) -> bytes:
    """Return the lines as a text file. Line breaks in a line are added to `repairs`, or raise ImportFailed."""
    parts = [re.split(r"\r\n|\r|\n", line.rstrip("\r\n")) for line in lines]
    broken = [number for number, part in enumerate(parts, 1) if len(part) > 1]
    if broken and repairs is None:
        raise ImportFailed("InvalidDataset", f"Line {broken[0]} has a line break inside; make it two lines.")
    if broken and repairs is not None:
        repairs.append(f"lines with line breaks inside split: {len(broken)}")
    text = "\n".join(piece for part in parts for piece in part)
    # The reader rejects a lone surrogate, which is invalid in any text.
    return codecs.BOM_UTF8 + f"{text}\n".encode(errors="surrogatepass")


def data_is_valid(report: DatasetReport) -> Iterator[Finding]:
    """Require data that can be imported, and warn about lines and files that Azure would leave out."""
    if report.error:
        fix = "Correct the data; the pages on training and testing data describe every format."
        yield block("data-is-valid", sanitize(report.error.message, 500), fix)
    for part in report.rejected[:MAX_REJECTED]:
        where = f"line {part.where}" if part.where.isdecimal() else quote(part.where)
        yield _warn(f"Azure would leave out {where}: {sanitize(part.reason, 300)}.", "Correct or remove it.")
    total = report.accepted_line_count + report.rejected_line_count
    if not report.error and is_much_rejected(report.rejected_line_count, total):
        message = f"{report.rejected_line_count} of {total} lines or files would be left out."
        yield _warn(message, "Check the kind and the format: so many rejected parts are seldom intended.")


def recordings_fit(content: Content, report: DatasetReport) -> Iterator[Finding]:
    """Warn about recordings that are too long for training, in an undocumented format, silent or clipped."""
    total, long = len(report.audio), sum(not file.trains for file in report.audio)
    if long:
        message = too_long_message(f"{long} of {total} recordings", are_all=long == total)
        yield warn("recording-length", message, CUT_RECORDINGS)
    if undocumented := sum(not file.has_documented_format for file in report.audio):
        message = f"{undocumented} of {total} recordings have 32-bit samples; the documentation names 16 bit."
        yield _warn(message, "Azure has imported such recordings. To be certain, convert them to 16-bit PCM.")
    for part in islice(loudness_problems(content), MAX_REJECTED) if report.audio else ():
        message = f"Recording {quote(part.where)} would be accepted, but {part.reason}."
        yield _warn(message, "Listen to it; replace or remove it.")
