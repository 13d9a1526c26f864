"""Accounts, which are selected by their keys."""

from collections.abc import Callable

import pytest

from custom_speech_emulator import account
from support.emulator_service import Service

MODELS = "speechtotext/models?api-version=2025-10-15"


@pytest.mark.parametrize(
    "base",
    ["http://eastus.localhost:8765", "http://127.0.0.1:8765/eastus", "https://eastus.api.cognitive.microsoft.com"],
)
def test_account_opens_its_own_region_however_that_is_named(service: Service, base: str) -> None:
    """The region is the first label of the host or the first segment of the path."""
    response = service.send("GET", f"{base}/{MODELS}", headers={"Ocp-Apim-Subscription-Key": "emulator-eastus-key"})

    assert response.status_code == 200
    assert response.json()["values"][0]["self"].startswith(f"{base}/speechtotext/models/")


@pytest.mark.parametrize(
    ("base", "key"),
    [
        ("http://westeurope.localhost", "emulator-eastus-key"),
        ("http://127.0.0.1:8765/westeurope", "emulator-eastus-key"),
        ("http://nowhere.localhost", "emulator-eastus-key"),
        ("http://localhost", "no-such-key"),
        ("http://localhost", ""),
    ],
)
def test_account_opens_nothing_else(service: Service, base: str, key: str) -> None:
    """An unknown key, no key, and a key of another region than that of the URL."""
    response = service.send("GET", f"{base}/{MODELS}", headers={"Ocp-Apim-Subscription-Key": key})

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "401"


def test_account_can_be_added(start: Callable[..., Service]) -> None:
    """The quota of tier F0 is too small for the datasets of the seed data."""
    resource = start(accounts=[account("westus", tier="F0")]).resource("westus")

    assert resource.ask("GET", "/datasets")["values"] == []
    assert len(resource.ask("GET", "/projects")["values"]) == 3


def test_account_sees_only_what_is_its_own(service: Service) -> None:
    model = service.resource("westeurope").stocked("models", "finished model en-US")

    stranger = service.resource("eastus")

    assert stranger.refusal("GET", "/models/" + model["self"].split("/models/")[1].partition("?")[0])[0] == 404
