"""list_models …"""

import pytest

from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

STOCK = "Contoso finished model en-US"


async def test_list_models_lists_what_was_trained(call: Caller) -> None:
    """Each model with id, status and end of life."""
    found = await call("list_models")

    assert [model["display_name"] for model in found["models"]] == [STOCK]
    assert found["total"] == 1


async def test_list_models_filters_by_locale_status_and_name(call: Caller) -> None:
    """The service filters, so that other models cost nothing."""
    assert (await call("list_models", locale="en-US", status="Succeeded", display_name=STOCK))["total"] == 1
    assert (await call("list_models", locale="de-DE"))["total"] == 0
    assert (await call("list_models", status="Failed"))["total"] == 0
    assert (await call("list_models", display_name=STOCK[:-1]))["total"] == 0


@pytest.mark.parametrize(
    "name", ["O'Brien's calls", "A&B = C", "#1 100%", "Grüße aus Köln", "会議の書き起こし", "a' or 'a' eq 'a", "+ /?"]
)
async def test_list_models_finds_a_name_with_any_sign(call: Caller, azure: Azure, name: str) -> None:
    """Quotes, ampersands, percent signs, umlauts and CJK arrive as they are."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    made = await call("create_model", display_name=name, locale="en-US", datasets=[data])

    found = await call("list_models", display_name=name)

    assert [model["id"] for model in found["models"]] == [made["id"]]


async def test_list_models_says_when_it_shows_only_some(call: Caller) -> None:
    """`truncated` tells how to narrow."""
    for number in range(3):
        data = await call.id_of("datasets", "Contoso plain text en-US")
        await call("create_model", display_name=f"Model {number}", locale="en-US", datasets=[data])

    found = await call("list_models", limit=2)

    assert [model["display_name"] for model in found["models"]] == ["Model 2", "Model 1"]
    assert (found["total"], found["truncated"]) == (4, "2 of 4: narrow the filters or raise limit.")


async def test_list_models_shows_project_base_model_and_whether_it_is_a_copy(call: Caller) -> None:
    """Names and ids, without another call."""
    [row] = (await call("list_models"))["models"]
    model = await call("get_model", model=STOCK)

    assert row == {
        name: model[name]
        for name in (
            "id",
            "display_name",
            "locale",
            "status",
            "created",
            "transcription_until",
            "base_model",
            "project",
        )
    } | {"is_copy": False}


@pytest.mark.parametrize("tool", ["models", "datasets", "evaluations", "endpoints"])
async def test_lists_keep_what_is_in_a_project(call: Caller, tool: str) -> None:
    """By name or id, on one resource or all; a project that does not exist is refused."""
    project = await call.id_of("projects", "Contoso en-US")
    audio = "Contoso audio with transcripts en-US"
    await call("create_evaluation", model=STOCK, dataset=audio, project=project)
    await call("deploy_model", model=STOCK, display_name="Live", project=project)
    await call("create_project", display_name="Empty", locale="en-US")

    kept = await call(f"list_{tool}", project=project)

    assert kept[tool]
    assert (await call(f"list_{tool}", project="Contoso en-US"))[tool] == kept[tool]
    assert (await call(f"list_{tool}", project="Empty", resource="*"))[tool] == []
    assert rules_of(await call.refusal(f"list_{tool}", project="Nothing", resource="*")) == ["reference-found"] * 3


async def test_list_models_leaves_nulls_out_of_a_long_list(call: Caller) -> None:
    """More than twenty rows; a short list has them."""
    for number in range(20):
        data = {"locale": "en-US", "datasets": ["Contoso plain text en-US"]}
        await call("create_model", display_name=f"Model {number}", **data)

    long, short = await call("list_models", limit=50), await call("list_models", limit=2)

    assert None in short["models"][0].values()
    assert not any(None in row.values() for row in long["models"])
    assert long["models"][0]["id"] == short["models"][0]["id"]
