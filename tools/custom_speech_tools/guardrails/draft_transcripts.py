"""Draft transcripts: the local file that transcribe and get_transcription write for a person to correct."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath

from custom_speech_data.file_access import open_inside, read_part, reason_of, write_inside
from custom_speech_data.recordings import TRANSCRIPT_SUFFIXES
from custom_speech_data.transcription_results import UNSURE_SUFFIX, Transcript, draft_file, unsure_file
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.runtime.context import AppContext, CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import run_in_thread


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A new file for draft transcripts, in an allowed folder.

    Until every recording has a transcript, the finished transcripts are in a file of the same name with `.partial`, so
    that an interrupted call loses nothing and any process can continue.
    """

    root: Path  # the allowed folder
    path: Path
    results: Mapping[str, Transcript] = field(default_factory=dict)  # from earlier calls, by idempotency key

    @property
    def partial_path(self) -> Path:
        """The path of the file with the finished transcripts."""
        return self.path.with_name(f"{self.path.name}.partial")

    def read_partial(self) -> dict[str, Transcript]:
        """Return the finished transcripts by idempotency key; raises OSError."""
        found: dict[str, Transcript] = {}
        try:
            with open_inside(self.root, self.partial_path) as file:
                lines = read_part(file, 0, file.size).decode(errors="replace").split("\n")
        except FileNotFoundError:
            return found
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # the process ended while it wrote this line
                key, _, rest = line.partition(" ")
                found[key] = Transcript.from_json(rest)
        return found

    def append(self, key: str, transcript: Transcript) -> None:
        """Add a finished transcript; raises OSError."""
        with write_inside(self.root, self.partial_path, "ab") as file:
            # The line break comes first, so that it ends an incomplete line.
            file.write(f"\n{key} {transcript.to_json()}".encode())

    def write(self, transcripts: list[Transcript]) -> Path:
        """Write the drafts and the file with words of low confidence; raises OSError if one of them exists."""
        low_confidence = self.path.with_suffix(UNSURE_SUFFIX)
        for path, content in ((low_confidence, unsure_file(transcripts)), (self.path, draft_file(transcripts))):
            with write_inside(self.root, path, "xb") as file:
                file.write(content)
        self.partial_path.unlink(missing_ok=True)
        return self.path


def find_draft_file(app: AppContext, given: str, recordings: str | None = None) -> DraftFile | Finding:
    """Return the new file for drafts, or a finding if it cannot be written; raises Refused if the path is not allowed.

    Args:
        given: A path, or just a file name, to be placed next to the recordings.
        recordings: The path of the recordings, or None for a batch transcription.
    """
    if app.is_read_only:
        return block("output-is-new", "This server is read-only; it writes no local file.", "Leave output out.")
    path = PurePath(given.replace("\\", "/") if ":" not in given else given)
    folder = allowed_path(app, recordings if recordings and len(path.parts) == 1 else str(path.parent))
    if recordings and not folder.is_folder:
        folder = replace(folder, path=folder.path.parent)
    output = DraftFile(folder.root, folder.path / path.name)
    # A partial file belongs to the same recordings; for a batch, it belongs to another call.
    new = [output.path, output.path.with_suffix(UNSURE_SUFFIX), *([] if recordings else [output.partial_path])]
    taken = [one.name for one in new if one.exists() or one.is_symlink()]
    problem = f"{taken[0]} exists already" if taken else "it is not a .txt file in a folder that exists"
    if folder.is_folder and path.suffix.lower() in TRANSCRIPT_SUFFIXES and not taken:
        try:
            return replace(output, results=output.read_partial()) if recordings else output
        except OSError as error:
            problem = f"{output.partial_path.name} cannot be read: {reason_of(error)}"
    message = f"The drafts cannot be written to {quote(given, 300)}: {problem}."
    return block("output-is-new", message, "Name a .txt file that does not exist; nothing is ever overwritten.")


async def write_drafts(call: CallContext, output: DraftFile, transcripts: Sequence[Transcript]) -> Path:
    """Write the drafts once for identical concurrent calls, and return their path; raises Refused if that fails."""
    ordered = sorted(transcripts, key=lambda one: one.file)
    key = idempotency_key("drafts", str(output.path), [one.to_json() for one in ordered])
    write = partial(run_in_thread, partial(output.write, ordered))
    try:
        return await call.app.idempotency.share_result(key, write, since=call.started)
    except OSError as error:
        raise drafts_not_written(output, error) from None


def drafts_not_written(output: DraftFile, error: OSError) -> Refused:
    """Return the refusal for a file that cannot be written. The transcripts are not lost."""
    message = f"The drafts cannot be written to {output.path.name}: {reason_of(error)}."
    finding = block("output-is-new", message, "Name another file; what was transcribed is not transcribed again.")
    return Refused("The drafts were not written.", [finding], "Call again with another output.")
