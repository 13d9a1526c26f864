"""Streamable HTTP …"""

import contextlib
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from starlette.responses import JSONResponse

from custom_speech_server.http.asgi_app import MAX_BODY_BYTES, HTTPSettings
from custom_speech_server.http.uvicorn_server import allowed_hosts, allowed_origins
from support.http_server import (
    ACCEPT,
    HANDSHAKE,
    VERSION,
    answer_in,
    command,
    initialize,
    message,
    modern,
    on_loopback,
    over_http,
)
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio


async def test_http_answers_protocol_2026_07_28_without_a_session(azure: Azure) -> None:
    """One POST, one answer, and nothing to remember."""
    async with over_http(azure) as client:
        response = await client.post("/mcp", **modern("tools/call", name="list_resources", arguments={}))
    assert response.status_code == 200
    assert "mcp-session-id" not in response.headers
    assert answer_in(response)["result"]["structuredContent"]["resources"][0]["name"] == "emulator-eastus"


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_http_answers_the_handshake_versions_in_a_session(azure: Azure, version: str) -> None:
    """initialize opens a session, in which the same tools are there."""
    async with over_http(azure) as client:
        opened = await client.post("/mcp", **initialize(version))
        assert answer_in(opened)["result"]["protocolVersion"] == version
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": version}
        done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await client.post("/mcp", headers=headers, json=done)).status_code == 202
        call = message("tools/call", name="list_resources", arguments={})
        response = await client.post("/mcp", headers=headers, json=call)
    assert answer_in(response)["result"]["structuredContent"]["resources"][0]["name"] == "emulator-eastus"


async def test_http_is_what_the_command_serves() -> None:
    """An MCP client finds the product behind the port that the command prints, in both protocol eras."""
    with command() as (_, url):
        for mode in ("auto", "legacy"):
            async with Client(url, cache=None, mode=mode) as client:
                assert (await Caller(client)("list_resources"))["resources"][0]["emulated"]


LIST = modern("tools/list")
BATCH = [message("tools/list"), message("tools/list")]

BAD_INPUT: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "another method": ("PUT", "/mcp", {}, 405),
    "another path": ("POST", "/", LIST, 404),
    "a path below": ("POST", "/mcp/tools", LIST, 404),
    "a foreign host with a trailing slash": ("POST", "/mcp/", LIST | {"headers": {"host": "evil.com"}}, 421),
    "two lengths": (
        "POST",
        "/mcp",
        LIST | {"headers": LIST["headers"] | {"content-length": "2", "transfer-encoding": "chunked"}},
        400,
    ),
    "another content type": ("POST", "/mcp", LIST | {"headers": LIST["headers"] | {"content-type": "text/xml"}}, 400),
    "an unknown version": (
        "POST",
        "/mcp",
        LIST | {"headers": LIST["headers"] | {"mcp-protocol-version": "2199-01-01"}},
        400,
    ),
    "a version that is none": (
        "POST",
        "/mcp",
        LIST | {"headers": LIST["headers"] | {"mcp-protocol-version": "\x7f"}},
        400,
    ),
    "a method header that lies": ("POST", "/mcp", LIST | {"headers": LIST["headers"] | {"mcp-method": "ping"}}, 400),
    "a batch": ("POST", "/mcp", LIST | {"json": BATCH}, 400),
    "a batch in the handshake era": ("POST", "/mcp", {"headers": ACCEPT, "json": BATCH}, 400),
    "no JSON": ("POST", "/mcp", {"headers": LIST["headers"], "content": b"{"}, 400),
    "no UTF-8": ("POST", "/mcp", {"headers": LIST["headers"], "content": b"\xff\xfe"}, 400),
    "a deep nest": ("POST", "/mcp", {"headers": LIST["headers"], "content": b"[" * 100_000}, 400),
    "nothing": ("POST", "/mcp", {"headers": LIST["headers"], "content": b""}, 400),
    "too much": ("POST", "/mcp", {"headers": LIST["headers"], "content": b" " * (MAX_BODY_BYTES + 1)}, 413),
    "a session that never was": (
        "POST",
        "/mcp",
        {"headers": ACCEPT | {"mcp-session-id": "x"}, "json": message("ping")},
        404,
    ),
    "no session": ("POST", "/mcp", {"headers": ACCEPT, "json": message("tools/list")}, 400),
    "a foreign host": ("POST", "/mcp", LIST | {"headers": LIST["headers"] | {"host": "evil.com"}}, 421),
    "a host that only begins well": (
        "POST",
        "/mcp",
        LIST | {"headers": LIST["headers"] | {"host": "localhost.evil.com"}},
        421,
    ),
    "a foreign origin": ("POST", "/mcp", LIST | {"headers": LIST["headers"] | {"origin": "https://evil.com"}}, 403),
    "an origin of nowhere": ("POST", "/mcp", LIST | {"headers": LIST["headers"] | {"origin": "null"}}, 403),
    "a host with more behind its port": (
        "POST",
        "/mcp",
        LIST | {"headers": LIST["headers"] | {"host": "127.0.0.1:80.evil.com"}},
        421,
    ),
    "an origin with a host behind its port": (
        "POST",
        "/mcp",
        LIST | {"headers": LIST["headers"] | {"origin": "http://localhost:80@evil.com"}},
        403,
    ),
    "two hosts": (
        "POST",
        "/mcp",
        LIST | {"headers": [*LIST["headers"].items(), ("host", "localhost"), ("host", "evil.com")]},
        421,
    ),
    "two origins": (
        "POST",
        "/mcp",
        LIST | {"headers": [*LIST["headers"].items(), ("origin", "http://localhost"), ("origin", "https://evil.com")]},
        403,
    ),
    "a head too large": ("POST", "/mcp", LIST | {"headers": LIST["headers"] | {"x-much": "x" * 40_000}}, 431),
    "a foreign host in a session": (
        "POST",
        "/mcp",
        initialize("2025-11-25") | {"headers": ACCEPT | {"host": "evil.com"}},
        421,
    ),
}


@pytest.mark.parametrize(("method", "path", "request_", "status"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
async def test_http_answers_bad_input_as_the_protocol_says(
    azure: Azure, method: str, path: str, request_: dict[str, Any], status: int
) -> None:
    """A status of the protocol, without a traceback, and the next request is served."""
    async with over_http(azure) as client:
        response = await client.request(method, path, **request_)
        assert response.status_code == status
        assert "Traceback" not in response.text
        assert (await client.post("/mcp", **LIST)).status_code == 200


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("origin", ""),
        ("origin", "http://localhost:3000"),
        ("origin", "file://"),
        ("origin", "vscode-webview://1a2b3c"),
        ("host", "localhost:"),
        ("host", "[::1]:8080"),
    ],
)
async def test_http_answers_a_page_or_name_that_is_allowed(azure: Azure, header: str, value: str) -> None:
    """An empty Origin is none; what the operator allowed may have any form."""
    allowed = HTTPSettings(allowed_hosts("127.0.0.1", []), allowed_origins(["file://", "vscode-webview://1a2b3c"]))
    async with over_http(azure, serving=allowed) as client:
        response = await client.post("/mcp", **LIST | {"headers": LIST["headers"] | {header: value}})

    assert response.status_code == 200


async def test_http_lets_the_pages_of_an_allowed_origin_read_its_answers(azure: Azure) -> None:
    """A browser asks first, without a token, and is told; pages from elsewhere are not."""
    page, other = "https://app.contoso.com", "https://app.fabrikam.com"
    serving = HTTPSettings(allowed_hosts("127.0.0.1", []), allowed_origins([page]))
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "mcp-method"}
    async with over_http(azure, serving=serving) as client:
        before = await client.options("/mcp", headers={"origin": page} | asking)
        answer = await client.post("/mcp", **LIST | {"headers": LIST["headers"] | {"origin": page}})
        refused = await client.options("/mcp", headers={"origin": other} | asking)
    allowed = {name: before.headers[f"access-control-allow-{name}"] for name in ("origin", "headers")}
    assert (before.status_code, allowed) == (200, {"origin": page, "headers": "mcp-method"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, page)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)


async def test_http_ignores_a_notification_for_a_request_that_never_was(azure: Azure) -> None:
    """It is accepted, as the specification says of notifications, and nothing comes of it."""
    gone = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}
    async with over_http(azure) as client:
        modern_one = await client.post("/mcp", headers=LIST["headers"], json=gone)
        opened = await client.post("/mcp", **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        in_session = await client.post("/mcp", headers=headers, json=gone)
    assert [modern_one.status_code, in_session.status_code] == [202, 202]


@pytest.mark.long
@given(content=st.binary(max_size=300), version=st.sampled_from([*HANDSHAKE, VERSION, "", "x"]))
@settings(max_examples=60, deadline=None)
def test_http_survives_any_body(content: bytes, version: str) -> None:
    """No body makes a 500."""

    async def status() -> int:
        async with over_http(Azure()) as client:
            headers = ACCEPT | {"mcp-protocol-version": version}
            return (await client.post("/mcp", headers=headers, content=content)).status_code

    assert anyio.run(status) in (202, 400)


async def test_http_says_that_it_is_alive_and_whether_azure_answers(azure: Azure) -> None:
    """Both without a token, a name of a resource or an address."""
    async with over_http(azure) as client:
        assert (await client.get("/healthz")).json() == {"alive": True}
        assert (await client.get("/readyz")).json() == {"ready": True, "resources": 3, "answered": 3}


async def test_http_is_not_ready_while_no_resource_answers() -> None:
    """503 takes a replica out of the balancer; it stays alive."""
    async with over_http(_broken) as client:
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["answered"]) == (503, 0)
        assert (await client.get("/healthz")).status_code == 200


async def test_http_asks_azure_seldom_whoever_wants_to_know(azure: Azure) -> None:
    """Fifty probes are one request to each resource."""
    async with over_http(azure) as client:
        for _ in range(50):
            await client.get("/readyz")
    assert await azure.operations() == ["Models_ListSupportedLocales"] * 3


async def _broken(scope: Any, receive: Any, send: Any) -> None:
    await JSONResponse({"error": {"code": "Forbidden", "message": "no"}}, status_code=403)(scope, receive, send)


async def test_http_ends_the_session_that_was_idle_longest_for_a_new_one(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that never end their sessions would otherwise keep everybody out for half an hour."""
    monkeypatch.setattr("custom_speech_server.http.asgi_app.MAX_SESSIONS", 3)
    async with over_http(azure) as client:

        async def open_session() -> str:
            return str((await client.post("/mcp", **initialize("2025-11-25"))).headers["mcp-session-id"])

        async def ping(name: str) -> int:
            headers = ACCEPT | {"mcp-session-id": name, "mcp-protocol-version": "2025-11-25"}
            return (await client.post("/mcp", headers=headers, json=message("ping"))).status_code

        names = [await open_session() for _ in range(3)]
        assert await ping(names[0]) == 200
        names.append(await open_session())

        assert [await ping(name) for name in names] == [200, 404, 200, 200]


@pytest.mark.parametrize("accept", ["application/json", "application/json;q=0.9, text/html", None])
async def test_http_answers_a_client_that_takes_only_json(azure: Azure, accept: str | None) -> None:
    for post in (modern("tools/list"), modern("tools/call", name="list_models", arguments={})):
        headers = {name: value for name, value in post["headers"].items() if name != "accept"}
        async with over_http(azure) as client:
            client.headers.pop("accept", None)
            given = headers | ({"accept": accept} if accept else {})
            response = await client.post("/mcp", headers=given, json=post["json"])

        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        assert "result" in response.json()


@pytest.mark.parametrize("stateless", [False, True])
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_http_answers_a_client_of_the_handshake_versions_that_takes_only_json(
    azure: Azure, version: str, stateless: bool
) -> None:
    """Beside another client that takes events and gets them."""
    call = message("tools/call", name="list_resources", arguments={})
    async with over_http(azure, serving=on_loopback(stateless=stateless)) as client:

        async def answer_to(accept: str) -> tuple[str, Any]:
            headers = ACCEPT | {"accept": accept, "mcp-protocol-version": version}
            opened = await client.post("/mcp", headers=headers, json=initialize(version)["json"])
            assert answer_in(opened)["result"]["protocolVersion"] == version
            session = {name: value for name, value in opened.headers.items() if name == "mcp-session-id"}
            response = await client.post("/mcp", headers=headers | session, json=call)
            named = answer_in(response)["result"]["structuredContent"]["resources"][0]["name"]
            return response.headers["content-type"], named

        with_events, json_alone = await answer_to(ACCEPT["accept"]), await answer_to("application/json")

    assert with_events == ("text/event-stream", "emulator-eastus")
    assert json_alone == ("application/json", "emulator-eastus")


async def test_http_gives_a_token_to_a_client_of_a_session_that_takes_only_json(azure: Azure) -> None:
    """Its user cannot be asked, because a question would need a stream of events."""
    arguments = {"display_name": "m", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    headers = ACCEPT | {"accept": "application/json"}
    async with over_http(azure) as client:
        opening = initialize("2025-11-25", {"elicitation": {}})["json"]
        opened = await client.post("/mcp", headers=headers, json=opening)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        call = message("tools/call", name="create_model", arguments=arguments)
        response = await client.post("/mcp", headers=headers | session, json=call)

    result = response.json()["result"]
    assert result["isError"]
    assert "confirm" in result["content"][0]["text"]


@pytest.mark.parametrize("accept", ["text/html", "text/event-stream"])
async def test_http_says_which_types_a_request_needs(azure: Azure, accept: str) -> None:
    post = modern("tools/list")
    async with over_http(azure) as client:
        response = await client.post("/mcp", headers=post["headers"] | {"accept": accept}, json=post["json"])

    assert response.status_code == 406
    assert response.text == (
        f"This request needs Accept: application/json, text/event-stream. The header says: {accept}"
    )


async def test_http_answers_every_list_of_what_it_announces(azure: Azure) -> None:
    lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
    async with over_http(azure) as client:
        announced = answer_in(await client.post("/mcp", **modern("server/discover")))["result"]["capabilities"]
        answers = {method: answer_in(await client.post("/mcp", **modern(method))) for method in lists}

    assert set(announced) >= {method.partition("/")[0] for method in lists}
    assert [method for method, answer in answers.items() if "result" not in answer] == []


async def test_http_refuses_folded_headers_and_line_ends_without_carriage_return() -> None:
    """A proxy may read them as another request. The request before it on the same connection is answered."""
    good = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    heads = (
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        b"POST /mcp HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 0\n\n",
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\nX: y\r\nContent-Length: 0\r\n\r\n",
    )
    with command() as (_, url):
        for head in heads:
            async with await anyio.connect_tcp("127.0.0.1", urlsplit(url).port or 0) as stream:
                await stream.send(good + head)
                said = b""
                with contextlib.suppress(anyio.EndOfStream):
                    while True:
                        said += await stream.receive()

            assert said.startswith(b"HTTP/1.1 200 "), head
            assert b"HTTP/1.1 400 " in said, head
            assert b"must not be folded" in said, head


async def test_http_logs_no_traceback_of_a_client_that_leaves_in_the_middle_of_a_body() -> None:
    names = "".join(f"{name}: {value}\r\n" for name, value in ACCEPT.items())
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n{names}Content-Length: 99\r\n\r\n{{"
    with command() as (process, url):
        async with await anyio.connect_tcp("127.0.0.1", urlsplit(url).port or 0) as stream:
            await stream.send(head.encode())
        assert process.stderr
        said = await anyio.to_thread.run_sync(process.stderr.readline)
        process.terminate()
        said += process.stderr.read()

    assert "A client disconnected before its request was complete." in said
    assert "Traceback" not in said
