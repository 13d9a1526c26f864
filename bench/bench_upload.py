"""Upload of a large archive to the emulator, beside a bare client that PUTs the same blocks (Linux).

python bench/bench_upload.py [--mebibytes 200]

Prints both speeds, their ratio, and how much the memory of the product's process grew.
"""

import argparse
import base64
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
from mcp import Client

from custom_speech_server.app import Settings, build
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.guardrails.blockwise_upload import BLOCK_BYTES

KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
MIB = 1024 * 1024


def recordings(file: Path, mebibytes: int) -> None:
    """Write an archive of silent recordings of one MiB each."""
    sound = bytes(MIB)
    header = b"RIFF" + (36 + MIB).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    body = (1).to_bytes(2, "little") + (1).to_bytes(2, "little") + (16_000).to_bytes(4, "little")
    body += (32_000).to_bytes(4, "little") + (2).to_bytes(2, "little") + (16).to_bytes(2, "little")
    wav = header + body + b"data" + MIB.to_bytes(4, "little") + sound
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(mebibytes):
            archive.writestr(f"call-{number}.wav", wav)


def resident() -> int:
    """Return the bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def product(endpoint: str, folder: Path) -> tuple[float, int]:
    """Upload by the tool; repeat the call while it says so."""
    resource = replace(EMULATED.all[0], endpoint=endpoint)
    resources = replace(EMULATED, all=(resource,), in_process=False)
    settings = Settings(resources, b"k" * 32, confirm="never", data_dirs=(folder,))
    request = {"display_name": "Large", "locale": "en-US", "kind": "AudioFiles", "path": "large.zip"}
    async with Client(build(settings), cache=None) as client:
        await client.call_tool("list_datasets", {})
        idle, most, ended = resident(), [0], threading.Event()
        watcher = threading.Thread(target=watch, args=(most, ended))
        watcher.start()
        start = time.perf_counter()
        while True:
            answer: Any = (await client.call_tool("upload_dataset", request)).structured_content
            if answer["uploaded_bytes"] in (None, answer["total_bytes"]):
                break
        seconds = time.perf_counter() - start
        ended.set()
        watcher.join()
    return seconds, most[0] - idle


def watch(most: list[int], ended: threading.Event) -> None:
    """Keep the greatest size of this process."""
    while not ended.wait(0.02):
        most[0] = max(most[0], resident())


async def bare(endpoint: str, file: Path) -> float:
    """PUT the same blocks, four at once, with httpx alone."""
    url = f"{endpoint}/speechtotext/datasets"
    version = {"api-version": "2025-10-15"}
    async with httpx.AsyncClient(headers=KEY, timeout=60, trust_env=False) as client:
        body = {"displayName": "Bare", "locale": "en-US", "kind": "AudioFiles"}
        made = (await client.post(url, params=version, json=body)).json()["self"].partition("?")[0]
        start, ids = time.perf_counter(), []
        with file.open("rb") as stream:
            limiter = anyio.CapacityLimiter(4)
            async with anyio.create_task_group() as tasks:
                while content := stream.read(BLOCK_BYTES):
                    ids.append(base64.b64encode(f"{len(ids):08}".encode()).decode())
                    await limiter.acquire_on_behalf_of(ids[-1])
                    tasks.start_soon(put, client, made, ids[-1], content, limiter)
        entries = [{"kind": "Uncommitted", "id": one} for one in ids]
        (await client.post(f"{made}/blocks:commit", params=version, json=entries)).raise_for_status()
    return time.perf_counter() - start


async def put(client: httpx.AsyncClient, dataset: str, block: str, content: bytes, limiter: Any) -> None:
    """PUT one block."""
    headers = {"Content-Type": "application/octet-stream"}
    query = {"api-version": "2025-10-15", "blockid": block}
    answer = await client.put(f"{dataset}/blocks", params=query, content=content, headers=headers)
    answer.raise_for_status()
    limiter.release_on_behalf_of(block)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=200)
    size = parser.parse_args().mebibytes
    command = [sys.executable, "-m", "custom_speech_server", "emulator", "--port", "0", "--training", "reads:1000000"]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as azure:
        assert azure.stderr is not None
        endpoint = f"{azure.stderr.readline().rpartition(' ')[2].strip()}/eastus"
        file = Path(folder) / "large.zip"
        recordings(file, size)
        ours, grown = anyio.run(product, endpoint, Path(folder))
        azure.terminate()
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as azure:
        assert azure.stderr is not None
        endpoint = f"{azure.stderr.readline().rpartition(' ')[2].strip()}/eastus"
        file = Path(folder) / "large.zip"
        recordings(file, size)
        theirs = anyio.run(bare, endpoint, file)
        azure.terminate()
    print(f"bare client {size / theirs:.0f} MiB/s, product {size / ours:.0f} MiB/s, ratio {theirs / ours:.2f}")
    print(f"the product's process grew by at most {grown / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
