"""A web hook …"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from support.emulator_service import VERSIONS, Resource, Service, id_of
from support.loopback_server import Heard, listening

SECRET = "a shared secret"


def agreeing(heard: Heard) -> tuple[int, dict[str, str], bytes]:
    """Answers a challenge with its token."""
    return 200, {}, parse_qs(urlsplit(heard.path).query).get("validationToken", [""])[0].encode()


def asked(url: str, *events: str, **others: Any) -> dict[str, Any]:
    """A request to register a hook."""
    return {"displayName": "h", "webUrl": url, "events": dict.fromkeys(events, True), **others}


@pytest.mark.parametrize("version", VERSIONS)
def test_web_hook_is_told_what_happens(service: Service, version: str) -> None:
    """Creation, processing and completion of a model, each once, in the version it was registered with."""
    resource = service.resource(version=version)
    with listening(agreeing) as listener:
        events = ("modelCreation", "modelCompletion", "modelDeletion")
        hook = resource.ask("POST", "/webhooks", json=asked(f"{listener.url}/hook", *events))
        assert resource.ask("GET", hook["self"])["status"] == "Succeeded"
        model = resource.model()
        resource.ask("DELETE", model["self"])

    told = [(one.headers["x-microsoftspeechservices-event"], one.body) for one in listener.heard[1:]]
    assert [event for event, _ in told] == list(events)
    assert all(json.loads(body)["self"] == model["self"] for _, body in told)


def test_web_hook_is_signed_with_its_secret(eastus: Resource) -> None:
    """Base64 of an HMAC-SHA256 over the body; none without a secret."""
    with listening(agreeing) as listener:
        hook = eastus.ask("POST", "/webhooks", json=asked(listener.url, properties={"secret": SECRET}))
        assert eastus.send("POST", hook["links"]["ping"]).status_code == 202
        eastus.ask("PATCH", hook["self"], json={"properties": {"secret": ""}})
        eastus.ask("POST", hook["links"]["ping"])

    ping, unsigned = listener.heard[1:]
    digest = hmac.new(SECRET.encode(), ping.body, hashlib.sha256).digest()
    assert ping.headers["x-microsoftspeechservices-signature"] == base64.b64encode(digest).decode()
    assert ping.headers["x-microsoftspeechservices-event"] == "ping"
    assert "x-microsoftspeechservices-signature" not in unsigned.headers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [((200, {}, b"something else"), "token"), ((404, {}, b""), "answer"), ((302, {"Location": "/"}, b""), "answer")],
)
def test_web_hook_fails_when_its_address_does_not_take_the_challenge(
    eastus: Resource, answer: tuple[int, dict[str, str], bytes], reason: str
) -> None:
    """Then it is told nothing."""
    with listening(lambda _: answer) as listener:
        hook = eastus.ask("POST", "/webhooks", json=asked(listener.url, "modelCreation"))
        eastus.model()

    hook = eastus.ask("GET", hook["self"])
    assert hook["status"] == "Failed"
    assert reason in hook["properties"]["error"]["message"]
    assert len(listener.heard) == 1


def test_web_hook_is_never_called_off_this_machine(eastus: Resource) -> None:
    """A host that was not allowed is not called, and the hook says so."""
    hook = eastus.ask("POST", "/webhooks", json=asked("https://contoso.com/call"))

    assert "only on loopback" in eastus.ask("GET", hook["self"])["properties"]["error"]["message"]


def test_web_hook_is_challenged_again_at_another_address(eastus: Resource) -> None:
    """Until then it is not ready."""
    with listening(agreeing) as first, listening(agreeing) as second:
        hook = eastus.ask("POST", "/webhooks", json=asked(first.url, "modelCreation"))

        changed = eastus.ask("PATCH", hook["self"], json={"webUrl": second.url})

        assert changed["status"] == "NotStarted"
        assert eastus.ask("GET", hook["self"])["status"] == "Succeeded"
        eastus.model()
    assert (len(first.heard), len(second.heard)) == (1, 2)


def test_web_hook_is_tested_with_the_last_entity_of_each_event(eastus: Resource) -> None:
    """202 and a request for each; 204 when there is nothing to tell."""
    with listening(agreeing) as listener:
        hook = eastus.ask("POST", "/webhooks", json=asked(listener.url, "modelCompletion", "evaluationCompletion"))
        empty = eastus.ask("POST", "/webhooks", json=asked(listener.url, "evaluationCompletion"))
        listener.heard.clear()

        assert eastus.send("POST", hook["links"]["test"]).status_code == 202
        assert eastus.send("POST", empty["links"]["test"]).status_code == 204

    assert [one.headers["x-microsoftspeechservices-event"] for one in listener.heard] == ["modelCompletion"]


def test_web_hook_is_told_once_although_a_refusal_came_between(start: Callable[..., Service]) -> None:
    """What a refused request would have moved on happens with the next one, and is told then."""
    service = start(training="seconds:4")
    resource = service.resource()
    with listening(agreeing) as listener:
        resource.ask("POST", "/webhooks", json=asked(listener.url, "modelCompletion"))
        resource.ask("POST", "/models", json={"displayName": "x", "locale": "en-US"})
        service.app.state.emulator.state.store.set("offset", "60")
        assert resource.send("GET", "/models/none").status_code == 404
        resource.ask("GET", "/models")

    assert [one.headers["x-microsoftspeechservices-event"] for one in listener.heard[1:]] == ["modelCompletion"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (asked("nowhere"), "InvalidCallbackUri"),
        (asked("http://"), "InvalidCallbackUri"),
        (asked("http://[::1"), "InvalidCallbackUri"),
        (asked("http://localhost:99999/"), "InvalidCallbackUri"),
        (asked("http://localhost", "modelExplosion"), "InvalidPayload"),
        ({"displayName": "h", "webUrl": "http://localhost"}, "InvalidPayload"),
        (asked("http://localhost") | {"events": {"ping": "yes"}}, "InvalidPayload"),
    ],
)
def test_web_hook_is_refused_when_it_cannot_be_called(eastus: Resource, body: dict[str, Any], code: str) -> None:
    """No address, no events, unknown events."""
    assert eastus.refusal("POST", "/webhooks", json=body) == (400, code)


def test_web_hook_is_found_by_its_address_and_forgotten(eastus: Resource) -> None:
    """Listed with a filter of its own, deleted, and gone."""
    hook = eastus.ask("POST", "/webhooks", json=asked("http://localhost:1/a"))

    found = eastus.ask("GET", "/webhooks", {"filter": "webUrl eq 'http://localhost:1/a'"})["values"]

    assert [id_of(one) for one in found] == [id_of(hook)]
    assert eastus.send("DELETE", hook["self"]).status_code == 204
    assert eastus.refusal("GET", hook["self"])[0] == 404
