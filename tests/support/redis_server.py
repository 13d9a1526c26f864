"""A Redis server on loopback, where it is installed."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from custom_speech_server.http.uvicorn_server import listen


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a server and provide its address."""
    pytest.importorskip("redis", reason="the extra redis is not installed")
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as store:
        assert store.stdout is not None
        try:
            assert any("Ready to accept" in line for line in iter(store.stdout.readline, ""))
            yield f"redis://127.0.0.1:{port}"
        finally:
            store.terminate()
