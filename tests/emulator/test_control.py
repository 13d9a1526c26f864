"""The control routes."""

from collections.abc import Callable
from unittest.mock import ANY

import pytest

from support.emulator_service import Service


def test_control_routes_say_what_is_here(service: Service) -> None:
    here = service.control("GET", "")

    assert here["accounts"][0]["key"] == "emulator-eastus-key"
    assert "/_emulator/requests" in here["routes"]


def test_control_routes_tell_what_arrived_with_keys_masked(service: Service) -> None:
    """An entry contains method, path, query, account, operation, version, status and body."""
    resource = service.resource()
    resource.send("POST", "/models", json={"displayName": "x", "locale": "en-US"})
    resource.send("POST", "/models/x:copy", json={"targetSubscriptionKey": "hidden"})
    resource.send("GET", "/nowhere", {"a": "1"})

    first, second, third = service.control("GET", "requests")

    assert (first["n"], first["method"], first["operation"], first["status"]) == (1, "POST", "Models_Create", 201)
    assert (first["account"], first["api_version"]) == ("emulator-eastus", "2025-10-15")
    assert first["body"] == {"displayName": "x", "locale": "en-US"}
    assert first["headers"]["ocp-apim-subscription-key"] == "***"
    assert second["body"] == {"targetSubscriptionKey": "***"}
    assert (third["operation"], third["status"]) == (None, 404)


def test_control_routes_forget_what_arrived(service: Service) -> None:
    """Requests to control routes are not logged."""
    service.resource().send("GET", "/models")

    service.control("DELETE", "requests")

    assert service.control("GET", "requests") == []


def test_control_routes_start_afresh(service: Service) -> None:
    """The seed data and the clock are restored."""
    resource = service.resource()
    before = resource.ask("GET", "/models/base")
    resource.ask("DELETE", resource.stocked("projects", "en-US")["self"])
    service.control("POST", "clock", {"advance": "P400D"})

    service.control("POST", "reset")

    assert resource.stocked("projects", "en-US")
    assert service.control("GET", "clock")["offset_seconds"] == 0
    assert resource.ask("GET", "/models/base") == before


@pytest.mark.parametrize(
    "host", ["attacker.example", "eastus.api.cognitive.microsoft.com", "localhost.attacker.example"]
)
def test_control_routes_answer_only_on_loopback_names(service: Service, host: str) -> None:
    """A web page cannot reach the control routes under its own host name (DNS rebinding)."""
    assert service.send("GET", f"http://{host}/_emulator/requests").status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("https://evil.com", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://localhost.evil.com", 403),
    ],
)
def test_control_routes_no_foreign_web_page_is_answered(service: Service, origin: str, status: int) -> None:
    """A browser sends the origin of the page, also to this machine."""
    reset = service.send("POST", "http://localhost/_emulator/reset", headers={"Origin": origin})

    assert reset.status_code == status


def test_control_routes_refuse_what_is_not_there(service: Service) -> None:
    """The errors for unknown routes and methods have the format of the service."""
    assert service.send("GET", "http://localhost/_emulator/nothing").status_code == 404
    assert service.send("PUT", "http://localhost/_emulator/clock").headers["allow"] == "GET, POST"
    nobody = {"id": "00000000-0000-0000-0000-000000000000"}
    assert service.send("POST", "http://localhost/_emulator/finish", json=nobody).status_code == 404
    assert service.send("POST", "http://localhost/_emulator/finish", json={"status": "Maybe"}).status_code == 400


def test_control_routes_hold_the_request_rate_when_that_is_wanted(start: Callable[..., Service]) -> None:
    """The limit is 100 requests in 10 seconds of the emulator's clock for each account; it is off by default."""
    service = start(rate_limit=True)
    eastus, westeurope = service.resource(), service.resource("westeurope")

    answers = [eastus.send("GET", "/models/locales") for _ in range(101)]

    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    seconds = answers[-1].headers["retry-after"]
    assert 1 <= int(seconds) <= 10
    assert answers[-1].json() == {"error": {"code": "429", "message": ANY}}
    assert f"{seconds} seconds" in answers[-1].json()["error"]["message"]
    assert westeurope.send("GET", "/models/locales").status_code == 200
    service.control("POST", "clock", {"advance_seconds": 11})
    assert eastus.send("GET", "/models/locales").status_code == 200


def test_control_routes_are_not_alone_in_mistrusting_foreign_names(service: Service) -> None:
    """A caller that uses an untrusted host name cannot make the emulator read files or call URLs."""
    key = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
    base = "http://attacker.example/speechtotext/v3.2"
    dataset = {"displayName": "x", "locale": "en-US", "kind": "Language", "contentUrl": "file:///etc/hosts"}
    hook = {"displayName": "x", "webUrl": "http://localhost:1/", "events": {"ping": True}}

    assert service.send("POST", f"{base}/datasets", json=dataset, headers=key).status_code == 403
    assert service.send("POST", f"{base}/webhooks", json=hook, headers=key).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "speech.test"])
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("file:///etc/hosts", 403),
        ("file://127.0.0.1/etc/hosts", 403),
        ("http://localhost:1/", 403),
        ("http://[", 403),
        ("http://127.0.0.1:1/", 201),
    ],
)
def test_control_routes_are_not_alone_in_mistrusting_other_machines(
    start: Callable[..., Service], host: str, url: str, status: int
) -> None:
    """If other machines can reach the emulator, it reads and calls only allowed hosts."""
    service = start(allow_hosts=["speech.test"], allow_content_hosts=["127.0.0.1"])
    key = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
    base = f"http://{host}/speechtotext/v3.2"
    dataset = {"displayName": "x", "locale": "en-US", "kind": "Language", "contentUrl": url}
    hook = {"displayName": "x", "webUrl": url, "events": {"ping": True}}

    assert service.send("POST", f"{base}/datasets", json=dataset, headers=key).status_code == status
    assert service.send("POST", f"{base}/webhooks", json=hook, headers=key).status_code == status
