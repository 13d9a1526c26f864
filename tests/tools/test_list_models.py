"""list_models …"""

import pytest

from support.speech_service import Azure
from support.tool_client import Caller

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
