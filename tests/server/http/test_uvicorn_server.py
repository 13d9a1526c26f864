"""The HTTP server starts …"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from custom_speech_server.__main__ import main
from custom_speech_server.auth.access_file import token_table
from custom_speech_server.http import uvicorn_server
from support.http_server import command, initialize

LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "localhost"]
FAR = ["0.0.0.0", "::", "10.0.0.7", "192.168.1.2", "speech.contoso.com", "localhost.evil.com", ""]  # noqa: S104  # tried


def why_not(host: str = "127.0.0.1", allowed: tuple[str, ...] = (), **given: bool) -> str | None:
    """Return the refusal of an ordinary start, except for what a test changes."""
    conditions = {"authenticated": False, "stateless": False, "shares_key": False} | given
    return uvicorn_server.refuse_start([f"[{host}]" if ":" in host else host, *allowed], **conditions)


@pytest.mark.parametrize("host", LOOPBACK)
def test_http_server_starts_on_loopback_without_authentication(host: str) -> None:
    """Who is on this machine already has what the server has."""
    assert why_not(host=host) is None


@pytest.mark.parametrize("host", FAR)
def test_http_server_starts_on_no_other_address_without_authentication(host: str) -> None:
    """Nor with names that are not numbers, nor with every address at once."""
    assert "--access" in (why_not(host=host) or "")
    assert why_not(host=host, authenticated=True) is None


@pytest.mark.parametrize("name", ["speech.contoso.com", "speech.contoso.com:8443", "10.0.0.7:80"])
def test_http_server_starts_under_no_other_name_without_authentication(name: str) -> None:
    """A proxy in front of loopback is no loopback."""
    assert "--access" in (why_not(allowed=(name,)) or "")
    assert why_not(allowed=("localhost:9000", "[::1]:9000")) is None


def test_http_server_starts_stateless_replicas_start_only_with_a_shared_key() -> None:
    """Otherwise one would not accept the confirm tokens of another."""
    assert "CUSTOM_SPEECH_STATE_KEY" in (why_not(stateless=True) or "")
    assert why_not(stateless=True, shares_key=True) is None


def test_http_server_starts_knowing_its_own_names() -> None:
    """Loopback always, its address, the allowed names; with any port. Never every name."""
    assert uvicorn_server.allowed_hosts("0.0.0.0", []) == uvicorn_server.allowed_hosts("127.0.0.1", [])  # noqa: S104  # asked for, not bound to
    assert {"10.0.0.7", "10.0.0.7:*", "speech.contoso.com:*"} < set(
        uvicorn_server.allowed_hosts("10.0.0.7", ["speech.contoso.com"])
    )
    assert "[fd00::1]:*" in uvicorn_server.allowed_hosts("fd00::1", [])
    assert "*" not in uvicorn_server.allowed_hosts("", [])
    assert uvicorn_server.allowed_origins(["https://app.contoso.com"])[-1] == "https://app.contoso.com"


def test_http_server_starts_not_at_all_when_it_may_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One line says why and what to do; the status is 2."""
    assert main(["serve", "--emulated", "--http", "--host", "0.0.0.0"]) == 2  # noqa: S104  # it must refuse
    assert capsys.readouterr().err.splitlines()[-1].startswith("custom-speech-mcp: 0.0.0.0 is not loopback")
    assert main(["serve", "--emulated", "--http", "--access", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_http_server_starts_not_where_another_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """The port is named."""
    with command() as (_, url):
        port = url.split(":")[-1].split("/")[0]
        assert main(["serve", "--emulated", "--http", "--port", port]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "99999", "http"])
def test_http_server_starts_not_on_what_is_no_port(capsys: pytest.CaptureFixture[str], port: str) -> None:
    """The usage says what one is."""
    with pytest.raises(SystemExit):
        main(["serve", "--http", f"--port={port}"])
    assert f"'{port}' is not a port, a number from 0 to 65535" in capsys.readouterr().err


def test_http_server_starts_without_costing_those_who_use_stdio_anything() -> None:
    """Nothing of HTTP serving is imported before it is chosen."""
    look = (
        "import sys; from custom_speech_server.__main__ import create_parser; import custom_speech_server.app; "
        "create_parser(None); print(*[m for m in sys.modules if m.startswith(('custom_speech_server.http', "
        "'custom_speech_server.auth', 'opentelemetry.metrics'))])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_http_server_starts_stops_with_status_0_when_it_is_told_to() -> None:
    """As an orchestrator expects."""
    with command() as (process, _):
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_http_server_starts_with_a_word_about_what_is_unsafe(tmp_path: Path) -> None:
    """Replicas that do not exclude each other, and a file that others can change."""
    access = tmp_path / "access.toml"
    access.write_text(token_table("ada", "ada-token", write=False), encoding="utf-8")
    access.chmod(0o666)
    started = [sys.executable, "-m", "custom_speech_server", "--emulated", "serve", "--http", "--port", "0"]
    environment = {"CUSTOM_SPEECH_EMULATOR_STATE": ":memory:", "CUSTOM_SPEECH_STATE_KEY": "k" * 32}
    with subprocess.Popen(
        [*started, "--stateless", "--access", str(access)],
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        said = "".join(itertools.takewhile(lambda line: "serving MCP" not in line, process.stderr))
        process.kill()

    assert "caution: --stateless without CUSTOM_SPEECH_LOCK_URL" in said
    assert os.name == "nt" or f"caution: {access} can be changed by others (mode 666)" in said


def test_http_server_stops_at_once_although_a_client_listens() -> None:
    """A stream without an end does not hold up the shutdown; a running call would be waited for."""
    with command("--stop-seconds", "600") as (process, url):
        opened = httpx2.post(url, **initialize("2025-11-25"))
        headers = {"accept": "text/event-stream", "mcp-session-id": opened.headers["mcp-session-id"]}
        with httpx2.stream("GET", url, headers=headers, timeout=60) as stream:
            assert stream.status_code == 200
            process.terminate()
            assert process.wait(timeout=60) == 0
