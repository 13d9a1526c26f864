"""Recordings in a zip archive, with transcripts (kind Acoustic) or without (kind AudioFiles)."""

import sys
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from zipfile import ZipFile, ZipInfo

from custom_speech_data.dataset_report import AudioFile, DatasetReport, ImportFailed, Rejection, Unusable
from custom_speech_data.file_access import Content
from custom_speech_data.line_rules import read_sentence
from custom_speech_data.lines import read_lines
from custom_speech_data.wav import read_sound
from custom_speech_data.zip_archive import key_of, open_archive, open_file, path_of, usable_files

TRANSCRIPT = "trans.txt"
TRANSCRIPT_SUFFIXES = (".txt", ".tsv")
NO_LINE = "the transcript has no line for it"
NO_RECORDING = "the transcript names it, but the archive does not contain it"
MAX_TRANSCRIPT_BYTES = 64 * 1024 * 1024  # a guess, like the ratio: real text does not compress a hundredfold
MAX_RATIO, SMALL_TRANSCRIPT_BYTES = 100, 1024 * 1024

EXAMINED_BYTES = 256 * 1024  # at the start of a recording: 8 s at 16 kHz
SILENT_PEAK = 0.003  # share of the largest value, below which nothing is audible
CLIPPED_SHARE = 0.001  # share of samples at the limit, above which a recording counts as clipped

# The largest and smallest value of a sample, by type code of `array`.
LIMITS: dict[str, tuple[float, float]] = {"h": (2**15 - 1, -(2**15)), "i": (2**31 - 1, -(2**31)), "f": (1.0, -1.0)}

NamedText = tuple[str, str]  # the file name and text on a line of a transcript


def split_line(line: str) -> NamedText:
    """Return the file name and text on a line of a transcript; raises Unusable."""
    name, tab, text = line.partition("\t")
    if not tab or not key_of(name.strip()):
        raise Unusable("it is not a file name, a tab and a transcript")
    return name.strip(), text


def read_recordings(content: Content, report: DatasetReport, *, has_transcripts: bool) -> None:
    """Read recordings and, if they have transcripts, the text file with a line of name, tab and transcript for each."""
    with open_archive(content) as archive:
        files = usable_files(archive, report)
        transcripts = None
        if has_transcripts:
            texts = [key for key in files if key.endswith(TRANSCRIPT_SUFFIXES)]
            if TRANSCRIPT not in texts and len(texts) != 1:
                message = f"The archive has {len(texts)} text files and none is {TRANSCRIPT}."
                raise ImportFailed("DataImportFailed", message)
            transcript = files.pop(TRANSCRIPT if TRANSCRIPT in texts else texts[0])
            transcripts = _read_transcripts(archive, transcript, files, report)
        for entry in files.values():
            try:
                file = _read_recording(archive, entry, transcripts)
                report.accept(file.transcript or "")
                report.audio.append(file)
            except Unusable as reason:
                report.reject(entry.orig_filename, reason)


def _read_recording(archive: ZipFile, entry: ZipInfo, transcripts: Mapping[str, NamedText] | None) -> AudioFile:
    path, key = PurePosixPath(path_of(entry.orig_filename)), key_of(entry.orig_filename)
    if path.suffix.lower() != ".wav":
        is_archive = path.suffix.lower() == ".zip"
        raise Unusable("an archive within an archive is not read" if is_archive else "it is not a .wav file")
    sentence = None
    if transcripts is not None:
        if key not in transcripts:
            raise Unusable(NO_LINE)
        name, text = transcripts[key]
        if key_of(name) != key:
            raise Unusable(f"the transcript names it {name}, without .wav")
        try:
            sentence = read_sentence(text)
        except Unusable as reason:
            raise Unusable(f"its transcript cannot be used: {reason}") from reason
    with open_file(archive, entry) as stream:
        sound = read_sound(stream, entry.file_size)
    return AudioFile(path.name, sound.milliseconds, sentence, has_documented_format=sound.sample == "h")


def _read_transcripts(
    archive: ZipFile, entry: ZipInfo, files: Mapping[str, ZipInfo], report: DatasetReport
) -> dict[str, NamedText]:
    """Return the lines that have a recording, by `key_of` its name; raises ImportFailed for an unreadable file."""
    transcripts: dict[str, NamedText] = {}

    def read_line(line: str) -> None:
        name, text = split_line(line)
        key = key_of(name)
        if key not in files:
            key = f"{key}.wav"  # the extension may be missing
        if key not in files:
            report.reject(name, NO_RECORDING)
        elif key in transcripts:
            raise Unusable("an earlier line has a transcript for the same file")
        else:  # its recording is counted instead
            transcripts[key] = name, text

    try:
        if entry.file_size > MAX_TRANSCRIPT_BYTES:
            raise Unusable(f"it is larger than {MAX_TRANSCRIPT_BYTES} bytes")
        if entry.file_size > max(SMALL_TRANSCRIPT_BYTES, MAX_RATIO * entry.compress_size):
            raise Unusable("it would unpack to an implausible size")
        with open_file(archive, entry) as stream:
            read_lines(stream, read_line, report)
    except Unusable as reason:
        raise ImportFailed("DataImportFailed", f"The transcript cannot be read: {reason}.") from reason
    return transcripts


def loudness_problems(content: Content) -> Iterator[Rejection]:
    """Yield the silent or clipped recordings of an archive with the reason; raises ImportFailed."""
    with open_archive(content) as archive:
        for entry in usable_files(archive, DatasetReport()).values():
            with suppress(Unusable), open_file(archive, entry) as stream:
                sound = read_sound(stream, entry.file_size)  # leaves the stream at the first sample
                if reason := loudness_problem(stream.read(EXAMINED_BYTES), sound.sample):
                    yield Rejection(entry.orig_filename, reason)


def loudness_problem(sound: bytes, sample: str) -> str | None:
    """Return the loudness problem at the start of a recording, or None; `sample` is a type code of `array`."""
    whole = array(sample)
    whole.frombytes(sound[: len(sound) // whole.itemsize * whole.itemsize])
    # Silence and clipping span many samples, so every sixteenth is enough; 2,000 recordings then take a second.
    samples, (largest, smallest) = whole[::16], LIMITS[sample]
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return None
    highest, lowest = max(samples), min(samples)
    if max(highest, -lowest) < SILENT_PEAK * largest:
        return "it is silent"
    if highest < largest and lowest > smallest:
        return None
    share = sum(value >= largest or value <= smallest for value in samples) / len(samples)
    return f"it is clipped: {share:.1%} of its samples are at the limit" if share > CLIPPED_SHARE else None
