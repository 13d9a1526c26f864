"""The front: it answers the requests that every client sends at startup, before the SDK is imported.

Most windows start every configured server, list its tools and call none. Importing the SDK for that costs 60 MB.

    client              front (standard library)            server (SDK)
      │ initialize, tools/list │                                  ·
      ├───────────────────────▶│ stored responses                 ·
      │◀───────────────────────┤                                  ·
      │ tools/call             │ returns a Handover ─────────────▶│ imported now; reads `opening`, whose
      ├───────────────────────▶╵                                  │ responses are not written again,
      │◀──────────────────────────────────────────────────────────┤ then `line`, then stdin

The front answers only requests that it recognizes exactly, and hands over other forms, unusual ids and unknown methods.
A test compares `answers.json` with the server's responses for every protocol version, option and configuration.
"""

from __future__ import annotations

import json
import os
import re
import sys

from custom_speech_server.instructions import instructions
from custom_speech_tools.runtime.registry import is_offered

TYPE_CHECKING = False  # the module typing costs 4 ms at every start, dataclasses 10; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

STATELESS_VERSION = "2026-07-28"
PARENT = os.getppid()  # the client's process; after its end, getppid() returns another id
PARENT_SECONDS = 2.0  # between two checks whether the parent still runs
_READ_BYTES = 65_536
_META = "io.modelcontextprotocol/"
_PLAIN_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_INFO = frozenset({"name", "version", "title", "description", "websiteUrl"})
_CAPABILITIES = frozenset({"roots", "sampling", "elicitation", "experimental", "tasks", "extensions"})
_FREE = frozenset({"experimental", "extensions"})  # capabilities whose members may have any form


class Handover:
    """The state with which the server takes over from the front."""

    def __init__(self) -> None:
        self.opening: list[str] = []  # lines that the front has answered and that change the server's state
        self.answered: set[int | str] = set()  # their ids; the server's responses to these are not written
        self.line = ""  # the line that the front cannot answer, and the input that was read after it


class Front:
    """The stored responses for the given options, from the content of answers.json.

    `resources` begins with the default resource.
    """

    def __init__(
        self,
        frozen: dict[str, Any],
        *,
        read_only: bool,
        emulated: bool,
        toolsets: Sequence[str],
        resources: Sequence[str],
    ) -> None:
        self._frozen = frozen
        self._tools = [
            name
            for name, (toolset, is_read_only) in frozen["tools"].items()
            if is_offered(name, toolset, is_read_only, read_only=read_only, toolsets=toolsets)
        ]
        self._prompts = [name for name, needs in frozen["prompts"].items() if set(needs) <= set(self._tools)]
        text = instructions(self._tools, resources, read_only=read_only, emulated=emulated)
        self._instructions = json.dumps(text, ensure_ascii=False)
        self._version = ""  # of the protocol, after the first request
        self._is_open = False
        self.handover = Handover()

    def answer(self, line: bytes) -> str | None:
        """Return the response to a line, an empty string for a notification, or None if the server must answer."""
        message = _plain_message(line)
        if message is None:
            return None
        method, params, identifier = message["method"], message.get("params", {}), message.get("id")
        if identifier is None:  # one notification opens a session; the server handles all others
            has_session = self._is_open or self._version in ("", STATELESS_VERSION)
            if method != "notifications/initialized" or params or has_session:
                return None
            self._is_open = True
            self.handover.opening.append(line.decode())
            return ""
        result = self._result(method, params)
        if result is None:
            return None
        if method == "initialize" or (self._version == STATELESS_VERSION and not self.handover.opening):
            self.handover.opening.append(line.decode())
            self.handover.answered.add(identifier)
        return f'{{"jsonrpc":"2.0","id":{json.dumps(identifier)},"result":{result}}}'

    def _result(self, method: str, params: dict[str, Any]) -> str | None:
        """Return the JSON text of a result, or None if the request is not recognized exactly."""
        if method == "initialize":
            return self._initialize(params)
        is_stateless = set(params) == {"_meta"} and _is_stateless_meta(params["_meta"])
        if is_stateless and self._version in ("", STATELESS_VERSION):
            self._version = STATELESS_VERSION
            return self._opening_result() if method == "server/discover" else self._list(method)
        if params or not self._is_open:
            return None
        return str(self._frozen["eras"][self._version]["ping"]) if method == "ping" else self._list(method)

    def _initialize(self, params: dict[str, Any]) -> str | None:
        version, eras = params.get("protocolVersion"), self._frozen["eras"]
        is_known = isinstance(version, str) and version in eras and version != STATELESS_VERSION
        if self._version or not is_known or set(params) != {"protocolVersion", "capabilities", "clientInfo"}:
            return None
        if not _is_info(params["clientInfo"]) or not _is_capabilities(params["capabilities"]):
            return None
        self._version = str(version)
        return self._opening_result()

    def _opening_result(self) -> str:
        before, after = self._frozen["eras"][self._version]["initialize"]["prompts" if self._prompts else ""]
        return f"{before}{self._instructions}{after}"

    def _list(self, method: str) -> str | None:
        offered = {"tools/list": self._tools, "prompts/list": self._prompts}.get(method)
        if not offered:
            return None
        (before, after), surface = self._frozen["eras"][self._version][method]
        items = self._frozen["surfaces"][surface]
        return f"{before}{','.join(items[name] for name in offered)}{after}"


def load_front(version: str, **options: Any) -> Front | None:
    """Return the front for these options, or None if answers.json belongs to another version."""
    with open(os.path.join(os.path.dirname(__file__), "answers.json"), "rb") as file:  # noqa: PTH118, PTH120, PTH123
        frozen = json.load(file)  # pathlib costs 5 ms
    return Front(frozen, **options) if frozen["version"] == version else None


def answer_startup(front: Front, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> Handover | None:
    """Answer lines until the server is needed. Return the handover, or None if the client has ended."""
    buffer = b""
    while True:
        line, found, buffer = buffer.partition(b"\n")
        if found:
            answer = front.answer(line)
            if answer is None:
                front.handover.line = _rest(line + b"\n" + buffer, read)
                return front.handover
            if answer:
                write(answer.encode() + b"\n")
            continue
        more = read(_READ_BYTES)
        buffer = line + more
        if not buffer:  # the client has gone; a terminal would wait for a second end of input
            return None
        if not more or len(buffer) > _READ_BYTES:  # the line is incomplete, or too long for the front
            front.handover.line = _rest(buffer, read)
            return front.handover


def refuse_requests(front: Front, why: str, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
    """Answer all requests for the server with an error, because the server cannot be loaded."""
    pending: Handover | None = front.handover
    while pending is not None:
        for line in pending.line.splitlines():
            message = _plain_message(line.encode())
            if message and "id" in message:
                error = {"code": -32603, "message": why}
                write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode() + b"\n")
        pending = answer_startup(front, read, write)


def read_stdin(size: int) -> bytes:
    """Read stdin without a buffer, so that no input is lost for the server. Return b"" if the client has ended.

    Another process may keep the pipe open after the client was killed, so the parent process is checked, too.
    """
    descriptor = sys.stdin.fileno()
    if sys.platform != "win32":
        from select import select

        while not select([descriptor], [], [], PARENT_SECONDS)[0]:
            if os.getppid() != PARENT:
                return b""
    return os.read(descriptor, size)


def write_stdout(text: bytes) -> None:
    """Write to stdout and flush it."""
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _rest(text: bytes, read: Callable[[int], bytes]) -> str:
    """Return the text and further input up to the end of a line, so that the server begins with a whole line."""
    parts = [text]
    while not parts[-1].endswith(b"\n") and (more := read(_READ_BYTES)):
        parts.append(more)
    return b"".join(parts).decode(errors="replace")


def _plain_message(line: bytes) -> dict[str, Any] | None:
    """Return a request or notification in a form that all JSON parsers treat alike, or None for other lines."""
    line = line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r")
    if len(line) > _READ_BYTES or b"\\" in line or b"\r" in line:
        return None
    try:
        message = json.loads(line.decode(), parse_constant=_reject, parse_float=_reject)
    except (ValueError, RecursionError):
        return None
    needed = {"jsonrpc", "method"}
    if not isinstance(message, dict) or not needed <= set(message) <= needed | {"params", "id"}:
        return None
    given = message.get("id", 0)
    is_number = type(given) is int and abs(given) < 2**53  # true is an int for isinstance
    is_plain_id = is_number or (isinstance(given, str) and _PLAIN_ID.fullmatch(given))
    is_plain = message["jsonrpc"] == "2.0" and isinstance(message["method"], str) and is_plain_id
    return message if is_plain and isinstance(message.get("params", {}), dict) else None


def _reject(text: str) -> Any:
    raise ValueError(text)


def _is_info(info: Any) -> bool:
    names = set(info) if isinstance(info, dict) else set()
    return {"name", "version"} <= names <= _INFO and all(isinstance(info[one], str) for one in names)


def _is_capabilities(given: Any) -> bool:
    """Return whether capabilities have the usual form: objects with boolean or empty members."""
    if not isinstance(given, dict) or not set(given) <= _CAPABILITIES:
        return False
    are_objects = all(isinstance(one, dict) for one in given.values())
    return are_objects and all(
        isinstance(part, dict) if name in _FREE else part == {} or isinstance(part, bool)
        for name, one in given.items()
        for part in one.values()
    )


def _is_stateless_meta(meta: Any) -> bool:
    names = {f"{_META}protocolVersion", f"{_META}clientInfo", f"{_META}clientCapabilities"}
    return (
        isinstance(meta, dict)
        and set(meta) == names
        and meta[f"{_META}protocolVersion"] == STATELESS_VERSION
        and _is_info(meta[f"{_META}clientInfo"])
        and _is_capabilities(meta[f"{_META}clientCapabilities"])
    )
