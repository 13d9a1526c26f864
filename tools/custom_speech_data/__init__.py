"""Dataset formats: pure functions that read content into a report, without network or state.

A "guess" is a rule that the documentation of the service leaves open; docs/emulator.md lists the visible guesses.
"""

from collections.abc import Callable

from custom_speech_data.dataset_kinds import AUDIO_KINDS, KINDS, check_size
from custom_speech_data.dataset_report import DatasetReport, ImportFailed
from custom_speech_data.file_access import Content, open_content, reason_of, size_of
from custom_speech_data.line_rules import read_pronunciation, read_sentence
from custom_speech_data.lines import ReadLine, read_lines
from custom_speech_data.output_formatting import FormattingRules
from custom_speech_data.recordings import read_recordings
from custom_speech_data.structured_text import StructuredText

LINE_READERS: dict[str, Callable[[Content], ReadLine]] = {
    "Language": lambda content: read_sentence,
    "LanguageMarkdown": lambda content: StructuredText(content).read_line,
    "OutputFormatting": lambda content: FormattingRules().read_line,
    "Pronunciation": lambda content: read_pronunciation,
}


def read_dataset(kind: str, data: Content, tier: str = "S0", report: DatasetReport | None = None) -> DatasetReport:
    """Read the content of a dataset with the limits of a pricing tier (F0 or S0) into a report.

    An import that accepts nothing fails (a guess). A given `report` already has the rejections from packing a folder.
    """
    report = report or DatasetReport()
    try:
        if kind not in KINDS:
            raise ImportFailed("InvalidDataset", "The kind of the dataset is not known.")
        check_size(kind, size_of(data), tier)
        if kind in AUDIO_KINDS:
            read_recordings(data, report, has_transcripts=kind == "Acoustic")
        else:
            read_lines(open_content(data), LINE_READERS[kind](data), report)
    except ImportFailed as failure:
        report.fail(failure.code, failure.message)
    except OSError as error:
        report.fail("DataImportFailed", f"The content could not be read: {reason_of(error)}.")
    if report.error is None and not report.accepted_line_count:
        message = "The dataset is empty."
        if report.rejected:
            (where, reason), count = report.rejected[0], report.rejected_line_count
            message = f"Nothing in the dataset can be used; {count} rejected, the first ({where}): {reason}."
        report.fail("DataImportFailed", message)
    return report
