"""Web hooks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qs, urlsplit

import pytest

from custom_speech_emulator.state.entity_store import SETTINGS
from support.emulator_service import VERSIONS, Resource, Service, id_of
from support.loopback_server import Heard, listening

SECRET = "a shared secret"


def agreeing(heard: Heard) -> tuple[int, dict[str, str], bytes]:
    """Answer a challenge with its token."""
    return 200, {}, parse_qs(urlsplit(heard.path).query).get("validationToken", [""])[0].encode()


def asked(url: str, *events: str, **others: Any) -> dict[str, Any]:
    """A request to register a web hook."""
    return {"displayName": "h", "webUrl": url, "events": dict.fromkeys(events, True), **others}


@pytest.mark.parametrize("version", VERSIONS)
def test_web_hook_is_notified_of_what_happens(service: Service, version: str) -> None:
    """Creation, processing, completion and deletion of a model are sent once, in the version of the registration."""
    resource = service.resource(version=version)
    with listening(agreeing) as listener:
        events = ("modelCreation", "modelProcessing", "modelCompletion", "modelDeletion")
        hook = resource.ask("POST", "/webhooks", json=asked(f"{listener.url}/hook", *events))
        assert resource.ask("GET", hook["self"])["status"] == "Succeeded"
        model = resource.model()
        resource.ask("DELETE", model["self"])

    told = [(one.headers["x-microsoftspeechservices-event"], json.loads(one.body)) for one in listener.heard[1:]]
    assert [event for event, _ in told] == ["ModelCreation", "ModelProcessing", "ModelCompletion", "ModelDeletion"]
    assert [body for _, body in told] == [{"self": model["self"], "invocationId": ANY}] * 4
    assert len({body["invocationId"] for _, body in told}) == 4


@dataclass
class Receiver:
    """A receiver like Microsoft's sample, which parses the event by letter case and checks every signature."""

    secret: bytes
    seen: list[tuple[str, str]] = field(default_factory=list)
    events: tuple[str, ...] = (
        "Challenge",
        "Ping",
        *(
            f"{kind}{what}"
            for kind in ("Dataset", "Model", "Evaluation", "Endpoint", "Transcription")
            for what in ("Creation", "Processing", "Completion", "Deletion")
        ),
    )

    def __call__(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        """Answer the validation token, or record the entity of an event; return 400 for anything else."""
        event = heard.headers["x-microsoftspeechservices-event"]
        token = parse_qs(urlsplit(heard.path).query).get("validationToken", [""])[0]
        signed = token.encode() if event == "Challenge" else heard.body
        digest = base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
        if event not in self.events or heard.headers["x-microsoftspeechservices-signature"] != digest:
            return 400, {}, b""
        if event == "Challenge":
            return 200, {}, token.encode()
        self.seen.append((event, json.loads(heard.body)["self"]))
        return 200, {}, b""


def test_web_hook_serves_a_receiver_that_checks_every_signature(eastus: Resource) -> None:
    """Entities of all kinds are created, processed and completed; the receiver accepts every message."""
    receiver = Receiver(SECRET.encode())
    with listening(receiver) as listener:
        kinds = ("dataset", "model", "evaluation", "endpoint")
        events = [f"{kind}{what}" for kind in kinds for what in ("Creation", "Processing", "Completion")]
        body = asked(listener.url, "ping", *events, properties={"secret": SECRET})
        hook = eastus.ask("POST", "/webhooks", json=body)
        eastus.ask("POST", hook["links"]["ping"])
        dataset = eastus.dataset("Language", b"One line of text.\n")
        model = eastus.model()
        audio = eastus.stocked("datasets", "audio with transcripts en-US")
        references = {
            name: {"self": one["self"]} for name, one in (("model1", model), ("model2", model), ("dataset", audio))
        }
        evaluation = eastus.ask("POST", "/evaluations", json={"displayName": "e", "locale": "en-US", **references})
        endpoint = eastus.ask("POST", "/endpoints", json={"displayName": "e", "locale": "en-US"})
        for one in (evaluation, endpoint):
            eastus.ask("GET", one["self"])

    named = {"Dataset": dataset, "Model": model, "Evaluation": evaluation, "Endpoint": endpoint}
    wanted = [
        (f"{kind}{what}", one["self"])
        for kind, one in named.items()
        for what in ("Creation", "Processing", "Completion")
    ]
    assert sorted(receiver.seen) == sorted([("Ping", hook["self"]), *wanted])


def test_web_hook_is_signed_with_its_secret(eastus: Resource) -> None:
    """The signature is Base64 of an HMAC-SHA256 of the body, or of a challenge's token."""
    with listening(agreeing) as listener:
        hook = eastus.ask("POST", "/webhooks", json=asked(listener.url, properties={"secret": SECRET}))
        assert eastus.send("POST", hook["links"]["ping"]).status_code == 202
        eastus.ask("PATCH", hook["self"], json={"properties": {"secret": ""}})
        eastus.ask("POST", hook["links"]["ping"])

    challenge, ping, unsigned = listener.heard
    token = parse_qs(urlsplit(challenge.path).query)["validationToken"][0]
    digest = hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).digest()
    assert challenge.headers["x-microsoftspeechservices-event"] == "Challenge"
    assert challenge.headers["x-microsoftspeechservices-signature"] == base64.b64encode(digest).decode()
    digest = hmac.new(SECRET.encode(), ping.body, hashlib.sha256).digest()
    assert ping.headers["x-microsoftspeechservices-signature"] == base64.b64encode(digest).decode()
    assert ping.headers["x-microsoftspeechservices-event"] == "Ping"
    assert "x-microsoftspeechservices-signature" not in unsigned.headers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, {}, b"something else"), "The web hook did not respond with the token of the challenge."),
        ((404, {}, b""), "The web hook responded with status 404."),
        ((302, {"Location": "/"}, b""), "The web hook responded with status 302."),
    ],
)
def test_web_hook_fails_when_its_address_does_not_take_the_challenge(
    eastus: Resource, answer: tuple[int, dict[str, str], bytes], reason: str
) -> None:
    """The web hook then receives no events."""
    with listening(lambda _: answer) as listener:
        hook = eastus.ask("POST", "/webhooks", json=asked(listener.url, "modelCreation"))
        eastus.model()

    hook = eastus.ask("GET", hook["self"])
    assert hook["status"] == "Failed"
    assert hook["properties"]["error"] == {"code": "InvalidCallbackUri", "message": reason}
    assert len(listener.heard) == 1


def test_web_hook_is_never_called_off_this_machine(eastus: Resource) -> None:
    """A host that is not allowed is not called, and the web hook contains the reason."""
    hook = eastus.ask("POST", "/webhooks", json=asked("https://contoso.com/call"))

    assert "only on loopback" in eastus.ask("GET", hook["self"])["properties"]["error"]["message"]


def test_web_hook_is_challenged_again_at_another_address(eastus: Resource) -> None:
    """The web hook is not ready before the challenge."""
    with listening(agreeing) as first, listening(agreeing) as second:
        hook = eastus.ask("POST", "/webhooks", json=asked(first.url, "modelCreation"))

        changed = eastus.ask("PATCH", hook["self"], json={"webUrl": second.url})

        assert changed["status"] == "NotStarted"
        assert eastus.ask("GET", hook["self"])["status"] == "Succeeded"
        eastus.model()
    assert (len(first.heard), len(second.heard)) == (1, 2)


def test_web_hook_is_tested_with_the_last_entity_of_each_event(eastus: Resource) -> None:
    """The response is 202 with a message for each event, or 204 without matching entities."""
    with listening(agreeing) as listener:
        hook = eastus.ask("POST", "/webhooks", json=asked(listener.url, "modelCompletion", "evaluationCompletion"))
        empty = eastus.ask("POST", "/webhooks", json=asked(listener.url, "evaluationCompletion"))
        listener.heard.clear()

        assert eastus.send("POST", hook["links"]["test"]).status_code == 202
        assert eastus.send("POST", empty["links"]["test"]).status_code == 204

    assert [one.headers["x-microsoftspeechservices-event"] for one in listener.heard] == ["ModelCompletion"]


def test_web_hook_is_notified_once_although_a_refusal_came_between(start: Callable[..., Service]) -> None:
    """Status changes that a failed request rolled back are applied and notified with the next request."""
    service = start(training="seconds:4")
    resource = service.resource()
    with listening(agreeing) as listener:
        resource.ask("POST", "/webhooks", json=asked(listener.url, "modelCompletion"))
        resource.ask("POST", "/models", json={"displayName": "x", "locale": "en-US"})
        service.app.state.emulator.state.store.put_data(*SETTINGS, "offset", b"60")
        assert resource.send("GET", "/models/none").status_code == 404
        resource.ask("GET", "/models")

    assert [one.headers["x-microsoftspeechservices-event"] for one in listener.heard[1:]] == ["ModelCompletion"]


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
    """No URL, no events, and unknown events."""
    assert eastus.refusal("POST", "/webhooks", json=body) == (400, code)


def test_web_hook_is_found_by_its_address_and_forgotten(eastus: Resource) -> None:
    """Web hooks can be listed with a filter and deleted."""
    hook = eastus.ask("POST", "/webhooks", json=asked("http://localhost:1/a"))

    found = eastus.ask("GET", "/webhooks", {"filter": "webUrl eq 'http://localhost:1/a'"})["values"]

    assert [id_of(one) for one in found] == [id_of(hook)]
    assert eastus.send("DELETE", hook["self"]).status_code == 204
    assert eastus.refusal("GET", hook["self"])[0] == 404
