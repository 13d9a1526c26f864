"""Sending a file to a dataset in blocks: several at once, and none again that the service has."""

import base64
from dataclasses import dataclass
from pathlib import Path

import anyio

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group

BLOCK_BYTES = 8 * 1024 * 1024
"""The largest block that the service takes."""

CONCURRENT_BLOCKS = 4

_SECONDS_FOR_A_BLOCK = 16.0
"""With less time left in a call no further block is started; the next call goes on."""


_CHANGED = Finding(
    rule="data-is-valid",
    level="block",
    message="The file was changed while it was uploaded.",
    fix="Let whatever writes it finish first.",
)


@dataclass(frozen=True, slots=True)
class UploadState:
    """The progress of an upload, in bytes."""

    uploaded: int
    total: int

    @property
    def is_complete(self) -> bool:
        """True if everything was uploaded and committed."""
        return self.uploaded == self.total


def block_ids(size: int) -> list[str]:
    """Return the ids of the blocks of a file, in order and equally long."""
    return [base64.b64encode(f"{number:08}".encode()).decode() for number in range(-(-size // BLOCK_BYTES))]


async def upload_blocks(
    call: CallContext, speech: Speech, writer: Speech, dataset: schemas.Dataset, file: Path
) -> UploadState:
    """Send the blocks that the service does not have, as far as the time of the call permits, and commit them.

    Memory: four blocks of 8 MiB, whatever the size of the file.

    Raises:
        Refused: The file was changed meanwhile.
    """
    size, written = await anyio.to_thread.run_sync(_size_and_date, file)
    ids = block_ids(size)
    had = {block.name for block in (await speech.datasets_get_blocks(dataset.id)).uncommitted_blocks or []}
    missing = iter([number for number, block in enumerate(ids) if block not in had])
    state = [sum(min(BLOCK_BYTES, size - number * BLOCK_BYTES) for number, block in enumerate(ids) if block in had)]

    async def send() -> None:
        for number in missing:
            if call.seconds_left() < _SECONDS_FOR_A_BLOCK:
                return
            content = await anyio.to_thread.run_sync(_read_block, file, number)
            await writer.datasets_upload_block(dataset.id, ids[number], content)
            state[0] += len(content)
            del content  # else the next block is read while this one is kept
            await call.report_progress(f"Uploaded {state[0]} of {size} bytes", state[0], size)

    async with task_group() as tasks:
        for _ in range(CONCURRENT_BLOCKS):
            tasks.create_task(send())
    if await anyio.to_thread.run_sync(_size_and_date, file) != (size, written):
        raise Refused("Nothing was imported.", [_CHANGED], "Call again when the file is complete.")
    if state[0] == size:
        await writer.datasets_commit_blocks(dataset.id, ids)
    return UploadState(state[0], size)


def _size_and_date(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _read_block(file: Path, number: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(number * BLOCK_BYTES)
        return stream.read(BLOCK_BYTES)
