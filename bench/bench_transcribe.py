"""Transcription of a folder against an emulator that answers after 100 ms, and of large recordings (Linux).

python bench/bench_transcribe.py [--recordings 500] [--mebibytes 200]

Prints the time beside the least that four requests at a time can take, and how much the memory of the product's
process grew by recordings of 18 MiB each.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
from bench_upload import resident, watch
from mcp import Client

from custom_speech_emulator import emulator
from custom_speech_server.app import Settings, build
from custom_speech_server.resource_config import EMULATED

ANSWER_SECONDS, AT_ONCE = 0.1, 4
MIB = 1024 * 1024


def recording(size: int, number: int) -> bytes:
    """Return a WAV of `size` bytes of sound; each number gives another content."""
    body = b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + (1).to_bytes(2, "little")
    body += (16_000).to_bytes(4, "little") + (32_000).to_bytes(4, "little") + (2).to_bytes(2, "little")
    body += (16).to_bytes(2, "little") + b"data" + size.to_bytes(4, "little")
    return b"RIFF" + (len(body) + size).to_bytes(4, "little") + body + number.to_bytes(4, "little") + bytes(size - 4)


def slow(seconds: float) -> Callable[..., Awaitable[None]]:
    """Return an emulator that takes its time for each request."""
    app = emulator()

    async def answer(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        await anyio.sleep(seconds)
        await app(scope, receive, send)

    return answer


async def transcribed(folder: Path, endpoint: str | None) -> tuple[float, int, int]:
    """Return the seconds, the number of recordings and the growth of memory in bytes.

    Args:
        endpoint: An emulator; None for one in this process that answers after 100 ms.
    """
    settings = Settings(EMULATED, b"k" * 32, confirm="never", data_dirs=(folder,))
    if endpoint is None:
        service = slow(ANSWER_SECONDS)
        settings = replace(settings, emulator=lambda: service)
    else:
        resource = replace(EMULATED.all[0], endpoint=endpoint)
        settings = replace(settings, resources=replace(EMULATED, all=(resource,), in_process=False))
    async with Client(build(settings), cache=None) as client:
        await client.call_tool("list_datasets", {})
        idle, most, ended = resident(), [0], threading.Event()
        watcher = threading.Thread(target=watch, args=(most, ended))
        watcher.start()
        start = time.perf_counter()
        while True:
            result = await client.call_tool("transcribe", {"path": str(folder), "locale": "en-US"})
            answer: Any = result.structured_content
            if answer["status"] != "Running":
                break
        seconds = time.perf_counter() - start
        ended.set()
        watcher.join()
    return seconds, answer["done"], most[0] - idle


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=500)
    parser.add_argument("--mebibytes", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.recordings):
            (Path(folder) / f"{number:05}.wav").write_bytes(recording(32_000, number))
        seconds, done, _ = anyio.run(transcribed, Path(folder), None)
    least = given.recordings * ANSWER_SECONDS / AT_ONCE
    print(f"{done} recordings in {seconds:.1f} s, {seconds / least:.2f} times the least of {least:.1f} s")
    command = [sys.executable, "-m", "custom_speech_server", "emulator", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as azure:
        assert azure.stderr is not None
        for number in range(given.mebibytes // 18):
            (Path(folder) / f"{number}.wav").write_bytes(recording(18 * MIB, number))
        endpoint = f"{azure.stderr.readline().rpartition(' ')[2].strip()}/eastus"
        _, done, grown = anyio.run(transcribed, Path(folder), endpoint)
        azure.terminate()
    print(f"the product's process grew by at most {grown / MIB:.0f} MiB for {done} recordings of 18 MiB")


if __name__ == "__main__":
    main()
