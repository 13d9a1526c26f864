"""The requests in the article “Train a custom speech model”, sent as printed."""

import json

from support.emulator_service import Resource, Service, id_of

KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key", "Content-Type": "application/json"}
BASE = "http://127.0.0.1:8765/eastus/speechtotext/v3.2"


def trained(service: Service, old: Resource) -> dict[str, object]:
    """The model of the article's first request."""
    project, dataset = old.stocked("projects", "en-US"), old.stocked("datasets", "plain text en-US")
    body = {
        "project": {"self": f"{BASE}/projects/{id_of(project)}"},
        "displayName": "My Model",
        "description": "My Model Description",
        "baseModel": None,
        "datasets": [{"self": f"{BASE}/datasets/{id_of(dataset)}"}],
        "locale": "en-US",
    }
    response = service.send("POST", f"{BASE}/models", content=json.dumps(body), headers=KEY)
    assert response.status_code == 201
    return dict(response.json())


def test_article_requests_create_a_model(service: Service) -> None:
    """With `"baseModel": null`, the default base model is used and returned."""
    model = trained(service, service.resource(version="v3.2"))

    assert str(model["self"]).startswith(f"{BASE}/models/")
    assert "baseModel" in model


def test_article_requests_copy_and_connect_it(service: Service) -> None:
    """The model is copied with the target's key and then connected to a project by a patch."""
    old, target = service.resource(version="v3.2"), service.resource("westeurope", "v3.2")
    model = trained(service, old)
    old.ask("GET", f"/models/{id_of(model)}")

    body = json.dumps({"targetSubscriptionKey": target.key})
    copy = service.send("POST", f"{model['self']}:copy", content=body, headers=KEY)
    service.violations.clear()  # the article's body and answer are in no specification
    assert copy.status_code == 201
    project = target.stocked("projects", "en-US")
    connected = target.ask("PATCH", f"/models/{id_of(copy.json())}", json={"project": {"self": project["self"]}})

    assert connected["project"] == {"self": project["self"]}
