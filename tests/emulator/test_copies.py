"""Copies of models."""

from typing import Any

import pytest

from support.emulator_service import VERSIONS, Resource, Service, resource_id


@pytest.fixture(params=VERSIONS)
def both(request: pytest.FixtureRequest, service: Service) -> tuple[Resource, Resource]:
    """The source and the target account in one version."""
    return service.resource("eastus", request.param), service.resource("westeurope", request.param)


def authorized(target: Resource, source: str = "eastus") -> Any:
    """An authorization to copy from a region to a target."""
    return target.ask("POST", "/models:authorizecopy", json={"sourceResourceId": resource_id(source)})


def test_copy_arrives_on_the_target(both: tuple[Resource, Resource]) -> None:
    """The copy is authorized on the target, started on the source, polled as an operation, and read on the target."""
    source, target = both
    model = source.model(description="d", customProperties={"k": "v"})

    response = source.send("POST", model["links"]["copy"], json=authorized(target))

    assert response.status_code == 202
    assert response.headers["operation-location"] == response.json()["self"]
    assert response.headers["retry-after"] == "1"
    ended = source.ask("GET", response.json()["self"])
    assert ended["status"] == "Succeeded"
    copy = target.ask("GET", ended["result"]["link"])
    assert copy["self"] == ended["result"]["link"]
    kept = ("displayName", "description", "locale", "customProperties", "status")
    assert [copy[name] for name in kept] == [model[name] for name in kept]
    assert "datasets" not in copy
    assert target.send("GET", copy["baseModel"]["self"]).status_code == 200


def test_copy_is_found_whatever_the_case_of_its_id(eastus: Resource, service: Service) -> None:
    """The published examples contain both spellings."""
    operation = eastus.ask("POST", eastus.model()["links"]["copy"], json=authorized(service.resource("westeurope")))

    assert eastus.ask("GET", f"/operations/models/copy/{operation['id'].upper()}")["id"] == operation["id"]


def test_copy_needs_an_authorization_that_holds(eastus: Resource, service: Service) -> None:
    """An authorization that is expired, used, for another source, or unknown."""
    target = service.resource("westeurope")
    link = eastus.model()["links"]["copy"]

    used = authorized(target)
    eastus.ask("POST", link, json=used)
    assert eastus.refusal("POST", link, json=used) == (400, "InvalidPayload")
    foreign = authorized(target, "brazilsouth")
    assert eastus.refusal("POST", link, json=foreign) == (400, "InvalidSourceAzureResourceId")
    made_up = authorized(target) | {"id": "d61573c6-788b-4eff-b3f5-38a1c7a9585b"}
    assert eastus.refusal("POST", link, json=made_up) == (400, "InvalidPayload")
    other_target = authorized(target) | {"targetResourceId": resource_id("brazilsouth")}
    assert eastus.refusal("POST", link, json=other_target) == (400, "InvalidPayload")
    late = authorized(target)
    service.control("POST", "clock", {"advance": "P1D"})
    assert eastus.refusal("POST", link, json=late) == (400, "ModelCopyAuthorizationExpired")


def test_copy_is_authorized_only_for_a_resource_that_exists(eastus: Resource) -> None:
    """The source is identified by its Azure Resource Manager id."""
    body = {"sourceResourceId": "/subscriptions/x"}

    assert eastus.refusal("POST", "/models:authorizecopy", json=body) == (400, "InvalidSourceAzureResourceId")


def test_copy_is_refused_of_a_model_that_is_not_ready(service: Service) -> None:
    """A running model, and a model after its transcription date."""
    source, target = service.resource(), service.resource("westeurope")
    fresh = source.ask("POST", "/models", json={"displayName": "x", "locale": "en-US"})
    assert source.refusal("POST", fresh["links"]["copy"], json=authorized(target)) == (400, "InvalidModel")

    model = source.model()
    service.control("POST", "clock", {"advance": "P1200D"})

    assert source.refusal("POST", model["links"]["copy"], json=authorized(target)) == (400, "ModelDeprecated")


def test_copy_takes_the_key_of_the_target_in_v3_2_as_the_training_article_shows(service: Service) -> None:
    """The response contains the model on the target; later versions reject the body."""
    source, target = service.resource(version="v3.2"), service.resource("westeurope", "v3.2")
    link = source.model()["links"]["copy"]

    response = source.send("POST", link, json={"targetSubscriptionKey": target.key})

    assert response.status_code == 201
    assert target.ask("GET", response.json()["self"])["status"] == "Succeeded"
    assert source.refusal("POST", link, json={"targetSubscriptionKey": "x"}) == (400, "InvalidSubscription")
    link = service.resource().model()["links"]["copy"]
    assert service.resource().refusal("POST", link, json={"targetSubscriptionKey": "x"}) == (400, "InvalidPayload")
    service.violations.clear()  # the article's body and answer are in no specification
