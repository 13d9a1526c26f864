"""list_base_models …"""

import re

import pytest

from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio


async def test_list_base_models_lists_the_newest_first(call: Caller) -> None:
    """The newest base model is on the service's last page; a caller wants it on top."""
    found = await call("list_base_models", locale="en-US")

    created = [base["created"] for base in found["base_models"]]
    assert created == sorted(created, reverse=True)
    assert len(created) == found["total"]
    assert found["truncated"] is None


async def test_list_base_models_says_what_a_base_model_is_good_for(call: Caller) -> None:
    """Kinds, dates and charge are what one chooses by."""
    found = await call("list_base_models", locale="en-US", limit=1)

    [base] = found["base_models"]
    assert set(base) == {
        "id",
        "display_name",
        "locale",
        "created",
        "trains_with",
        "adaptation_until",
        "transcription_until",
        "training_is_charged",
    }
    assert found["truncated"] == f"1 of {found['total']}: narrow the filters or raise limit."


async def test_list_base_models_keeps_those_that_accept_all_the_kinds(call: Caller) -> None:
    """A base model that takes audio only does not serve a training with text."""
    found = await call("list_base_models", locale="en-US", train_with=["Acoustic", "Language"])

    assert found["base_models"]
    assert all({"Acoustic", "Language"} <= set(base["trains_with"]) for base in found["base_models"])


async def test_list_base_models_leaves_out_the_expired_unless_asked(call: Caller) -> None:
    """A base model past its adaptation date cannot be trained on."""
    open_ones = await call("list_base_models", locale="en-US", limit=100)
    all_of_them = await call("list_base_models", locale="en-US", limit=100, availability="all")

    assert open_ones["total"] < all_of_them["total"]


async def test_list_base_models_accepts_a_locale_in_any_case(call: Caller) -> None:
    """The service writes it en-US."""
    found = await call("list_base_models", locale="EN-us")

    assert {base["locale"] for base in found["base_models"]} == {"en-US"}


async def test_list_base_models_accepts_a_language(call: Caller) -> None:
    """`en` means every en-* locale."""
    found = await call("list_base_models", locale="EN", limit=100)

    assert {"en-US", "en-GB"} <= {base["locale"] for base in found["base_models"]}
    assert all(base["locale"].startswith("en-") for base in found["base_models"])


async def test_list_base_models_lists_all_resources(call: Caller) -> None:
    """`resource="*"`: each item names its resource."""
    found = await call("list_base_models", locale="en-US", resource="*", limit=100)

    assert {base["resource"] for base in found["base_models"]} == {
        "emulator-eastus",
        "emulator-westeurope",
        "emulator-brazilsouth",
    }
    assert (found["resource"], found["emulated"]) == ("*", True)


async def test_list_base_models_says_that_closed_ones_are_left_out(call: Caller) -> None:
    """And which argument lists them."""
    found = await call("list_base_models", locale="en-US")

    assert re.fullmatch(
        r"\d+ base model\(s\) closed for training are left out; availability=\"all\" lists them\.", found["note"]
    )


async def test_list_base_models_refuses_a_locale_that_is_not_offered_and_names_near_ones(call: Caller) -> None:
    """The error ends with locales that there are."""
    refusal = await call.refusal("list_base_models", locale="en-ZZ")

    assert rules_of(refusal) == ["locale-match"]
    assert "en-AU" in refusal


@pytest.mark.parametrize("locale", ["english", "en_US", "", "en-US'", "e", "en-USA!", "e1"])
async def test_list_base_models_refuses_what_is_no_locale(call: Caller, azure: Azure, locale: str) -> None:
    """Nothing is asked of the service for it."""
    refusal = await call.refusal("list_base_models", locale=locale)

    assert refusal.startswith("list_base_models was not run: invalid arguments.\n- locale: ")
    assert await azure.requests() == []


async def test_list_base_models_asks_the_service_once(call: Caller, azure: Azure) -> None:
    """One page costs one request."""
    await call("list_base_models", locale="en-US")

    assert await azure.operations() == ["Models_ListBaseModels"]


async def test_list_base_models_lists_the_oldest_first_when_asked_to(call: Caller) -> None:
    """The same rows in the opposite order."""
    newest = await call("list_base_models", locale="en-US", limit=100)
    oldest = await call("list_base_models", locale="en-US", limit=100, order="oldest")

    assert oldest["base_models"] == newest["base_models"][::-1]


async def test_list_base_models_leaves_out_what_trains_with_nothing(call: Caller) -> None:
    """It cannot be trained on, and is not counted as closed."""
    found = await call("list_base_models", locale="de-DE", limit=100)

    assert all(base["trains_with"] for base in found["base_models"])
