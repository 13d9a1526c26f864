"""The requests of the article `Train a custom speech model`, as somebody would type them, against the emulator."""

import pytest

from azure import Azure
from caller import Caller

pytestmark = pytest.mark.anyio

V3 = "/speechtotext/v3.2"
HERE = f"http://eastus.localhost{V3}"


async def created(azure: Azure, call: Caller) -> str:
    """The id of a model that was created with the article's body."""
    project, data = (
        await call.id_of("projects", "Contoso en-US"),
        await call.id_of("datasets", "Contoso plain text en-US"),
    )
    body = {
        "project": {"self": f"{HERE}/projects/{project}"},
        "displayName": "My Model",
        "description": "My Model Description",
        "baseModel": None,
        "datasets": [{"self": f"{HERE}/datasets/{data}"}],
        "locale": "en-US",
    }
    answer = await azure.ask("POST", f"{V3}/models", body, query="")
    assert answer.status_code == 201
    model = answer.json()
    assert model["status"] in ("NotStarted", "Running")
    assert model["baseModel"]["self"].startswith(f"{HERE}/models/base/")
    assert answer.headers["Location"] == model["self"]
    return str(model["self"].rpartition("/")[2])


async def test_a_model_is_created_with_base_model_null(azure: Azure, call: Caller) -> None:
    """The service chooses its default."""
    model = await created(azure, call)

    assert (await call("get_model", model=model, wait_seconds=45))["status"] == "Succeeded"
    azure.violations.clear()  # the published specification has no null there


async def test_a_model_is_copied_with_the_targets_key(azure: Azure, call: Caller) -> None:
    """The form that the article shows for v3.2 and that no published specification has."""
    model = await created(azure, call)
    await call("get_model", model=model, wait_seconds=45)

    answer = await azure.ask(
        "POST", f"{V3}/models/{model}:copy", {"targetSubscriptionKey": "emulator-westeurope-key"}, query=""
    )

    assert answer.json()["displayName"] == "My Model"
    there = await call("list_models", display_name="My Model", resource="emulator-westeurope")
    assert there["total"] == 1
    azure.violations.clear()  # nor the article's form


async def test_a_model_is_connected_by_patch(azure: Azure, call: Caller) -> None:
    """On the model itself; the article forgets its id."""
    project, model = await call.id_of("projects", "Contoso en-US"), await created(azure, call)

    answer = await azure.ask(
        "PATCH", f"{V3}/models/{model}", {"project": {"self": f"{HERE}/projects/{project}"}}, query=""
    )

    assert answer.status_code == 200
    assert answer.json()["project"]["self"] == f"{HERE}/projects/{project}"
    azure.violations.clear()  # because of the null
