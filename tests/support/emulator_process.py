"""The emulator in a process of its own, reached over loopback as the service would be over the network."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx


class Outside:
    """An emulator in a process of its own."""

    def __init__(self, address: str) -> None:
        self.address = address

    def control(self, method: str, route: str, body: Any = None) -> Any:
        """A request of the emulator's own."""
        return httpx.request(method, f"{self.address}/_emulator/{route}", json=body).raise_for_status().json()

    def operations(self) -> list[str]:
        """What was asked for so far."""
        return [entry["operation"] for entry in self.control("GET", "requests")]

    def wait_for(self, operation: str, caller: "subprocess.Popen[bytes]") -> None:
        """Wait until the operation was asked for; fail where the process that should ask has ended."""
        while operation not in self.operations():
            assert caller.poll() is None, "the server ended before it sent the request"

    def model(self) -> str:
        """The id of a new model that is trained and carries a mark."""
        body = {"displayName": "Calls", "locale": "en-US", "customProperties": {"custom-speech-mcp": "0" * 64}}
        key = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
        url = f"{self.address}/eastus/speechtotext/models?api-version=2025-10-15"
        made = httpx.post(url, json=body, headers=key).raise_for_status().json()
        model = made["self"].partition("?")[0].rpartition("/")[2]
        self.control("POST", "finish", {"id": model, "status": "Succeeded"})
        return str(model)


@contextmanager
def outside() -> Iterator[Outside]:
    """An emulator that outlives every server."""
    started = [sys.executable, "-m", "custom_speech_server", "emulator", "--port", "0", "--training", "seconds:1"]
    with subprocess.Popen(started, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        yield Outside(process.stderr.readline().rpartition(" ")[2].strip())
        process.kill()
