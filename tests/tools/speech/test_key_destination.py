"""A key goes to the host of its resource and to no other …"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from pydantic import SecretStr

from conftest import Connect
from custom_speech_server.app import Settings, build
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.resource_config import Resources, from_file
from custom_speech_tools.speech import KeyCredential, SpeechResource
from custom_speech_tools.speech.transport import proxy_of
from support.emulator_process import Outside, outside
from support.scripted_service import ID, Listener, one_resource, served
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

LOOK_ALIKES = [
    "http://127.0.0.1:{evil}",
    "http://localhost:{evil}",
    "http://127.0.0.1.:{evil}",
    "http://127.1:{evil}",
    "http://2130706433:{evil}",
    "http://0x7f000001:{evil}",
    "http://0177.0.0.1:{evil}",
    "http://[::ffff:127.0.0.1]:{evil}",
    "http://127.0.0.1:{good}@127.0.0.1:{evil}",
    "http://127.0.0.1:{evil}#@127.0.0.1:{good}",
    "http://127.0.0.1:{evil}\\@127.0.0.1:{good}",
    "http://127.0.0.1:{evil}?@127.0.0.1:{good}",
    "//127.0.0.1:{evil}",
    "HTTP://127.0.0.1:{evil}",
]
REFERENCES = {
    "get_model": ["model"],
    "get_copy": ["operation"],
    "connect_model": ["model", "project"],
    "copy_model": ["model", "project"],
    "create_model": ["base_model", "project"],
    "plan_model": ["base_model", "project"],
}
KINDS = {"model": "models", "operation": "operations/models/copy", "project": "projects", "base_model": "models/base"}
NEEDED = {
    "connect_model": {"model": ID, "project": ID},
    "copy_model": {"model": ID, "to_resource": "west"},
    "create_model": {"display_name": "A", "locale": "en-US", "datasets": [ID]},
    "plan_model": {"display_name": "A", "locale": "en-US", "datasets": [ID]},
}


@pytest.fixture
async def evil() -> AsyncIterator[Listener]:
    """A host that nobody configured."""
    async with Listener(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").listening() as listener:
        yield listener


@pytest.fixture(scope="module")
def service() -> Iterator[Outside]:
    """A real service on loopback."""
    with outside() as emulator:
        yield emulator


def configured(service: Outside) -> Resources:
    """Two resources of the service."""
    regions = {"east": "eastus", "west": "westeurope"}
    found = tuple(
        SpeechResource(
            name,
            f"{service.address}/{region}",
            KeyCredential(SecretStr(f"emulator-{region}-key")),
            region=region,
            resource_id=f"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
            f"/providers/Microsoft.CognitiveServices/accounts/emulator-{region}",
        )
        for name, region in regions.items()
    )
    return Resources(found, "east", "the test")


@pytest.fixture
async def call(service: Outside) -> AsyncIterator[Caller]:
    """A client of a server that reaches the service over the network."""
    server = build(Settings(configured(service), state_key=b"k" * 32, confirm="never"))
    async with Client(server, cache=None) as client:
        yield Caller(client)


@pytest.mark.parametrize("look_alike", LOOK_ALIKES)
async def test_key_stays_with_its_host_whatever_address_a_caller_names(
    call: Caller, service: Outside, evil: Listener, look_alike: str
) -> None:
    """In every argument that takes an address."""
    ports = {"good": service.address.rpartition(":")[2], "evil": evil.address.rpartition(":")[2]}
    for tool, arguments in REFERENCES.items():
        for argument in arguments:
            address = f"{look_alike.format(**ports)}/speechtotext/{KINDS[argument]}/{ID}"
            result = await call.client.call_tool(tool, NEEDED.get(tool, {}) | {argument: address})
            assert result.is_error or not (result.structured_content or {})["ok"]

    assert evil.heard == b""


@pytest.mark.parametrize("operation", [None, "Models_Copy", "Operations_GetModelCopy", "Models_ListCustomModels"])
async def test_key_stays_with_its_host_whatever_link_an_answer_holds(
    call: Caller, service: Outside, evil: Listener, operation: str | None
) -> None:
    """`self`, `@nextLink`, `Operation-Location` and `result.link` of another host, in the answer to any tool."""
    model = service.model()
    rule = {"fault": "hostile-link", "host": evil.address} | ({"operation": operation} if operation else {})
    service.control("PUT", "faults", rule)
    for tool, arguments in {
        "list_base_models": {"locale": "en-US"},
        "list_models": {},
        "list_datasets": {},
        "get_model": {"model": model},
        "connect_model": {"model": model, "project": "Contoso en-US"},
        "copy_model": {"model": model, "to_resource": "west", "wait_seconds": 5},
        "create_model": {"display_name": "A", "locale": "en-US", "datasets": ["Contoso plain text en-US"]},
    }.items():
        result = await call.client.call_tool(tool, arguments)
        assert evil.address not in str(result.content)
    service.control("DELETE", "faults")

    assert evil.heard == b""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_key_stays_with_its_host_however_it_is_sent_elsewhere(evil: Listener, status: int) -> None:
    """A redirect is an error, not a way."""
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {evil.address}/speechtotext/models\r\nContent-Length: 0\r\n\r\n"
    async with (
        Listener(head.encode()).listening() as service,
        served(resources=one_resource(service.address)) as call,
    ):
        refusal = await call.refusal("list_models")

    assert f"not Azure Speech ({status})" in refusal
    assert evil.heard == b""
    assert service.heard.count(b"canary-key") == 1


async def test_key_stays_with_its_host_whatever_proxy_the_environment_names(
    evil: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on this machine is asked directly."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, evil.address)
    async with (
        Listener(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").listening() as service,
        served(resources=one_resource(service.address)) as call,
    ):
        await call.refusal("list_models")

    assert evil.heard == b""


@pytest.mark.usefixtures("no_retry_waits")
async def test_key_stays_with_its_host_the_proxy_of_the_environment_sees_the_name_of_the_host_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The way to Azure leads through it, encrypted."""
    async with Listener(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").listening() as proxy:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.address.removeprefix("http://"))
        async with served(resources=one_resource("https://eastus.api.cognitive.microsoft.com")) as call:
            refusal = await call.refusal("list_models")

    assert "did not answer" in refusal
    assert proxy.heard.startswith(b"CONNECT eastus.api.cognitive.microsoft.com:443 HTTP/1.1\r\n")
    assert b"canary-key" not in proxy.heard


@pytest.mark.usefixtures("no_retry_waits")
@pytest.mark.parametrize("proxy", ["::::", "ftp://proxy.example", "http://user:canary-key@proxy.example:no"])
async def test_key_stays_with_its_host_a_proxy_that_is_none_is_said_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Its address may hold a password."""
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    async with served(resources=one_resource("https://eastus.api.cognitive.microsoft.com")) as call:
        refusal = await call.refusal("list_models")

    assert "the proxy that the environment names cannot be used" in refusal
    assert "canary-key" not in refusal


@pytest.mark.parametrize("names", ["eastus.api.cognitive.microsoft.com", ".microsoft.com", "*", "x, *"])
def test_key_stays_with_its_host_a_proxy_is_left_out_where_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    """NO_PROXY names the host, its domain or everything."""
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with_proxy = proxy_of("https://eastus.api.cognitive.microsoft.com")
    monkeypatch.setenv("no_proxy", names)

    assert (with_proxy, proxy_of("https://eastus.api.cognitive.microsoft.com")) == ("http://proxy.example:3128", None)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://eastus.api.cognitive.microsoft.com",
        "https://eastus.api.cognitive.microsoft.com.elsewhere.example",
        "https://eastus.api.cognitive.microsoft.com@elsewhere.example",
        "https://eastus.api.cognitive.microsoft.com:444",
        "https://eastus.api.cognitive.microsoft.com.",
        "https://xn--ontoso-wdb.elsewhere.example",
        "https://cоntoso.cognitiveservices.azure.com",
        "https://contoso.cognitiveservices.azure.com%2eelsewhere.example",
        "https://2130706433",
        "https://0177.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://169.254.169.254",
        "http://0.0.0.0",
        "file:///etc/passwd",
    ],
)
def test_key_stays_with_its_host_whatever_the_configuration_says(tmp_path: Path, endpoint: str) -> None:
    """An endpoint is https on a host of Azure Speech, or this machine."""
    file = tmp_path / "resources.toml"
    file.write_text(f"[resources.a]\nendpoint = '{endpoint}'\nkey = {{ env = 'K' }}\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"endpoint: is not (a host of Azure Speech over https|a URL)"):
        from_file(file, {"K": "k"})


CLIMBING = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["../" * 3 + "projects", "%2e%2e%2fprojects", "..%2f..%2f", f"{ID}/../../projects", f"{ID}%2ffiles"]
    ),
    st.sampled_from([f"{ID}?x=1", f"{ID}#x", f"{ID}:copy", f"/{ID}", f"{ID}\r\nX: y", "%00", "..\\..\\", "//x/y"]),
)


@pytest.mark.long
async def test_key_stays_with_its_host_on_no_other_path_than_that_of_its_operation(
    connect: Connect, azure: Azure
) -> None:
    """A text that climbs, ends early or is encoded is a name to be looked for, or nothing; it is no path."""
    drawn: list[str] = []

    @settings(max_examples=200, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(CLIMBING)
    def draw(text: str) -> None:
        drawn.append(text)

    draw()
    async with connect(confirm="never") as call:
        for text in drawn:
            await call.client.call_tool("get_model", {"model": text})
            await call.client.call_tool("get_copy", {"operation": text})
            await call.client.call_tool("connect_model", {"model": text, "project": text})

    requests = await azure.requests()
    assert {entry["path"] for entry in requests} <= {
        "/speechtotext/models",
        "/speechtotext/models/base",
        "/speechtotext/projects",
    }
    azure.violations.clear()


async def test_key_stays_with_its_host_on_no_other_path_when_an_answer_names_it(connect: Connect, azure: Azure) -> None:
    """An operation whose id is no id is an answer that cannot be read."""
    hostile = replace_id(azure)

    async with connect(confirm="never") as call:
        refusal = await call.refusal(
            "copy_model",
            model="Contoso finished model en-US",
            to_resource="emulator-westeurope",
            allow_duplicate=True,
            wait_seconds=5,
        )

    assert "could not be read" in refusal
    assert not [entry for entry in await hostile.requests() if ".." in entry["path"]]
    azure.violations.clear()


def replace_id(azure: Azure) -> Azure:
    """The service, whose copy operations have an id that climbs."""
    within = azure.app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def say(message: Any) -> None:
            if scope["path"].endswith(":copy") and message["type"] == "http.response.body":
                message = message | {"body": message["body"].replace(b'"id": "', b'"id": "../../projects/')}
            if scope["path"].endswith(":copy") and message["type"] == "http.response.start":
                message = message | {"headers": [pair for pair in message["headers"] if pair[0] != b"content-length"]}
            await send(message)

        await within(scope, receive, say)

    azure.app = app
    return azure
