"""The front: the same transcript as without it, whatever a client sends and however it is cut."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

import anyio
import pytest
from mcp.shared._context_streams import create_context_streams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from custom_speech_server import __version__, front
from custom_speech_server.app import build
from custom_speech_server.config_source import EMULATED_NAMES
from custom_speech_server.front import Handover
from custom_speech_server.stdio import serve_streams
from custom_speech_tools.runtime.registry import TOOLSETS
from support.front_answers import HANDSHAKE_VERSIONS, META, STATELESS_VERSION, answered, freeze, handshake, settings
from support.generated_files import ANSWERS, HOW, text_of_answers

pytestmark = pytest.mark.anyio

FROZEN: dict[str, Any] = {}
NO_OPTIONS: dict[str, Any] = {
    "read_only": False,
    "toolsets": TOOLSETS,
    "emulated": True,
    "resources": EMULATED_NAMES,
}
SUBSETS = list(chain.from_iterable(combinations(TOOLSETS, size) for size in range(1, len(TOOLSETS) + 1)))


def request(identifier: Any, method: str, **params: Any) -> dict[str, Any]:
    """Return a request."""
    return {"jsonrpc": "2.0", "id": identifier, "method": method} | ({"params": params} if params else {})


def stateless(identifier: Any, method: str, **params: Any) -> dict[str, Any]:
    """Return a request of the stateless version."""
    return request(identifier, method, _meta=META, **params)


@pytest.fixture(scope="module", autouse=True)
def freeze_once() -> None:
    """Freeze the answers as they should be, so that outdated ones fail one test and not all."""
    FROZEN.update(anyio.run(freeze))


def front_of(**options: Any) -> front.Front:
    """Return a front."""
    return front.Front(FROZEN, **(NO_OPTIONS | options))


def test_front_answers_are_those_of_the_server() -> None:
    assert ANSWERS.read_text(encoding="utf-8") == text_of_answers(FROZEN), HOW


def test_front_of_this_version_of_the_product_is_used() -> None:
    assert front.load_front(__version__, **NO_OPTIONS)


@pytest.mark.long
@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("emulated", [False, True])
@pytest.mark.parametrize("version", [*HANDSHAKE_VERSIONS, STATELESS_VERSION])
async def test_front_answers_every_combination_of_options_as_the_server_does(
    version: str, emulated: bool, read_only: bool
) -> None:
    is_stateless = version == STATELESS_VERSION
    make = stateless if is_stateless else request
    opening = [stateless(0, "server/discover")] if is_stateless else handshake(version)
    for toolsets in SUBSETS:
        given = settings(read_only=read_only, emulated=emulated, toolsets=toolsets)
        one = front_of(read_only=read_only, emulated=emulated, toolsets=toolsets)
        messages = [*opening, make(1, "tools/list")]
        if one.answer(json.dumps(handshake("2025-11-25")[0]).encode()) and "prompts" in str(one._prompts):
            messages.append(make(2, "prompts/list"))
        fresh = front_of(read_only=read_only, emulated=emulated, toolsets=toolsets)

        shown = [fresh.answer(json.dumps(message).encode()) for message in messages]

        assert [line for line in shown if line != ""] == await answered(given, messages)


@pytest.mark.parametrize("version", ["1.0", STATELESS_VERSION, None, 5])
def test_front_leaves_unknown_versions_to_the_server(version: Any) -> None:
    assert front_of().answer(json.dumps(handshake(version)[0]).encode()) is None


def test_front_of_another_version_of_the_product_is_not_used() -> None:
    assert front.load_front("0.0.0", **NO_OPTIONS) is None


# The fuzzer: sessions of good and bad lines, cut anywhere, with and without the front.

STRANGE: tuple[Any, ...] = (
    b"",
    b"nonsense",
    b"[]",
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    b'{"jsonrpc":"1.0","id":7,"method":"ping"}',
    b'{"id":7,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":7,"method":"ping","more":1}',
    b'{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}',
    b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":NaN}}',
    b'{"jsonrpc":"2.0","id":"\\u00e9","method":"ping"}',
    '{"jsonrpc":"2.0","id":"é\u202e","method":"tools/list"}'.encode(),
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":8,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":9,"method":"ping"}\r',
    b'  {"jsonrpc": "2.0", "id": 10, "method": "ping"}  ',
    b'{"jsonrpc":"2.0","id":11,"method":"ping","id":12}',
    b'{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":-1,"method":"tools/list"}',
    b'\xff\xfe{"jsonrpc":"2.0","id":13,"method":"ping"}',
)
GOOD: tuple[dict[str, Any], ...] = (
    request("a", "ping"),
    request(20, "tools/list"),
    request(21, "prompts/list"),
    request(22, "resources/list"),
    request(23, "tools/list", cursor="x"),
    request(24, "tools/list", _meta={"progressToken": 1}),
    request(25, "no/such"),
    request(26, "tools/call", name="list_resources", arguments={}),
    request(27, "tools/call", name="no_such", arguments={}),
    request(28, "prompts/get", name="explain_failure", arguments={}),
    handshake("2025-06-18")[0] | {"id": 29},
    stateless(30, "tools/list"),
    stateless(31, "server/discover"),
    stateless(32, "prompts/list"),
    stateless("s-33", "tools/call", name="list_resources", arguments={}),
    request(34, "tools/list", _meta=META | {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}),
    request(35, "tools/list", _meta={"io.modelcontextprotocol/protocolVersion": STATELESS_VERSION}),
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 20}},
    {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
)


CAPABILITIES: tuple[Any, ...] = (
    {},
    {"roots": {"listChanged": True}, "sampling": {}, "elicitation": {"form": {}, "url": {}}},
    {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}},
    {"experimental": {"x": {"y": [1, {"z": None}]}}, "tasks": {"list": {}, "requests": {"tools": {"call": {}}}}},
    {"roots": {"listChanged": "yes"}},
    {"elicitation": True},
    {"unknown": {}},
    {"experimental": {"x": 1}},
    {"extensions": []},
    None,
)
INFOS: tuple[Any, ...] = (
    {"name": "client", "version": "1"},
    {"name": "client", "version": "1", "title": "C", "websiteUrl": "https://c.example", "description": "é"},
    {"name": "client", "version": "1", "websiteUrl": None},
    {"name": "client", "version": "1", "icons": [{"src": "https://c.example/i.png"}]},
    {"name": "client"},
    {"name": 1, "version": "1"},
)


def opened(chance: random.Random, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the opening of a session by any client."""
    is_usual = chance.random() < 0.8
    capabilities = chance.choice(CAPABILITIES[:3] if is_usual else CAPABILITIES)
    info = chance.choice(INFOS[:2] if is_usual else INFOS)
    return [as_client(message, capabilities, info) for message in messages]


def as_client(message: dict[str, Any], capabilities: Any, info: Any) -> dict[str, Any]:
    """Return a message as a client with these sends it."""
    params = message.get("params", {})
    if "clientInfo" in params:
        params = params | {"capabilities": capabilities, "clientInfo": info}
    elif "_meta" in params:
        prefix = "io.modelcontextprotocol/"
        meta = params["_meta"] | {f"{prefix}clientInfo": info, f"{prefix}clientCapabilities": capabilities}
        params = params | {"_meta": meta}
    return message | ({"params": params} if params else {})


def session(chance: random.Random) -> list[bytes]:
    """Return the lines of a session."""
    opening = chance.choice(
        [[], [stateless(0, "server/discover")], *(handshake(one) for one in (*HANDSHAKE_VERSIONS, "2099"))]
    )
    opening = opened(chance, opening)
    if chance.random() < 0.2:
        chance.shuffle(opening)
    quiet: list[Any] = [one for one in GOOD if one["method"] in ("ping", "tools/list", "prompts/list")]
    middle = chance.choices(quiet, k=chance.randint(0, 4)) + chance.choices(GOOD, k=chance.randint(0, 4))
    lines = [json.dumps(one).encode() for one in (*opening, *middle)]
    if chance.random() < 0.5:
        lines.insert(chance.randint(0, len(lines)), chance.choice(STRANGE))
    return lines


def chunks(chance: random.Random, text: bytes) -> Iterator[bytes]:
    """Return the text in pieces of any length."""
    while text:
        size = chance.choice((1, 7, 100, 100_000))
        yield text[:size]
        text = text[size:]


def reader(pieces: Iterator[bytes]) -> tuple[Any, list[bytes]]:
    """Return a function that reads at most so many bytes, as os.read does, and what it holds back."""
    held = [b""]

    def read(size: int) -> bytes:
        if not held[0]:
            held[0] = next(pieces, b"")
        taken, held[0] = held[0][:size], held[0][size:]
        return taken

    return read, held


def texts(text: bytes) -> list[str]:
    """Return the lines as a text file has them."""
    import io

    return list(io.StringIO(text.decode(errors="replace"), newline=None))


async def transcript(handover: Handover, rest: bytes) -> list[str]:
    """Return what the server writes after a hand-over, for the rest of the input."""
    server = build(settings(read_only=False, emulated=True))
    sender, read = create_context_streams[SessionMessage | Exception](0)
    write, receiver = create_context_streams[SessionMessage](1000)
    lines: list[str] = []

    async def collect() -> None:
        async for item in receiver:
            lines.append(item.message.model_dump_json(by_alias=True, exclude_unset=True))

    async def feed() -> None:
        for line in texts(rest):
            try:
                await sender.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
            except anyio.BrokenResourceError:
                raise
            except ValueError as error:
                await sender.send(error)
        await anyio.wait_all_tasks_blocked()
        await anyio.sleep(5)  # in virtual time: everything has been answered by then
        await sender.aclose()

    async with sender, read, write, receiver, anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        tasks.start_soon(feed)
        await serve_streams(server, handover, read, write)
        tasks.cancel_scope.cancel()
    return lines


async def both(seed: int) -> tuple[list[str], list[str]]:
    """Return the transcripts with and without the front, in order of their texts."""
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    text = b"\n".join(session(chance)) + b"\n"
    text = text[: chance.randint(0, len(text))] if chance.random() < 0.1 else text
    pieces = chunks(chance, text)
    read, held = reader(pieces)
    written: list[bytes] = []
    handover = front.answer_startup(front_of(), read, written.append)
    fronted = [line.decode().removesuffix("\n") for line in written]
    if handover is not None:
        fronted += await transcript(handover, held[0] + b"".join(pieces))
    return sorted(fronted), sorted(await transcript(Handover(), text))


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 400, 50))
def test_front_changes_no_transcript(first: int) -> None:
    from support.virtual_time import VirtualLoop

    for seed in range(first, first + 50):
        fronted, plain = anyio.run(both, seed, backend_options={"loop_factory": VirtualLoop})
        assert fronted == plain, seed


# Processes

COMMAND = [sys.executable, "-m", "custom_speech_server", "--emulated"]


def spoken(
    messages: list[dict[str, Any]], *command: str, answers: int, **variables: str
) -> tuple[list[dict[str, Any]], int]:
    """Return so many answers to messages that were sent at once, and the exit status after stdin was closed."""
    environment = os.environ | {"CUSTOM_SPEECH_EMULATOR_STATE": ":memory:"} | variables
    process = subprocess.Popen(
        command or COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
    process.stdin.flush()
    found = [json.loads(process.stdout.readline()) for _ in range(answers)]
    process.stdin.close()
    process.stdout.read()
    process.stdout.close()
    return found, process.wait(timeout=60)


def test_front_ends_when_the_client_goes_without_a_call() -> None:
    found, status = spoken([*handshake("2025-11-25"), request(1, "tools/list")], answers=2)

    assert ([one["id"] for one in found], status) == ([0, 1], 0)


def test_front_hands_over_two_calls_in_the_same_write_as_initialize() -> None:
    calls = [request(number, "tools/call", name="list_resources", arguments={}) for number in (1, 2)]

    found, status = spoken([*handshake("2025-11-25"), *calls, request(3, "tools/list")], answers=4)

    assert sorted(one["id"] for one in found) == [0, 1, 2, 3]
    assert all("result" in one for one in found)
    assert status == 0


def test_front_imports_neither_the_sdk_nor_pydantic() -> None:
    code = (
        "import sys, io; from custom_speech_server.__main__ import main\n"
        "status = main(['--emulated']); print([name for name in sys.modules if name in ('mcp', 'pydantic', 'anyio')])"
    )
    done = subprocess.run([sys.executable, "-c", code], input="", capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_front_answers_a_call_with_an_error_where_the_server_cannot_be_loaded() -> None:
    """The process lives on, and the lists are still answered."""
    code = "import sys; sys.modules['mcp'] = None; from custom_speech_server.__main__ import main; main(['--emulated'])"
    call = request(1, "tools/call", name="list_resources", arguments={})

    found, _ = spoken(
        [*handshake("2025-11-25"), call, request(2, "tools/list"), call | {"id": 3}],
        sys.executable,
        "-c",
        code,
        answers=4,
    )

    by_id = {one["id"]: one for one in found}
    assert "cannot be loaded" in by_id[1]["error"]["message"]
    assert "cannot be loaded" in by_id[3]["error"]["message"]
    assert "tools" in by_id[2].get("result", {}) or "cannot be loaded" in by_id[2]["error"]["message"]


def test_front_answers_a_call_with_an_error_where_a_variable_is_wrong() -> None:
    call = request(1, "tools/call", name="list_resources", arguments={})

    found, status = spoken([*handshake("2025-11-25"), call], answers=2, CUSTOM_SPEECH_STATE_KEY="too short")

    assert "CUSTOM_SPEECH_STATE_KEY" in found[1]["error"]["message"]
    assert status == 2


def test_front_is_not_used_where_charges_were_agreed_to_in_advance() -> None:
    """That is announced at the start, not at the first call."""
    done = subprocess.run([*COMMAND, "--confirm", "never"], input="", capture_output=True, text=True, check=True)

    assert "--confirm never" in done.stderr
