"""plan_model …"""

import re
from typing import Any

import pytest

from conftest import Connect
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

TEXT, AUDIO = "Contoso plain text en-US", "Contoso audio with transcripts en-US"
FREE = "20230614"


def rules(plan: dict[str, Any], level: str = "block") -> list[str]:
    """The rules of a level that the plan names."""
    return [finding["rule"] for finding in plan["findings"] if finding["level"] == level]


async def test_plan_model_finds_nothing_against_a_good_request(call: Caller) -> None:
    """A free base model, data of one locale, a region with hardware."""
    plan = await call("plan_model", display_name="Calls", locale="en-US", datasets=[TEXT, AUDIO], base_model=FREE)

    base = plan["base_model"].pop("id")
    assert plan == {
        "resource": "emulator-eastus",
        "region": "eastus",
        "emulated": True,
        "ok": True,
        "findings": [],
        "base_model": {"display_name": FREE},
        "audio_hours": 2.4,
        "estimated_training_days": 0.0,
        "training_is_charged": False,
        "uncharged_alternative": None,
        "confirm": None,
        "next_steps": ["Call create_model with the same arguments."],
    }
    assert base


async def test_plan_model_changes_nothing_and_costs_one_round_trip(call: Caller, azure: Azure) -> None:
    """Whatever the number of parts, the facts are fetched side by side, and none is written."""
    await call("plan_model", display_name="Calls", locale="en-US", datasets=[TEXT, AUDIO], project="Contoso en-US")

    assert sorted(await azure.operations()) == [
        "Datasets_List",
        "Datasets_List",
        "Models_ListBaseModels",
        "Models_ListCustomModels",
        "Projects_List",
    ]


async def test_plan_model_says_everything_at_once(call: Caller) -> None:
    """Five mistakes, five findings."""
    plan = await call(
        "plan_model",
        display_name="Calls",
        locale="en-US",
        datasets=[AUDIO, "Contoso plain text de-DE", "Contoso import failed en-US", "No such dataset"],
        project="Contoso fr-FR",
        resource="emulator-brazilsouth",
    )

    assert not plan["ok"]
    assert rules(plan) == ["reference-found", "locale-match", "locale-match", "region-trains-audio", "dataset-ready"]
    assert all(finding["message"] and finding["fix"] for finding in plan["findings"])


async def test_plan_model_names_the_newest_base_model_that_fits_when_none_is_asked_for(call: Caller) -> None:
    """The service chooses; the plan says what it can choose."""
    newest = await call("list_base_models", locale="en-US", train_with=["Language"], limit=1)

    plan = await call("plan_model", display_name="Calls", locale="en-US", datasets=[TEXT])

    assert plan["base_model"]["id"] == newest["base_models"][0]["id"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"datasets": ["Contoso plain text de-DE"]}, ["locale-match"]),
        ({"project": "Contoso de-DE"}, ["locale-match"]),
        ({"datasets": [AUDIO], "resource": "emulator-brazilsouth"}, ["region-trains-audio"]),
        ({"datasets": ["Contoso audio en-US"], "resource": "emulator-brazilsouth"}, ["region-trains-audio"]),
        ({"base_model": "20260322 Whisper Large V2"}, ["base-model-accepts-data"]),
        ({"base_model": "20240316"}, ["base-model-open"]),
        ({"datasets": ["Contoso import still running en-US"]}, ["dataset-ready"]),
        ({"datasets": ["Contoso import failed en-US"]}, ["dataset-ready"]),
        ({"datasets": [TEXT, TEXT]}, ["dataset-combination"]),
        ({"datasets": ["Contoso pronunciation en-US", "Contoso structured text en-US"]}, ["dataset-combination"]),
        ({"locale": "en-ZZ"}, ["locale-match", "locale-match"]),
        ({"project": "No such project"}, ["reference-found"]),
        ({"base_model": "19990101"}, ["reference-found"]),
        ({"datasets": ["00000000-0000-4000-8000-000000000000"]}, ["reference-found"]),
        (
            {"project": "https://evil.example/speechtotext/projects/00000000-0000-4000-8000-000000000000"},
            ["same-resource"],
        ),
    ],
)
async def test_plan_model_applies_each_rule(call: Caller, arguments: dict[str, Any], expected: list[str]) -> None:
    """One mistake, one finding."""
    request = {"display_name": "Calls", "locale": "en-US", "datasets": [TEXT]} | arguments

    plan = await call("plan_model", **request)

    assert rules(plan) == expected
    assert not plan["ok"]


async def test_plan_model_names_calls_that_can_be_made_as_they_stand(call: Caller) -> None:
    """The mend of a name that leads nowhere lists what there is: of the locale, on the resource."""
    wrong = {"datasets": ["Nothing"], "base_model": "Nothing", "resource": "emulator-westeurope"}
    plan = await call("plan_model", display_name="Calls", locale="en-US", **wrong)

    of_all = '(locale="en-US", resource="emulator-westeurope") lists what exists; an id belongs to one resource only.'
    assert [finding["fix"] for finding in plan["findings"]] == [f"list_base_models{of_all}", f"list_datasets{of_all}"]


async def test_plan_model_says_how_a_region_without_hardware_is_served(call: Caller) -> None:
    """The fix names a configured resource that trains with audio, and the copy afterwards."""
    plan = await call(
        "plan_model", display_name="Calls", locale="en-US", datasets=[AUDIO], resource="emulator-brazilsouth"
    )

    [finding] = plan["findings"]
    assert finding["fix"] == (
        'Train on emulator-eastus (has "Contoso audio with transcripts en-US") or '
        'emulator-westeurope (has "Contoso audio with transcripts en-US"), with datasets of that resource, '
        'then copy_model with to_resource="emulator-brazilsouth". Or use text.'
    )


async def test_plan_model_accepts_a_locale_in_any_case(call: Caller) -> None:
    """The service writes it en-US, and so does the request."""
    plan = await call("plan_model", display_name="Calls", locale="EN-us", datasets=[TEXT], base_model=FREE)

    assert plan["ok"]
    assert plan["findings"] == []


async def test_plan_model_says_when_training_is_charged(connect: Connect) -> None:
    """A client that cannot ask its user gets a token to pass on after a yes."""
    async with connect() as call:
        plan = await call("plan_model", display_name="Calls", locale="en-US", datasets=[TEXT])

    assert rules(plan, "confirm") == ["training-is-charged"]
    assert (plan["ok"], plan["training_is_charged"]) == (True, True)
    assert plan["confirm"]


async def test_plan_model_says_how_much_older_the_base_model_without_a_charge_is(connect: Connect) -> None:
    """Unless the newest one was asked for explicitly."""
    async with connect() as call:
        plan = await call("plan_model", locale="en-US", datasets=[TEXT])
        newest, free = plan["base_model"], plan["uncharged_alternative"]
        explicit = await call("plan_model", locale="en-US", datasets=[TEXT], base_model=newest["id"])
        dates = {one["id"]: one["created"] for one in (await call("list_base_models", locale="en-US"))["base_models"]}

    [finding] = plan["findings"]
    assert re.fullmatch(
        rf'Your user must agree first\. Base model "{FREE}" \({free["id"]}\) of {dates[free["id"]]} takes the data '
        r"without a charge; it is \d+\.\d years older than the charged one, which usually recognizes better\.",
        finding["fix"],
    )
    assert [one["fix"] for one in explicit["findings"]] == ["Your user must agree first."]


async def test_plan_model_finds_the_model_that_the_request_made_already(call: Caller) -> None:
    """Stop, not an error: there is nothing to do."""
    request = {"display_name": "Calls", "locale": "en-US", "datasets": [TEXT]}
    made = await call("create_model", **request)

    plan = await call("plan_model", **request)

    assert rules(plan, "stop") == ["already-exists"]
    assert plan["next_steps"] == [f'get_model(model="{made["id"]}", resource="emulator-eastus")']


async def test_plan_model_says_when_the_name_belongs_to_another_request(call: Caller) -> None:
    """A warning: the name is taken, the model is another."""
    await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT])

    plan = await call("plan_model", display_name="Calls", locale="en-US", datasets=[AUDIO])

    assert "already-exists" in rules(plan, "warn")
    assert plan["ok"]


async def test_plan_model_has_no_projects_in_2024_11_15(connect: Connect) -> None:
    """The version is named, and what to do instead."""
    async with connect(version="2024-11-15", confirm="never") as call:
        plan = await call("plan_model", display_name="C", locale="en-US", datasets=[TEXT], project="Contoso en-US")

    assert rules(plan) == ["project-supported"]


@pytest.mark.parametrize(
    ("kind", "lines", "charged", "said"),
    [
        ("Language", 7, True, ["7 lines of text is far less than recommended: 1 h of audio with transcripts, or 1 MB"]),
        ("Language", 7, False, []),
        ("Language", 1000, True, []),
        ("Pronunciation", 7, True, []),
    ],
)
async def test_plan_model_warns_of_far_too_little_data_for_a_charged_training(
    call: Caller, kind: str, lines: int, charged: bool, said: list[str]
) -> None:
    """Before the question about the charge; what costs nothing may be tried."""
    text = [f"hello number {number}" if kind == "Language" else f"word{number}\tw er d" for number in range(lines)]
    made = {"display_name": "Terms", "locale": "en-US", "kind": kind, "lines": text, "wait_seconds": 9}
    data = await call("upload_dataset", **made)
    bases = (await call("list_base_models", locale="en-US", limit=100))["base_models"]
    base = next(one["id"] for one in bases if one["training_is_charged"] == charged and kind in one["trains_with"])

    plan = await call("plan_model", locale="en-US", datasets=[data["id"]], base_model=base)

    found = [finding["message"] for finding in plan["findings"] if finding["rule"] == "audio-hours"]
    assert [message.partition(" of text.")[0] for message in found] == said
