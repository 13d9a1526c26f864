"""Upload of a dataset in blocks."""

import base64
import hashlib
from collections.abc import Sequence

import anyio

from custom_speech_data.file_access import Content, OpenFile, read_part, size_of
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import block
from custom_speech_tools.speech import Speech
from custom_speech_tools.speech.tasks_and_threads import task_group

BLOCK_BYTES = 8 * 1024 * 1024  # the largest block that the service takes
CONCURRENT_BLOCKS = 4
_SECONDS_FOR_A_BLOCK = 16.0  # with less time left, a call starts no further block, and the next call continues


def block_ids(size: int) -> list[str]:
    """Return the ids of the blocks of a file, in order and of equal length."""
    return [base64.b64encode(f"{number:08}".encode()).decode() for number in range(-(-size // BLOCK_BYTES))]


def block_digests(content: Content) -> tuple[bytes, ...]:
    """Return the SHA-256 of each block; raises Refused if the file has changed. Call it in a thread."""
    starts = range(0, size_of(content), BLOCK_BYTES)
    digests = tuple(hashlib.sha256(read_part(content, start, BLOCK_BYTES)).digest() for start in starts)
    if isinstance(content, OpenFile) and not content.is_unchanged():
        raise _changed("Nothing was uploaded.")
    return digests


async def upload_blocks(
    call: CallContext, writer: Speech, dataset: str, content: Content, digests: Sequence[bytes]
) -> int:
    """Send missing blocks, commit the file when it is complete, and return how many bytes the service has.

    It stops when the call runs out of time, and keeps at most four blocks of 8 MiB in memory. It raises Refused for a
    block that has changed since it was checked.
    """
    size = size_of(content)
    ids = block_ids(size)
    had = {one.name for one in (await writer.datasets_get_blocks(dataset)).uncommitted_blocks or []}
    missing = iter([number for number, name in enumerate(ids) if name not in had])
    uploaded = sum(min(BLOCK_BYTES, size - number * BLOCK_BYTES) for number, name in enumerate(ids) if name in had)

    def checked_block(number: int) -> bytes:
        part = read_part(content, number * BLOCK_BYTES, BLOCK_BYTES)
        if hashlib.sha256(part).digest() != digests[number]:
            raise _changed("Nothing was imported.")
        return part

    async def send() -> None:
        nonlocal uploaded
        for number in missing:
            if call.seconds_left() < _SECONDS_FOR_A_BLOCK:
                return
            part = await anyio.to_thread.run_sync(checked_block, number)
            await writer.datasets_upload_block(dataset, ids[number], part)
            uploaded += len(part)
            del part  # otherwise two blocks are in memory while the next block is read
            await call.report_progress(f"Uploaded {uploaded} of {size} bytes", uploaded, size)

    async with task_group() as tasks:
        for _ in range(CONCURRENT_BLOCKS):
            tasks.create_task(send())
    if uploaded == size:
        await writer.datasets_commit_blocks(dataset, ids)
    return uploaded


def _changed(not_done: str) -> Refused:
    """Return the refusal to upload a file that was changed after its check."""
    message, fix = "The file was changed while it was uploaded.", "Let whatever writes it finish first."
    return Refused(not_done, [block("data-is-valid", message, fix)], "Call again when the file is complete.")
