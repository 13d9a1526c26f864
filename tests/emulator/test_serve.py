"""The emulator as a server on loopback."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from custom_speech_emulator.serve import PortInUseError, host_error, serve
from emulator.test_webhooks import agreeing
from support.loopback_server import Heard, listening

KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
PROGRAM = "import json, sys; from custom_speech_emulator.serve import serve; serve(port=0, **json.loads(sys.argv[1]))"


class Served:
    """An emulator in its own process."""

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, "-c", PROGRAM, json.dumps(options)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.line = self.process.stderr.readline()
        self.url = self.line.split()[-1]
        self.client = httpx.Client(base_url=f"{self.url}/eastus/speechtotext/v3.2", headers=KEY, trust_env=False)

    def close(self) -> None:
        """Terminate the process."""
        self.client.close()
        self.process.terminate()
        self.process.communicate()


@pytest.fixture
def served() -> Iterator[Served]:
    """A running emulator."""
    one = Served(training="seconds:0.2")
    yield one
    one.close()


def test_emulator_says_where_it_listens(served: Served) -> None:
    """One line is written to stderr when the emulator is ready."""
    assert served.line.startswith("Azure Speech emulator listening on http://127.0.0.1:")
    page = served.client.get("/models/base?top=1").json()
    assert page["values"][0]["self"].startswith(f"{served.url}/eastus/speechtotext/v3.2/models/base/")


def test_emulator_says_clearly_that_a_port_is_in_use(served: Served) -> None:
    """The error contains no traceback of the web server."""
    port = int(served.url.rpartition(":")[2])
    with pytest.raises(PortInUseError, match=f"cannot listen on 127.0.0.1:{port}"):
        serve(port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "speech.test", "localhost.speech.test", ""])  # noqa: S104
def test_emulator_serves_others_only_under_a_name_that_is_allowed(host: str) -> None:
    """The keys are well known, so that other hosts have to be allowed explicitly."""
    assert "--allow-host NAME" in (host_error(host, []) or "")
    assert host_error(host, ["speech.test"]) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_emulator_serves_this_machine_without_asking(host: str) -> None:
    assert host_error(host, []) is None


def test_emulator_answers_others_under_that_name_and_no_other() -> None:
    """This includes the control routes; loopback names are always allowed."""
    with closing(Served(host="0.0.0.0", allow_hosts=["Speech.test"])) as served:  # noqa: S104  # what is tried
        near = f"http://127.0.0.1:{served.url.rpartition(':')[2]}"

        def status(path: str, host: str) -> int:
            return httpx.get(f"{near}{path}", headers=KEY | {"Host": host}, trust_env=False).status_code

        for path in ("/eastus/speechtotext/v3.2/projects", "/_emulator/clock"):
            assert [status(path, host) for host in ("speech.test:8765", "127.0.0.1", "localhost:1")] == [200] * 3
            assert [status(path, host) for host in ("attacker.test", "x.speech.test", "speech.test.x")] == [421] * 3


@pytest.mark.parametrize(("fault", "grown"), [("close-before", 0), ("close-after", 1)])
def test_emulator_closes_connections_on_request(served: Served, fault: str, grown: int) -> None:
    """The caller gets a connection error; only one of the faults does the work."""
    before = len(served.client.get("/projects").json()["values"])
    rule = {"fault": fault, "method": "POST"}
    httpx.put(f"{served.url}/_emulator/faults", json=[rule], trust_env=False).raise_for_status()

    with pytest.raises(httpx.RemoteProtocolError):
        served.client.post("/projects", json={"displayName": "x", "locale": "en-US"})

    assert len(served.client.get("/projects").json()["values"]) == before + grown


def test_emulator_cuts_answers_off_on_request(served: Served) -> None:
    """The body is shorter than its Content-Length."""
    httpx.put(f"{served.url}/_emulator/faults", json=[{"fault": "truncated"}], trust_env=False).raise_for_status()

    with pytest.raises(httpx.RemoteProtocolError):
        served.client.get("/projects")


def test_emulator_calls_web_hooks_although_nobody_asks(served: Served) -> None:
    """A web hook is notified of a completion without another request."""
    told = threading.Event()

    def answer(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        if heard.headers["x-microsoftspeechservices-event"] == "ModelCompletion":
            told.set()
        return agreeing(heard)

    with listening(answer) as listener:
        body = {"displayName": "h", "webUrl": listener.url, "events": {"modelCompletion": True}}
        hook = served.client.post("/webhooks", json=body).json()
        while served.client.get(hook["self"]).json()["status"] == "NotStarted":
            pass
        served.client.post("/models", json={"displayName": "x", "locale": "en-US"}).raise_for_status()

        assert told.wait(30)


def test_emulator_keeps_its_state_in_a_file(tmp_path: Path) -> None:
    """The state is shared by consecutive processes."""
    state = str(tmp_path / "state.db")
    first = Served(state=state)
    project = first.client.post("/projects", json={"displayName": "kept", "locale": "en-US"}).json()
    first.close()

    second = Served(state=state)
    found = second.client.get("/projects", params={"filter": "displayName eq 'kept'"}).json()["values"]
    second.close()

    assert [one["createdDateTime"] for one in found] == [project["createdDateTime"]]
