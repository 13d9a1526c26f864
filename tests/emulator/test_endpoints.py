"""Endpoints and their logs."""

from collections.abc import Callable
from typing import Any

import pytest

from custom_speech_emulator import account
from support.emulator_service import VERSIONS, Resource, Service, id_of


def asked(model: Any = None, **others: Any) -> dict[str, Any]:
    """A request to deploy a model."""
    reference = {"model": {"self": model["self"]}} if model else {}
    return {"displayName": "e", "locale": "en-US", **reference, **others}


@pytest.mark.parametrize("version", VERSIONS)
def test_endpoint_deploys_a_model(service: Service, version: str) -> None:
    """The links are those of the version."""
    resource = service.resource(version=version)

    created = resource.ask("POST", "/endpoints", json=asked(resource.model(), properties={"loggingEnabled": True}))

    endpoint = resource.ask("GET", created["self"])
    assert (created["status"], endpoint["status"]) == ("NotStarted", "Succeeded")
    assert endpoint["properties"]["loggingEnabled"] is True
    assert len(endpoint["links"]) == (7 if version == "v3.2" else 1)
    assert all(id_of(endpoint) in link for link in endpoint["links"].values())


def test_endpoint_deploys_the_newest_base_model_when_none_is_named(eastus: Resource) -> None:
    """The specification does not require a model."""
    assert "/models/base/" in eastus.ask("POST", "/endpoints", json=asked())["model"]["self"]


def test_endpoint_is_refused_for_what_cannot_be_deployed(eastus: Resource) -> None:
    """A Whisper base model, an unfinished model, and a model of another locale."""
    bases = eastus.ask("GET", "/models/base", {"filter": "locale eq 'en-US'"})["values"]
    whisper = next(model for model in bases if "Whisper" in model["displayName"])
    fresh = eastus.ask("POST", "/models", json={"displayName": "m", "locale": "en-US"})

    assert eastus.refusal("POST", "/endpoints", json=asked(whisper)) == (400, "ModelNotDeployable")
    assert eastus.refusal("POST", "/endpoints", json=asked(fresh)) == (400, "InvalidModel")
    assert eastus.refusal("POST", "/endpoints", json=asked(bases[-1], locale="de-DE")) == (400, "InvalidLocale")


def test_endpoint_takes_another_model_when_it_is_ready(start: Callable[..., Service]) -> None:
    """The change starts a new deployment and is rejected during a deployment."""
    resource = start(training="reads:1000000").resource()
    finish = resource.service.control
    model = resource.stocked("models", "finished model en-US")
    endpoint = resource.ask("POST", "/endpoints", json=asked())
    change = {"model": {"self": model["self"]}, "properties": {"contentLoggingEnabled": True}}
    assert resource.refusal("PATCH", endpoint["self"], json=change) == (409, "EndpointNotUpdatable")

    finish("POST", "finish")
    changed = resource.ask("PATCH", endpoint["self"], json=change)

    assert (changed["status"], changed["model"], changed["properties"]) == (
        "NotStarted",
        change["model"],
        {"loggingEnabled": True},
    )


def test_endpoint_lives_no_longer_than_was_asked(service: Service) -> None:
    """`timeToLive` of v3.2 is at most 31 days."""
    old = service.resource(version="v3.2")
    short = asked(properties={"timeToLive": "PT2H"})

    endpoint = old.ask("POST", "/endpoints", json=short)
    assert old.ask("GET", endpoint["self"])["properties"]["timeToLive"] == "PT2H"
    service.control("POST", "clock", {"advance": "PT3H"})

    assert old.refusal("GET", endpoint["self"])[0] == 404
    for life in ("P32D", "soon", "P"):
        refused = asked(properties={"timeToLive": life})
        assert old.refusal("POST", "/endpoints", json=refused) == (400, "InvalidTimeToLive")


def test_endpoint_is_one_and_lives_a_week_on_a_free_resource(start: Callable[..., Service]) -> None:
    """Tier F0 has a quota of one endpoint, which is deleted after seven days."""
    service = start(accounts=[account("westus", tier="F0")])
    free = service.resource("westus")
    endpoint = free.ask("POST", "/endpoints", json=asked())
    free.ask("GET", endpoint["self"])

    assert free.refusal("POST", "/endpoints", json=asked()) == (400, "QuotaViolation")
    service.control("POST", "clock", {"advance": "P8D"})
    assert free.ask("GET", "/endpoints")["values"] == []


def test_endpoint_has_the_logs_that_a_command_makes(service: Service) -> None:
    """In v3.2, logs can be listed by page, read, and deleted one by one, by day or all at once."""
    old = service.resource(version="v3.2")
    endpoint = old.ask("POST", "/endpoints", json=asked(properties={"loggingEnabled": True}))
    logs = endpoint["links"]["logs"]
    for _ in range(3):
        service.control("POST", "logs", {"account": "emulator-eastus", "endpoint": id_of(endpoint)})
        service.control("POST", "clock", {"advance": "P1D"})

    first = old.ask("GET", f"{logs}?top=4&sasValidityInSeconds=60")
    rest = old.ask("GET", first["@nextLink"])

    names = [log["name"] for log in (*first["values"], *rest["values"])]
    assert (len(set(names)), len(rest["values"]), "@nextLink" in rest) == (6, 2, False)
    assert old.ask("GET", rest["values"][0]["self"])["kind"] == "Audio"
    assert service.send("GET", rest["values"][0]["links"]["contentUrl"]).content.startswith(b"RIFF")
    assert old.send("DELETE", f"{logs}/{names[-1]}").status_code == 204
    assert old.refusal("GET", f"{logs}/{names[-1]}") == (404, "InvalidLogId")
    assert old.send("DELETE", f"{logs}?endDate={names[2][:10]}").status_code == 202
    assert [log["name"] for log in old.ask("GET", logs)["values"]] == names[4:5]
    assert old.send("DELETE", logs).status_code == 202
    assert old.ask("GET", logs)["values"] == []


def test_endpoint_says_when_there_can_be_no_logs(service: Service) -> None:
    """Disabled logging, an unsupported locale, an invalid day, and later versions."""
    old = service.resource(version="v3.2")
    logging = old.ask("POST", "/endpoints", json=asked(properties={"loggingEnabled": True}))["links"]["logs"]
    silent = old.ask("POST", "/endpoints", json=asked())["links"]["logs"]

    assert old.refusal("GET", silent) == (400, "EndpointWithoutLogging")
    assert old.refusal("DELETE", f"{logging}?endDate=soon") == (400, "InvalidLogDate")
    assert old.ask("GET", f"{logging}?skipToken=2!188!x")["values"] == []
    assert old.refusal("GET", f"{logging}?skipToken=") == (400, "InvalidSkipTokenForLogs")
    assert old.refusal("GET", f"{logging}?sasValidityInSeconds=-1") == (400, "InvalidSasValidityDuration")
    assert old.ask("GET", "/endpoints/base/en-US/files/logs")["values"] == []
    assert old.refusal("GET", "/endpoints/base/xx/files/logs") == (400, "InvalidLocale")
    service.control("POST", "logs", {"account": "emulator-eastus", "locale": "en-US"})
    assert len(old.ask("GET", "/endpoints/base/en-US/files/logs")["values"]) == 2
    for body in ({}, {"account": "emulator-eastus"}, {"account": "x", "locale": "en-US"}):
        assert service.send("POST", "http://localhost/_emulator/logs", json=body).status_code == 400


@pytest.mark.parametrize("word", ["loggingEnabled", "contentLoggingEnabled"])
def test_endpoint_logs_when_it_is_created_so(service: Service, word: str) -> None:
    """Logging is enabled by its own property or by the property of updates, which some clients send."""
    body = {"displayName": "logging", "locale": "en-US", "properties": {word: True}}

    endpoint = service.resource().ask("POST", "/endpoints", json=body)

    assert endpoint["properties"]["loggingEnabled"] is True
