"""The server over stdio: faulty input, signals, a client that has gone, a wrong configuration."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from custom_speech_tools.runtime.registry import tool_names

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@contextmanager
def server(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the server as a client does."""
    own = {"CUSTOM_SPEECH_EMULATOR_STATE": ":memory:", "CUSTOM_SPEECH_AUDIT": "off"} | environment
    with subprocess.Popen(
        [sys.executable, "-m", "custom_speech_server", *arguments],
        env=os.environ | own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def send(process: "subprocess.Popen[bytes]", *lines: bytes | dict[str, Any]) -> None:
    """Write lines to the server."""
    assert process.stdin
    for line in lines:
        process.stdin.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
    process.stdin.flush()


def receive(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Read the next message of the server."""
    assert process.stdout
    return dict(json.loads(process.stdout.readline()))


def test_stdio_reads_a_first_line_with_a_byte_order_mark() -> None:
    with server() as process:
        send(process, b"\xef\xbb\xbf" + json.dumps(INITIALIZE).encode())

        assert receive(process)["result"]["serverInfo"]["name"] == "custom-speech"


def test_stdio_answers_a_line_that_is_not_a_message_and_goes_on() -> None:
    codes = {
        b"garbage": -32700,
        b'{"jsonrpc": "2.0", "id": 7, "method": ': -32700,
        b"\xff\xfe\x00": -32700,
        b'[{"jsonrpc": "2.0", "id": 7, "method": "ping"}]': -32600,
        b'{"jsonrpc": "2.0", "id": null, "method": "ping"}': -32600,
        b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}': -32600,
        b'"text"': -32600,
        b'{"id": 7}': -32600,
    }
    with server() as process:
        send(process, INITIALIZE)
        receive(process)
        send(process, INITIALIZED)
        refused = {}
        for number, line in enumerate(codes):
            send(process, line, {"jsonrpc": "2.0", "id": number, "method": "ping"})
            answer, answered = receive(process), receive(process)
            refused[line] = answer["error"]["code"]
            assert answer.get("id") is None
            assert (answered["id"], answered["result"]) == (number, {})
        process.terminate()
        log = process.stderr.read().decode() if process.stderr else ""

    assert refused == codes
    assert "A line of the input was rejected" in log


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stdio_ends_at_the_first_signal(number: signal.Signals) -> None:
    with server() as process:
        send(process, INITIALIZE)
        receive(process)
        process.send_signal(number)

        assert process.wait(timeout=60) == 128 + number
        assert b"Traceback" not in (process.stderr.read() if process.stderr else b"")


def test_stdio_ends_without_a_traceback_when_stdout_is_closed() -> None:
    with server() as process:
        send(process, INITIALIZE)
        receive(process)
        assert process.stdout
        process.stdout.close()
        send(process, INITIALIZED, *[{"jsonrpc": "2.0", "id": n, "method": "tools/list"} for n in range(2, 40)])

        assert process.wait(timeout=60) in (0, 1)
        assert b"Traceback" not in (process.stderr.read() if process.stderr else b"")


def test_stdio_ends_with_status_0_when_stdin_is_closed() -> None:
    with server() as process:
        send(process, INITIALIZE)
        receive(process)
        assert process.stdin
        process.stdin.close()

        assert process.wait(timeout=60) == 0


def test_wrong_configuration_is_answered_by_every_tool(tmp_path: Path) -> None:
    """A client with a window shows nobody why a process has ended."""
    file = tmp_path / "resources.toml"
    file.write_text("[resources.a]\nregoin = 'eastus'\n", encoding="utf-8")
    with server("--config", str(file)) as process:
        send(process, INITIALIZE)
        receive(process)
        send(process, INITIALIZED)
        for number, name in enumerate(tool_names(), 2):
            call = {"name": name, "arguments": {}}
            send(process, {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call})
            result = receive(process)["result"]
            text = result["content"][0]["text"]

            assert result["isError"], name
            assert text.startswith("Nothing was done: the configuration is invalid.\n")
            assert "resources.a.regoin: is not a known setting" in text


def test_state_directory_that_cannot_be_written_keeps_the_emulator_in_memory(tmp_path: Path) -> None:
    """The tools work, and a caution says so."""
    (tmp_path / "file").touch()
    with server("--emulated", CUSTOM_SPEECH_EMULATOR_STATE="", XDG_STATE_HOME=str(tmp_path / "file")) as process:
        send(process, INITIALIZE)
        receive(process)
        call = {"name": "list_models", "arguments": {}}
        send(process, INITIALIZED, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
        result = receive(process)["result"]
        process.terminate()
        log = process.stderr.read().decode() if process.stderr else ""

    assert result["structuredContent"]["models"]
    assert "caution: the state directory cannot be written, so the emulator keeps its state in memory." in log


def test_stdio_logs_many_refused_lines_in_few() -> None:
    """A client that sends garbage fills its own log otherwise, forty times over."""
    with server() as process:
        assert process.stderr
        send(process, INITIALIZE, INITIALIZED, *[b"x"] * 1000, {"jsonrpc": "2.0", "id": 2, "method": "ping"})
        while receive(process).get("id") != 2:
            pass
        process.terminate()
        log = process.stderr.read().decode()

    assert log.count("A line of the input was rejected") == 10 + len([16, 32, 64, 128, 256, 512])
    assert "(512 so far)" in log


@pytest.mark.skipif(sys.platform == "win32", reason="a process has no new parent there")
@pytest.mark.parametrize("lines", [[], [INITIALIZE, INITIALIZED, {"jsonrpc": "2.0", "id": 2, "method": "ping2"}]])
def test_stdio_ends_with_its_parent_although_the_pipe_is_open(lines: list[dict[str, Any]]) -> None:
    """Before the first call the front reads stdin, afterwards the server."""
    start = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-m', 'custom_speech_server']); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start],
        env=os.environ | {"CUSTOM_SPEECH_EMULATOR_STATE": ":memory:", "CUSTOM_SPEECH_AUDIT": "off"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        send(parent, *(lines or [INITIALIZE]))
        receive(parent)
        if lines:
            receive(parent)
        parent.kill()
        assert parent.stdout
        assert parent.stdout.read() == b""  # ends when the server does: it has the other end of this pipe


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_stdio_answers_while_many_checks_were_cancelled(tmp_path: Path) -> None:
    """A thread cannot be ended; the next one waits for its place instead of taking the processor as well."""
    (tmp_path / "large.txt").write_text("some words of a text that is long enough\n" * 400_000, encoding="utf-8")
    with server("--data-dir", str(tmp_path)) as process:
        send(process, INITIALIZE, INITIALIZED)
        receive(process)
        check = {"name": "check_data", "arguments": {"path": "large.txt"}}
        for number in range(100, 144):
            send(process, {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": check})
        for number in range(100, 144):
            cancelled = {"requestId": number, "reason": "enough"}
            send(process, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled})
        send(process, {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "list_resources"}})
        while receive(process).get("id") != 7:
            pass
        threads = len(list(Path(f"/proc/{process.pid}/task").iterdir())) if sys.platform == "linux" else 0

    assert threads < 12
