"""Recordings in a zip archive, with transcripts (kind Acoustic) or without (kind AudioFiles)."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

from custom_speech_data.content import Content
from custom_speech_data.findings import Findings, ImportFailed, Unusable
from custom_speech_data.lines import read_lines
from custom_speech_data.plain_text import read_sentence
from custom_speech_data.report import AudioFile
from custom_speech_data.wav import read_sound
from custom_speech_data.zip_archive import key_of, open_archive, open_file, path_of, usable_files

TRANSCRIPT = "trans.txt"
NO_LINE = "the transcript has no line for it"
NO_RECORDING = "the transcript names it, but the archive does not hold it"
LARGEST_TRANSCRIPT = 64 * 1024 * 1024
"""Bytes; a guess, as is the ratio: text does not compress a hundredfold."""
LARGEST_RATIO, SMALL_TRANSCRIPT = 100, 1024 * 1024


class Transcript(NamedTuple):
    """A line of the transcript file, the name as it stands there."""

    name: str
    text: str
    is_cut: bool = False
    """True if the name lacks the extension of the recording that is certainly meant."""


def split_line(line: str) -> tuple[str, str]:
    """Return the file name and the text of a line; raises Unusable."""
    name, tab, text = line.partition("\t")
    if not tab or not key_of(name.strip()):
        raise Unusable("it is not a file name, a tab and a transcript")
    return name.strip(), text


def read_audio_files(content: Content, findings: Findings) -> None:
    """Read a dataset of recordings alone."""
    with open_archive(content) as archive:
        for entry in usable_files(archive, findings).values():
            _read_recording(archive, entry, None, findings)


def read_acoustic(content: Content, findings: Findings) -> None:
    """Read a dataset of recordings and one text file of lines "name, tab, transcript".

    A recording without a line and a line without a recording are both rejected.
    """
    with open_archive(content) as archive:
        files = usable_files(archive, findings)
        transcripts = _read_transcripts(archive, files.pop(_transcript_key(files)), files, findings)
        for key, entry in files.items():
            _read_recording(archive, entry, transcripts.get(key, Transcript("", "")), findings)


def _read_recording(archive: ZipFile, entry: ZipInfo, transcript: Transcript | None, findings: Findings) -> None:
    try:
        _check_name(entry)
        text = _text_of(transcript)
        with open_file(archive, entry) as stream:
            sound = read_sound(stream, entry.file_size)
    except Unusable as reason:
        findings.reject(entry.orig_filename, str(reason))
    else:
        name = PurePosixPath(path_of(entry.orig_filename)).name
        findings.accept_audio(AudioFile(name, sound.milliseconds, text, has_documented_format=sound.sample == "h"))


def _check_name(entry: ZipInfo) -> None:
    kind = PurePosixPath(path_of(entry.orig_filename)).suffix.lower()
    if kind == ".zip":
        raise Unusable("an archive within an archive is not read")
    if kind != ".wav":
        raise Unusable("it is no .wav file")


def _text_of(transcript: Transcript | None) -> str | None:
    if transcript is None:
        return None
    if not transcript.name:
        raise Unusable(NO_LINE)
    if transcript.is_cut:
        raise Unusable(f"the transcript names it {transcript.name}, without .wav")
    try:
        return read_sentence(transcript.text)
    except Unusable as reason:
        raise Unusable(f"its transcript cannot be used: {reason}") from reason


def _transcript_key(files: dict[str, ZipInfo]) -> str:
    texts = [key for key in files if key.endswith((".txt", ".tsv"))]
    if TRANSCRIPT in texts:
        return TRANSCRIPT
    if len(texts) != 1:
        raise ImportFailed("DataImportFailed", f"The archive has {len(texts)} text files and none is {TRANSCRIPT}.")
    return texts[0]


def _read_transcripts(
    archive: ZipFile, entry: ZipInfo, recordings: Mapping[str, ZipInfo], findings: Findings
) -> dict[str, Transcript]:
    """Return the transcripts by `key_of` their recordings; only these are kept in memory."""
    transcripts: dict[str, Transcript] = {}

    def read_line(line: str) -> None:
        name, text = split_line(line)
        key, is_cut = key_of(name), False
        if key not in recordings and (key := f"{key}.wav") in recordings:
            is_cut = True
        elif key not in recordings:
            findings.reject(name, NO_RECORDING)
            return
        if key in transcripts:
            raise Unusable("an earlier line has a transcript for the same file")
        # Its recording is what counts, so nothing is counted here.
        transcripts[key] = Transcript(name, text, is_cut)

    try:
        _check_transcript_size(entry)
        with open_file(archive, entry) as stream:
            read_lines(stream, read_line, findings)
    except Unusable as reason:
        raise ImportFailed("DataImportFailed", f"The transcript cannot be read: {reason}.") from reason
    return transcripts


def _check_transcript_size(entry: ZipInfo) -> None:
    if entry.file_size > LARGEST_TRANSCRIPT:
        raise Unusable(f"it is larger than {LARGEST_TRANSCRIPT} bytes")
    if entry.file_size > max(SMALL_TRANSCRIPT, LARGEST_RATIO * entry.compress_size):
        raise Unusable("it would unpack to far more than it can truly hold")
