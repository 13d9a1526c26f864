"""Dataset formats: pure functions from content to a report; no network, no state.

One call, start to end: `read_dataset` checks the size, the reader of the kind judges line by line
or file by file, `Findings` counts, a `DatasetReport` comes out. Where the documentation leaves something
open, the docstring of the rule says that it is a guess; docs/emulator.md lists those that callers notice.
"""

from collections.abc import Callable

from custom_speech_data.content import Content, size_of
from custom_speech_data.findings import Findings, ImportFailed
from custom_speech_data.limits import check_size
from custom_speech_data.output_formatting import read_output_formatting
from custom_speech_data.plain_text import read_language
from custom_speech_data.pronunciation import read_pronunciation
from custom_speech_data.recordings import read_acoustic, read_audio_files
from custom_speech_data.report import AudioFile, DatasetError, DatasetReport, Rejection
from custom_speech_data.structured_text import read_language_markdown
from custom_speech_data.word_errors import WordErrors, word_errors

__all__ = ["AudioFile", "DatasetError", "DatasetReport", "Rejection", "WordErrors", "read_dataset", "word_errors"]

READERS: dict[str, Callable[[Content, Findings], None]] = {
    "Acoustic": read_acoustic,
    "AudioFiles": read_audio_files,
    "Language": read_language,
    "LanguageMarkdown": read_language_markdown,
    "OutputFormatting": read_output_formatting,
    "Pronunciation": read_pronunciation,
}


def read_dataset(kind: str, data: Content, tier: str = "S0", findings: Findings | None = None) -> DatasetReport:
    """Read the content of a dataset, bytes or an open file, under the limits of a pricing tier (F0 or S0).

    Args:
        findings: What was found before, while the content was put together.

    Returns:
        The report; an import that fails has an `error`.
    """
    findings = findings or Findings()
    try:
        if kind not in READERS:
            raise ImportFailed("InvalidDataset", "The kind of the dataset is not known.")
        check_size(kind, size_of(data), tier)
        READERS[kind](data, findings)
        return findings.report()
    except ImportFailed as failure:
        return findings.failed(failure.error)
    except OSError:
        return findings.failed(DatasetError("DataImportFailed", "The content could not be read."))
