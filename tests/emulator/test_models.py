"""Base models and custom models."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_speech_emulator import account
from support.emulator_service import VERSIONS, Resource, Service, id_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def body(resource: Resource, *datasets: str, **others: Any) -> dict[str, Any]:
    """A request to train with datasets of the seed data."""
    references = [{"self": resource.stocked("datasets", name)["self"]} for name in datasets]
    return {"displayName": "mine", "locale": "en-US", "datasets": references, **others}


def base(resource: Resource, name: str = "", locale: str = "en-US", last: bool = True) -> dict[str, str]:
    """A reference to the newest or oldest base model of a locale whose name contains a text."""
    found = resource.ask("GET", "/models/base", {"filter": f"locale eq '{locale}'"})["values"]
    return {"self": [model for model in found if name in model["displayName"]][-1 if last else 0]["self"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_model_is_trained_in_every_version(service: Service, version: str) -> None:
    """The 201 response has the URL and the status Running; the finished model has the same id."""
    resource = service.resource(version=version)

    response = resource.send("POST", "/models", json=body(resource, "plain text en-US"))

    model = response.json()
    assert (response.status_code, response.headers["location"], model["status"]) == (201, model["self"], "Running")
    finished = resource.ask("GET", model["self"])
    assert finished == {**model, "status": "Succeeded", "lastActionDateTime": finished["lastActionDateTime"]}


def test_model_takes_the_newest_open_base_model_when_none_is_named(eastus: Resource) -> None:
    """The same applies to null, which the training article sends."""
    newest = base(eastus)

    assert eastus.model()["baseModel"] == newest
    assert eastus.model(baseModel=None)["baseModel"] == newest


def test_model_can_be_used_two_years_after_the_quarter_of_its_creation(start: Callable[..., Service]) -> None:
    """Quarters close on 15 January, April, July and October."""
    model = start(now=lambda: NOW).resource().model()

    assert model["properties"]["deprecationDates"] == {"transcriptionDateTime": "2029-01-15T00:00:00Z"}


@pytest.mark.parametrize(
    ("names", "others", "code"),
    [
        (["plain text de-DE"], {}, "InvalidLocale"),
        (["import still running en-US"], {}, "FailedDataset"),
        (["import failed en-US"], {}, "FailedDataset"),
        (["plain text en-US", "plain text en-US"], {}, "InvalidDataset"),
        (["pronunciation en-US", "structured text en-US"], {}, "InvalidAdaptationMapping"),
        (["plain text en-US"], {"locale": "tlh"}, "InvalidLocale"),
        (["plain text en-US"], {"displayName": ""}, "InvalidPayload"),
        (["plain text en-US"], {"displayName": 5}, "InvalidPayload"),
        (["plain text en-US"], {"displayName": None}, "InvalidPayload"),
        (["plain text en-US"], {"colour": "red"}, "InvalidPayload"),
        (["plain text en-US"], {"text": "hello"}, "InvalidPayload"),
        (["plain text en-US"], {"properties": {"customModelWeightPercent": 101}}, "InvalidPayload"),
        (["plain text en-US"], {"properties": {"customModelWeightPercent": True}}, "InvalidPayload"),
        (["plain text en-US"], {"baseModel": "text"}, "InvalidPayload"),
        (
            ["plain text en-US"],
            {"baseModel": {"self": "http://localhost/speechtotext/models/base/x"}},
            "InvalidBaseModel",
        ),
        (["plain text en-US"], {"datasets": [{"self": "http://localhost/speechtotext/datasets/x"}]}, "InvalidDataset"),
    ],
)
def test_model_is_refused(eastus: Resource, names: list[str], others: dict[str, Any], code: str) -> None:
    """The response is 400 with a specific code, and no model is created."""
    before = eastus.ask("GET", "/models")

    assert eastus.refusal("POST", "/models", json=body(eastus, *names) | others) == (400, code)
    assert eastus.ask("GET", "/models") == before


def test_model_is_refused_on_a_base_model_of_another_locale_or_kind(eastus: Resource) -> None:
    """The base model must have the locale, be open, accept the data, and not be a custom model."""
    text = body(eastus, "plain text en-US")
    custom = {"self": eastus.model()["self"]}

    assert (
        eastus.refusal("POST", "/models", json=text | {"baseModel": base(eastus, locale="de-DE")})[1] == "InvalidLocale"
    )
    assert eastus.refusal("POST", "/models", json=text | {"baseModel": custom})[1] == "InvalidPayload"
    whisper = text | {"baseModel": base(eastus, "Whisper")}
    assert eastus.refusal("POST", "/models", json=whisper)[1] == "InvalidAdaptationMapping"


def test_model_is_refused_on_a_base_model_that_has_expired(eastus: Resource, service: Service) -> None:
    """The rejection starts when the clock has passed the date."""
    open_now = body(eastus, "plain text en-US", baseModel=base(eastus))
    assert eastus.send("POST", "/models", json=open_now).status_code == 201

    service.control("POST", "clock", {"advance": "P400D"})

    assert eastus.refusal("POST", "/models", json=open_now) == (400, "ModelDeprecated")


def test_model_is_refused_with_audio_where_that_cannot_be_trained(start: Callable[..., Service]) -> None:
    """In brazilsouth this is rejected, unless an option of the emulator allows it."""
    there = start().resource("brazilsouth")
    audio = body(there, "audio with transcripts en-US")
    assert there.refusal("POST", "/models", json=audio) == (400, "InvalidAdaptationMapping")

    allowed = start(audio_training_elsewhere=True).resource("brazilsouth")
    assert allowed.send("POST", "/models", json=audio).status_code == 201


def test_model_is_connected_and_disconnected_by_a_patch(eastus: Resource) -> None:
    """The project must have the same locale."""
    model = eastus.model()
    project, german = eastus.stocked("projects", "en-US"), eastus.stocked("projects", "de-DE")
    connect = {"project": {"self": project["self"]}}

    assert eastus.ask("PATCH", model["self"], json=connect) == {**model, **connect}
    assert eastus.refusal("PATCH", model["self"], json={"project": {"self": german["self"]}}) == (400, "InvalidLocale")
    assert eastus.ask("PATCH", model["self"], json={"project": None}) == model


def test_model_cannot_change_what_it_was_trained_from(eastus: Resource) -> None:
    """Locale, base model and datasets cannot be changed."""
    model = eastus.model()

    for name in ("locale", "baseModel", "datasets", "properties", "status"):
        assert eastus.refusal("PATCH", model["self"], json={name: model[name]}) == (400, "InvalidPayload")


def test_model_is_deleted_when_it_has_ended_and_is_not_used(start: Callable[..., Service]) -> None:
    """The response is 409 while the model is running or deployed, and then 204, also when repeated."""
    resource = start(training="reads:2").resource()
    model = resource.ask("POST", "/models", json=body(resource, "plain text en-US"))
    assert resource.refusal("DELETE", model["self"]) == (409, "DeleteNotAllowed")
    for _ in range(2):
        resource.ask("GET", model["self"])
    deployed = {"displayName": "e", "locale": "en-US", "model": {"self": model["self"]}}
    endpoint = resource.ask("POST", "/endpoints", json=deployed)
    assert resource.refusal("DELETE", model["self"]) == (409, "InUseViolation")

    for _ in range(2):
        resource.ask("GET", endpoint["self"])
    resource.ask("DELETE", endpoint["self"])

    assert [resource.send("DELETE", model["self"]).status_code for _ in range(2)] == [204, 204]
    assert resource.refusal("GET", model["self"]) == (404, "NotFound")


def test_model_can_be_trained_with_plain_text_of_the_request_in_v3_2(service: Service) -> None:
    """v3.2 has `text` instead of datasets; later versions do not have this property."""
    old = service.resource(version="v3.2")

    model = old.ask("POST", "/models", json={"displayName": "x", "locale": "en-US", "text": "blue gateway"})

    assert model["text"] == "blue gateway"
    assert "text" not in service.resource().ask("GET", f"/models/{id_of(model)}")


def test_model_is_refused_with_more_text_than_the_tier_allows(start: Callable[..., Service]) -> None:
    """The limit is 500 KB, and 200 KB on tier F0."""
    service = start(accounts=[account("eastus"), account("westus", tier="F0")])
    asked = {"displayName": "x", "locale": "en-US", "text": "x" * 300_000}

    assert service.resource("eastus", "v3.2").send("POST", "/models", json=asked).status_code == 201
    assert service.resource("westus", "v3.2").refusal("POST", "/models", json=asked) == (400, "QuotaViolation")


def test_model_has_a_report_and_a_manifest(eastus: Resource) -> None:
    """Files have signed URLs; the request for a manifest contains their lifetime."""
    model = eastus.model()

    files = eastus.ask("GET", model["links"]["files"])["values"]
    manifest = eastus.ask("GET", model["links"]["manifest"] + "&sasLifetimeMinutes=5")

    assert [file["kind"] for file in files] == ["ModelReport"]
    assert eastus.service.send("GET", files[0]["links"]["contentUrl"]).json()["simulated"] is True
    assert eastus.service.send("GET", manifest["modelFiles"][0]["contentUrl"]).status_code == 200
    assert eastus.refusal("GET", model["links"]["manifest"])[0] == 400
