"""The client of the REST API …"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from custom_speech_tools.speech import (
    VERSIONS,
    AzureError,
    InterceptedResponseError,
    KeyCredential,
    RequestPipeline,
    Speech,
    SpeechResource,
    UnreadableResponseError,
    UntrustedUrlError,
)

pytestmark = pytest.mark.anyio

HERE = "http://eastus.localhost"
ID = "827712a5-f942-4997-91c3-7c6cde35600b"
MODEL = {
    "self": f"{HERE}/speechtotext/models/{ID}?api-version=2025-10-15",
    "displayName": "Calls",
    "locale": "en-US",
    "status": "Succeeded",
}


def speech(answer: Callable[[str, str], tuple[int, Any]], version: str = "2025-10-15") -> tuple[Speech, list[str]]:
    """A client before a service that answers as told, and the addresses it was asked for, with the query."""
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        status, body = answer(scope["path"], scope["query_string"].decode())
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content})

    resource = SpeechResource("here", HERE, KeyCredential(SecretStr("k")), api_version=VERSIONS[version])
    return Speech(RequestPipeline(resource, lambda: app)), asked


@pytest.mark.parametrize(
    ("version", "address"),
    [
        ("2025-10-15", f"/speechtotext/models/{ID}?api-version=2025-10-15"),
        ("2024-11-15", f"/speechtotext/models/{ID}?api-version=2024-11-15"),
        ("v3.2", f"/speechtotext/v3.2/models/{ID}?"),
    ],
)
async def test_client_addresses_each_version_in_its_way(version: str, address: str) -> None:
    """Dated versions in the query, v3.2 in the path."""
    client, asked = speech(lambda path, query: (200, MODEL), version)

    await client.models_get_custom_model(ID)

    assert asked == [address]


async def test_client_takes_new_properties_and_values() -> None:
    """What the service adds tomorrow breaks nothing today."""
    news = MODEL | {"status": "Paused", "properties": {"deprecationDates": None, "novel": {"x": 1}}, "novel": [1]}
    client, _ = speech(lambda path, query: (200, news))

    model = await client.models_get_custom_model(ID)

    assert (model.status, model.transcription_until, model.id) == ("Paused", None, ID)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        json.dumps(MODEL).encode()[:-20],
        b"null",
        b"[]",
        b"{}",
        {key: value for key, value in MODEL.items() if key != "displayName"},
        MODEL | {"locale": 7},
        MODEL | {"datasets": "none"},
        MODEL | {"createdDateTime": "yesterday"},
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
async def test_client_says_that_an_answer_could_not_be_read(body: Any) -> None:
    """Not JSON, cut off, without what the operation always returns, or of the wrong type; nothing of it is echoed."""
    client, _ = speech(lambda path, query: (200, body))

    with pytest.raises(UnreadableResponseError) as refused:
        await client.models_get_custom_model(ID)

    assert "here sent an answer to Models_GetCustomModel that could not be read" in str(refused.value)
    assert "Sign in" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"Bad gateway", b"[]", {"code": None}, {"error": {"code": "X"}}])
async def test_client_keeps_the_status_of_a_refusal_in_any_form(body: Any) -> None:
    """A proxy's page is no error of the service, but its status is known."""
    client, _ = speech(lambda path, query: (403, body))

    with pytest.raises(AzureError) as refused:
        await client.models_get_custom_model(ID)

    assert refused.value.status == 403


async def test_client_keeps_status_code_and_inner_code() -> None:
    """All that the service says of a refusal."""
    error = {"code": "InvalidRequest", "message": "No.", "innerError": {"code": "InvalidLocale", "message": "Not so."}}
    client, _ = speech(lambda path, query: (400, error))

    with pytest.raises(AzureError) as refused:
        await client.models_create({})

    said = refused.value
    assert (said.status, said.code, said.inner_code) == (400, "InvalidRequest", "InvalidLocale")
    assert str(said) == 'here answered 400 InvalidRequest (InvalidLocale) to Models_Create: "Not so."'


def pages(number: int, size: int = 100, link: str = f"{HERE}/speechtotext/models?skip={{skip}}&top={{top}}") -> Any:
    """A service with a list of entities, in pages."""

    def answer(path: str, query: str) -> tuple[int, Any]:
        asked = dict(part.split("=", 1) for part in query.split("&"))
        skip, top = int(asked["skip"]), min(int(asked["top"]), size)
        ids = range(skip, min(skip + top, number))
        values = [MODEL | {"self": f"{HERE}/speechtotext/models/{i:08x}-0000-4000-8000-000000000000"} for i in ids]
        more = {"@nextLink": link.format(skip=skip + top, top=top)} if skip + top < number else {}
        return 200, {"values": values} | more

    return answer


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 500, 2000])
@pytest.mark.parametrize("size", [100, 40])
async def test_client_reads_every_page_once(number: int, size: int) -> None:
    """Whatever the service makes of `top`."""
    client, _ = speech(pages(number, size))

    listing = await client.models_list_custom_models()

    assert [model.id for model in listing.entities] == [f"{i:08x}-0000-4000-8000-000000000000" for i in range(number)]
    assert listing.complete


async def test_client_reads_3000_entities_in_four_rounds() -> None:
    """One page alone, then windows side by side: 1, 4, 12, 16."""
    client, asked = speech(pages(3000))

    await client.models_list_base_models()

    assert len(asked) == 1 + 4 + 12 + 16


async def test_client_follows_links_that_do_not_count() -> None:
    """One after the other, with their own paging."""

    def answer(path: str, query: str) -> tuple[int, Any]:
        if "skipToken=b" in query:
            return 200, {"values": [MODEL | {"self": MODEL["self"].replace("827712a5", "00000002")}]}
        return 200, {"values": [MODEL], "@nextLink": f"{HERE}/speechtotext/models?skipToken=b&api-version=2025-10-15"}

    client, asked = speech(answer)

    assert len((await client.models_list_custom_models(locale="en-US")).entities) == 2
    assert asked[1] == "/speechtotext/models?skipToken=b&filter=locale%20eq%20%27en-US%27&api-version=2025-10-15"


async def test_client_stops_at_a_list_without_end() -> None:
    """And says that it did not read all of it."""
    client, asked = speech(
        lambda path, query: (200, {"values": [MODEL], "@nextLink": f"{HERE}/speechtotext/models?a=b"})
    )

    listing = await client.models_list_custom_models()

    assert not listing.complete
    assert len(asked) == 60


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/speechtotext/models?skip=1&top=1",
        "http://eastus.localhost:81/speechtotext/models?skip=1&top=1",
        "http://eastus.localhost@evil.example/speechtotext/models?skip=1&top=1",
        "//evil.example/speechtotext/models?skip=1",
        "http://eastus.localhost/elsewhere?skip=1&top=1",
    ],
)
async def test_client_follows_no_link_elsewhere(link: str) -> None:
    """Nothing is sent after it."""
    client, asked = speech(lambda path, query: (200, {"values": [MODEL], "@nextLink": link}))

    with pytest.raises(UntrustedUrlError):
        await client.models_list_custom_models()

    assert len(asked) == 1


async def test_client_sends_a_post_once_when_its_answer_is_lost() -> None:
    """What it asked for may have been done, after a 500 as well."""
    client, asked = speech(lambda path, query: (500, {"code": "InternalServerError"}))

    with pytest.raises(AzureError):
        await client.models_create({})

    assert len(asked) == 1


@given(st.binary(max_size=400))
async def test_client_no_answer_raises_anything_but_its_own_errors(body: bytes) -> None:
    """Any bytes at all."""
    client, _ = speech(lambda path, query: (200, body))

    with pytest.raises((UnreadableResponseError, InterceptedResponseError)):
        await client.models_get_custom_model(ID)


@pytest.mark.parametrize("name", ["innerError", "innererror"])
async def test_client_reads_the_inner_error_in_either_spelling(name: str) -> None:
    body = {"code": "InvalidRequest", "message": "outer", name: {"code": "InvalidPayload", "message": "inner"}}
    client, _ = speech(lambda path, query: (400, body))

    with pytest.raises(AzureError) as refused:
        await client.models_get_custom_model(ID)

    assert (refused.value.inner_code, refused.value.service_message) == ("InvalidPayload", "inner")
