"""roll_out, driven through an MCP client."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitResult

from conftest import Connect
from custom_speech_server.app import Settings, build
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.guardrails.deployment_facts import PREVIOUS_MODEL_PROPERTY
from custom_speech_tools.rollout.gate import GATE_PROPERTY
from custom_speech_tools.rollout.target import COPIES_PROPERTY, copy_started_at
from custom_speech_tools.speech import VERSIONS, schemas
from support.fault_matrix_service import EAST, WEST, Service, keyed
from support.interrupting_service import InterruptingService
from support.speech_service import Azure
from support.tool_client import Caller, rules_of, text_of
from support.virtual_time import START, VirtualLoop, clock

pytestmark = pytest.mark.anyio

SOUTH = "emulator-brazilsouth"
TEXT, AUDIO = "Contoso plain text en-US", "Contoso audio with transcripts en-US"
TARGETS: list[dict[str, str]] = [
    {"resource": WEST, "project": "Contoso en-US", "endpoint": "Live"},
    {"resource": SOUTH, "endpoint": "Live"},
]
ROLLOUT: dict[str, Any] = {"model": "Calls", "targets": TARGETS, "test_dataset": AUDIO}


async def trained(call: Caller, name: str = "Calls", datasets: list[str] | None = None) -> str:
    """Return the id of a trained model."""
    model = await call("create_model", display_name=name, locale="en-US", datasets=datasets or [TEXT])
    await call("get_model", model=model["id"], wait_seconds=10)
    return str(model["id"])


async def finished(call: Caller, **arguments: Any) -> dict[str, Any]:
    """Call until it is finished, at most a few times."""
    for _ in range(4):
        answer = await call("roll_out", **{**ROLLOUT, "wait_seconds": 45} | arguments)
        if answer["finished"]:
            break
    return answer


async def test_roll_out_tests_copies_connects_and_deploys_on_every_target(call: Caller) -> None:
    model = await trained(call)

    answer = await finished(call)

    assert answer["model"] == {"id": model, "display_name": "Calls"}
    assert (answer["gate"]["passed"], answer["gate"]["compared_with"]["display_name"][:4].isdecimal()) == (True, True)
    assert answer["gate"]["word_error_rate"] < answer["gate"]["compared_with"]["word_error_rate"]
    shown = [(one["resource"], one["status"], one["remaining"], one["error"]) for one in answer["targets"]]
    assert shown == [(WEST, "Succeeded", [], None), (SOUTH, "Succeeded", [], None)]
    west = answer["targets"][0]
    copy = await call("get_model", model=west["copy"]["id"], resource=WEST)
    assert (copy["project"]["display_name"], copy["copied_from"]) == ("Contoso en-US", model)
    listed = (await call("list_models", resource=WEST))["models"]
    assert {one["id"]: one.get("copied_from") for one in listed}[copy["id"]] == model
    endpoint = await call("get_endpoint", endpoint="Live", resource=WEST)
    assert (endpoint["id"], endpoint["model"]["id"]) == (west["endpoint"]["id"], copy["id"])


async def test_roll_out_changes_nothing_when_it_is_finished(call: Caller, azure: Azure) -> None:
    await trained(call)
    first = await finished(call)
    await azure.forget()

    again = await call("roll_out", **ROLLOUT)

    assert await azure.writes() == []
    assert again["targets"] == first["targets"]
    assert again["finished"]


async def test_roll_out_without_waiting_returns_at_once_and_goes_on(call: Caller) -> None:
    await trained(call)

    states = []
    for _ in range(12):
        answer = await call("roll_out", **ROLLOUT)
        states.append((answer["gate"]["passed"], [one["status"] for one in answer["targets"]]))
        if answer["finished"]:
            break

    assert states[0] == (None, ["NotStarted", "NotStarted"])
    assert "check_again_after_seconds" not in answer
    assert states[-1] == (True, ["Succeeded", "Succeeded"])


async def test_roll_out_asks_once_for_all_targets_and_calls(connect: Connect) -> None:
    asked: list[str] = []

    async def agree(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async with connect(confirm="ask", client={"elicitation_callback": agree}) as call:
        await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT], base_model="20230614")
        await call("get_model", model="Calls", wait_seconds=10)
        for _ in range(8):
            if (await call("roll_out", **ROLLOUT))["finished"]:
                break
        else:
            pytest.fail("never finished")

    assert len(asked) == 1
    assert asked[0].startswith("Hosting 2 new endpoint(s) would be charged on Azure")
    assert f'"Live" on {WEST}; "Live" on {SOUTH}' in asked[0]


async def test_roll_out_records_that_the_user_agreed_in_an_earlier_call(connect: Connect, tmp_path: Path) -> None:
    audit = AuditFile(tmp_path / "audit.jsonl")
    async with connect(audit=audit) as call:
        await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT], base_model="20230614")
        await call("get_model", model="Calls", wait_seconds=10)
        token = (await call.refusal("roll_out", **ROLLOUT)).split('confirm="')[1].split('"')[0]
        await call("roll_out", confirm=token, **ROLLOUT)
        await finished(call)

    entries = [json.loads(line) for line in audit.path.read_text().splitlines()]
    made = [entry for entry in entries if entry["operation"] == "Endpoints_Create"]
    assert {entry["confirmation"] for entry in made if entry["event"] == "sends"} == {"by token, in an earlier call"}


async def test_roll_out_without_agreement_changes_nothing(connect: Connect, azure: Azure) -> None:
    async with connect() as call:
        await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT], base_model="20230614")
        await call("get_model", model="Calls", wait_seconds=10)
        await azure.forget()
        refusal = await call.refusal("roll_out", **ROLLOUT)

    assert rules_of(refusal) == ["hosting-is-charged", "hosting-is-charged"]
    assert await azure.writes() == []


async def test_roll_out_into_existing_endpoints_asks_nobody_and_says_how_to_go_back(connect: Connect) -> None:
    async with connect(confirm="never") as call:
        await trained(call, "Earlier")
        before = await call("copy_model", model="Earlier", to_resource=WEST, wait_seconds=45)
        await call("deploy_model", model=before["model"]["id"], display_name="Live", resource=WEST, wait_seconds=10)
        await trained(call)
    async with connect() as call:
        answer = await finished(call, targets=TARGETS[:1])

    assert answer["finished"]
    target = answer["targets"][0]
    assert target["previous_model"] == {"id": before["model"]["id"], "display_name": "Earlier"}
    back = f'deploy_model(model="{before["model"]["id"]}", endpoint="{target["endpoint"]["id"]}", resource="{WEST}")'
    assert answer["next_steps"][0].startswith(f'On Azure, applications would use endpoint "Live" on {WEST}')
    assert answer["next_steps"][1].startswith(back)


async def test_roll_out_holds_a_model_back_that_is_not_better(call: Caller, azure: Azure) -> None:
    """Nothing leaves the resource, and the verdict stands on the model."""
    await trained(call)
    await azure.forget()

    answer = await finished(call, max_word_error_rate=0.001)

    assert (answer["gate"]["passed"], answer["finished"]) == (False, False)
    assert "above 0.10%" in answer["gate"]["reason"]
    assert [one["status"] for one in answer["targets"]] == ["NotStarted", "NotStarted"]
    assert await azure.writes() == ["Evaluations_Create", "Models_Update"]
    assert "get_evaluation" in answer["next_steps"][0]


async def test_roll_out_does_not_take_a_test_with_training_data(call: Caller) -> None:
    await trained(call, datasets=[TEXT, AUDIO])

    answer = await finished(call)

    assert answer["gate"]["passed"] is False
    assert 'Void: "Calls" was trained with this dataset.' in answer["gate"]["reason"]
    assert [one["rule"] for one in answer["findings"]] == ["test-data-unseen", *["hosting-is-charged"] * 0]


async def test_roll_out_does_not_take_a_difference_that_is_not_significant(call: Caller) -> None:
    """Two models that were trained alike differ by chance."""
    await trained(call, "Earlier")
    await trained(call)

    answer = await finished(call, compare_with="Earlier")

    assert answer["gate"]["passed"] is False
    assert "No difference: both models recognized the same." in answer["gate"]["reason"]


async def test_roll_out_compares_with_what_the_endpoints_have(call: Caller) -> None:
    """The model that is deployed was copied from one on the source, also after the first target has changed."""
    earlier = await trained(call, "Earlier")
    await finished(call, model="Earlier")
    await trained(call)

    answer = await finished(call, compare_with="deployed")
    again = await call("roll_out", **ROLLOUT, compare_with="deployed")

    assert answer["gate"]["compared_with"]["id"] == again["gate"]["compared_with"]["id"] == earlier
    assert answer["gate"]["passed"] is False


async def test_roll_out_rejects_a_model_above_the_limit_without_the_details_of_recordings(
    call: Caller, azure: Azure
) -> None:
    await trained(call)
    await azure.fail({"operation": "Evaluations_ListFiles", "fault": "500"})

    answer = await finished(call, max_word_error_rate=0.001)

    assert answer["gate"]["passed"] is False
    assert "above 0.10%" in answer["gate"]["reason"]


async def test_roll_out_refuses_to_compare_with_a_deployed_model_that_is_recorded_wrongly(
    call: Caller, azure: Azure
) -> None:
    """It would be compared with the base model otherwise, and pass."""
    await trained(call)
    answer = await finished(call)
    endpoint = f"/speechtotext/endpoints/{answer['targets'][0]['endpoint']['id']}"
    wrong = {"customProperties": {PREVIOUS_MODEL_PROPERTY: "https://example.com/models/1"}}
    await azure.ask("PATCH", endpoint, wrong, region="westeurope")

    refusal = await call.refusal("roll_out", **ROLLOUT, compare_with="deployed")

    assert f"{WEST} (not on this resource)" in refusal


async def test_roll_out_records_the_verdict_on_the_model_and_its_copies(call: Caller, azure: Azure) -> None:
    model = await trained(call)
    answer = await finished(call)

    source = (await azure.ask("GET", f"/speechtotext/models/{model}")).json()
    copy = answer["targets"][0]["copy"]["id"]
    copied = (await azure.ask("GET", f"/speechtotext/models/{copy}", region="westeurope")).json()
    for shown in (source, copied):
        assert shown["customProperties"][GATE_PROPERTY].startswith("passed ")
        assert answer["gate"]["evaluation"] in shown["customProperties"][GATE_PROPERTY]


async def test_roll_out_without_a_test_says_so(call: Caller) -> None:
    await trained(call)

    answer = await finished(call, test_dataset=None)

    assert (answer["finished"], answer["gate"]["passed"]) == (True, None)
    assert "better-than-current" in [one["rule"] for one in answer["findings"]]


async def test_roll_out_refuses_everything_that_is_wrong_with_the_request_at_once(connect: Connect) -> None:
    resources = replace(EMULATED, all=tuple(replace(one, read_only=one.name == SOUTH) for one in EMULATED.all))
    async with connect(confirm="never", resources=resources) as call:
        await trained(call)
        named = [{"resource": WEST}, {"resource": WEST}, {"resource": "nowhere"}]
        unknown = await call.refusal("roll_out", model="Calls", targets=named)
        wrong = await call.refusal("roll_out", model="Calls", targets=[EAST, SOUTH], test_dataset=TEXT)

    assert rules_of(unknown) == ["reference-found", "target-named-once", "better-than-current"]
    assert rules_of(wrong) == [
        "same-resource",
        "resource-writable",
        "test-data-scorable",
        "test-data-unseen",
    ]


async def test_roll_out_refuses_a_gate_of_another_kind_or_locale(call: Caller, azure: Azure) -> None:
    await trained(call)
    await azure.forget()

    kind = await call.refusal("roll_out", **{**ROLLOUT, "test_dataset": TEXT})
    locale = await call.refusal("roll_out", **{**ROLLOUT, "test_dataset": "Contoso audio with transcripts de-DE"})

    assert (rules_of(kind), rules_of(locale)) == (["test-data-scorable", "test-data-unseen"], ["locale-match"])
    assert await azure.writes() == []


@pytest.mark.parametrize("rate", [15, -0.1])
async def test_roll_out_explains_that_a_word_error_rate_is_a_fraction(call: Caller, rate: float) -> None:
    refusal = await call.refusal("roll_out", **ROLLOUT, max_word_error_rate=rate)

    assert "max_word_error_rate: must be a fraction from 0 to 1; 15 % is 0.15" in refusal


@pytest.mark.parametrize("rate", [True, "much"])
async def test_roll_out_rejects_a_word_error_rate_that_is_not_a_number(call: Caller, rate: Any) -> None:
    refusal = await call.refusal("roll_out", **ROLLOUT, max_word_error_rate=rate)

    assert "max_word_error_rate" in refusal


async def test_roll_out_one_targets_fault_does_not_hold_back_the_others(call: Caller) -> None:
    await trained(call)
    targets = [{"resource": WEST, "project": "Contoso de-DE"}, {"resource": SOUTH, "project": "Contoso en-US"}]

    answer = await finished(call, targets=targets)

    assert [one["status"] for one in answer["targets"]] == ["Failed", "Succeeded"]
    assert "locale-match]" in answer["targets"][0]["error"]
    assert not answer["finished"]
    assert f"Correct `error` of {WEST}" in answer["next_steps"][0]


@pytest.mark.parametrize("fault", ["project", "endpoint"])
async def test_roll_out_reports_what_was_deleted_or_is_ambiguous(call: Caller, azure: Azure, fault: str) -> None:
    await trained(call)
    for _ in range(2):
        body = {"displayName": "Twice", "locale": "en-US"}
        if fault == "endpoint":
            base = (await azure.ask("GET", "/speechtotext/models/base", region="westeurope")).json()["values"]
            english = next(one for one in base if one["locale"] == "en-US" and one["displayName"] == "20230614")
            body |= {"model": {"self": english["self"]}}  # type: ignore[dict-item]  # JSON
        await azure.ask("POST", f"/speechtotext/{fault}s", body, region="westeurope")

    twice = await finished(call, targets=[{"resource": WEST, fault: "Twice"}])
    gone = await finished(call, targets=[{"resource": WEST, fault: "827712a5-f942-4997-91c3-7c6cde35600b"}])

    assert "2 " in twice["targets"][0]["error"]
    assert "has no" in gone["targets"][0]["error"]


async def test_roll_out_follows_an_endpoint_that_is_updating(call: Caller, azure: Azure) -> None:
    """Another model that is being put into it is waited for."""
    await trained(call)
    copy = await call("copy_model", model="Calls", to_resource=WEST, wait_seconds=45)
    base = (await call("list_base_models", locale="en-US", resource=WEST))["base_models"][0]["id"]
    other = await call("deploy_model", model=base, display_name="Live", resource=WEST)

    answer = await call("roll_out", model="Calls", targets=TARGETS[:1], wait_seconds=0)

    assert copy["status"] == "Succeeded"
    assert answer["targets"][0]["status"] in ("Copying", "Deploying")
    assert "endpoint-is-ready" in answer["targets"][0]["error"]
    wait = f'get_endpoint(endpoint="{other["id"]}", wait_seconds=25, resource="{WEST}")'
    assert f"Wait for it: {wait}." in answer["targets"][0]["error"]
    await azure.finish(other["id"], "Succeeded")
    assert (await finished(call, targets=TARGETS[:1], test_dataset=None))["finished"]


async def test_roll_out_tries_a_failed_deployment_again(call: Caller, azure: Azure) -> None:
    await trained(call)
    copy = await call("copy_model", model="Calls", to_resource=WEST, wait_seconds=45)
    made = await call("deploy_model", model=copy["model"]["id"], display_name="Live", resource=WEST)
    await azure.finish(made["id"], "Failed", {"code": "InternalError", "message": "No capacity."})

    answer = await finished(call, targets=TARGETS[:1], test_dataset=None)

    assert answer["finished"]
    assert answer["targets"][0]["endpoint"]["id"] == made["id"]


async def test_roll_out_of_a_model_made_elsewhere_gives_it_a_key_first(call: Caller, azure: Azure) -> None:
    """So that its copies are known again."""
    body = {"displayName": "Portal", "locale": "en-US"}
    made = (await azure.ask("POST", "/speechtotext/models", body)).json()["self"].rpartition("/")[2].partition("?")[0]
    await azure.finish(made, "Succeeded")

    first = await finished(call, model="Portal", test_dataset=None)
    await azure.forget()
    again = await call("roll_out", model="Portal", targets=TARGETS)

    assert first["finished"]
    assert again["targets"] == first["targets"]
    assert await azure.writes() == []


async def test_roll_out_does_not_take_a_model_of_the_same_name_for_the_copy(call: Caller, azure: Azure) -> None:
    await trained(call)
    await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT], resource=WEST)

    answer = await finished(call, targets=[{"resource": WEST}])

    assert answer["targets"][0]["status"] == "Failed"
    assert "already-exists]" in answer["targets"][0]["error"]


@pytest.mark.parametrize("tested", [True, False])
async def test_roll_out_of_a_model_that_is_not_trained_changes_nothing(
    call: Caller, azure: Azure, tested: bool
) -> None:
    """While it is trained there is nothing to do yet; after a failed training there never will be."""
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT])
    arguments = ROLLOUT if tested else {**ROLLOUT, "test_dataset": None}
    await azure.forget()

    running = await call("roll_out", **arguments)
    await azure.finish(made["id"], "Failed", {"code": "InternalError", "message": "No capacity."})
    refusal = await call.refusal("roll_out", **arguments)

    assert ([one["status"] for one in running["targets"]], running["finished"]) == (["NotStarted"] * 2, False)
    assert rules_of(refusal) == ["model-is-ready"]
    assert 'Training of model "Calls" failed: "No capacity".' in refusal
    assert f'delete_entity(kind="model", entity="{made["id"]}", resource="{EAST}")' in refusal
    assert await azure.writes() == []


async def test_roll_out_reports_a_copy_that_failed(call: Caller, azure: Azure) -> None:
    await trained(call)
    started = await call("roll_out", model="Calls", targets=[{"resource": WEST}])
    operation = next(one["path"] for one in await azure.requests() if one["operation"] == "Models_Copy")
    assert (started["targets"][0]["status"], ":copy" in operation) == ("Copying", True)


async def test_roll_out_says_how_to_delete_a_failed_copy_from_its_resource(connect: Connect, azure: Azure) -> None:
    with_key = tuple(replace(one, resource_id=None, api_version=VERSIONS["v3.2"]) for one in EMULATED.all)
    async with connect(resources=replace(EMULATED, all=with_key), confirm="never") as call:
        await trained(call)
        copied = (await call("copy_model", model="Calls", to_resource=WEST))["model"]["id"]
        await azure.finish(copied, "Failed", {"code": "InternalError", "message": "No capacity."})
        answer = await call("roll_out", model="Calls", targets=[{"resource": WEST}])
    azure.violations.clear()  # the article's body of a copy with a key is in no specification

    deletion = f'delete_entity(kind="model", entity="{copied}", resource="{WEST}")'
    assert answer["targets"][0]["error"] == (
        f'[block: model-is-ready] The copy {copied} failed: "No capacity". {deletion} removes it; the next call of the '
        "rollout copies the model again."
    )


async def test_roll_out_refuses_two_names_of_one_endpoint_without_a_resource_id(connect: Connect) -> None:
    """They may be one resource, whose new endpoint would be paid twice."""
    west = replace(next(one for one in EMULATED.all if one.name == WEST), resource_id=None)
    resources = replace(EMULATED, all=(*EMULATED.all, replace(west, name="first"), replace(west, name="second")))
    async with connect(confirm="never", resources=resources) as call:
        await trained(call)
        named = [{"resource": name, "endpoint": "Live"} for name in ("first", "second")]
        refusal = await call.refusal("roll_out", model="Calls", targets=named)

    assert rules_of(refusal) == ["target-named-once", "better-than-current"]
    assert 'The targets "first", "second" have the same endpoint and may be one resource.' in refusal
    assert "add the resource_id of each to the configuration" in refusal


async def test_roll_out_waits_for_test_data_that_are_being_imported(call: Caller, azure: Azure) -> None:
    await trained(call)
    body = {"displayName": "Importing", "locale": "en-US", "kind": "Acoustic", "contentUrl": "https://x.example/a.zip"}
    await azure.ask("POST", "/speechtotext/datasets", body)
    await azure.forget()

    result = await call.client.call_tool("roll_out", ROLLOUT | {"test_dataset": "Importing"})

    assert "test-data-scorable]" in text_of(result)
    assert "Wait for it" in text_of(result)
    assert (result.meta or {})["custom-speech-mcp/transient"] is True
    assert await azure.writes() == []


async def test_roll_out_stops_when_the_model_expires_on_the_way(call: Caller, azure: Azure) -> None:
    await trained(call)
    assert (await call("roll_out", **ROLLOUT))["gate"]["passed"] is None
    await azure.advance(timedelta(days=2000))
    await azure.forget()

    refusal = await call.refusal("roll_out", **ROLLOUT)

    assert "model-is-ready" in rules_of(refusal)
    assert "has not transcribed since" in refusal
    assert await azure.writes() == []


@pytest.mark.parametrize("text", ["", "nonsense", "2026-11-02T00:00Z", "2199-01-01T00:00Z abcdef", "x" * 300])
def test_rollout_note_of_copies_takes_any_text_for_what_it_is(text: str) -> None:
    """Anybody may write into custom properties; a time in the future counts as none."""
    assert copy_started_at(_with_properties({COPIES_PROPERTY: text}), "abcdef", START + timedelta(days=1)) is None


def _with_properties(properties: dict[str, str]) -> schemas.CustomModel:
    return schemas.CustomModel.model_validate(
        {
            "self": "https://x.example/speechtotext/models/827712a5-f942-4997-91c3-7c6cde35600b",
            "displayName": "Calls",
            "locale": "en-US",
            "status": "Succeeded",
            "customProperties": properties,
        }
    )


async def _once(service: Any, settings: Settings, arguments: dict[str, Any]) -> dict[str, Any]:
    async with Client(build(replace(settings, emulator=lambda: service)), cache=None) as client:
        result = await client.call_tool("roll_out", arguments)
    assert not result.is_error, text_of(result)
    return dict(json.loads(text_of(result)))


async def _killed_at(last: int, *, is_carried_out: bool) -> tuple[bool, Counter[str], dict[str, Any]]:
    """Kill a rollout at a request, go on from another machine, and count what was made."""
    service = Service("2025-10-15")
    settings = Settings(keyed(EMULATED, service), state_key=b"k" * 32, confirm="never", now=clock())
    async with Client(build(replace(settings, emulator=lambda: service)), cache=None) as client:
        await trained(Caller(client))
    arguments = ROLLOUT | {"wait_seconds": 45}
    interrupting = InterruptingService(service, last, is_carried_out=is_carried_out)
    with interrupting.scope:
        await _once(interrupting, settings, arguments)
    for _ in range(60):
        answer = await _once(service, settings, arguments)
        if answer["finished"]:
            break
        await anyio.sleep(60)
    store = service.emulation.state.store
    made = Counter({f"{WEST} copies": service.count(WEST, "models", "Calls")})
    made[f"{SOUTH} copies"] = service.count(SOUTH, "models", "Calls")
    made[f"{WEST} endpoints"] = service.count(WEST, "endpoints", "Live")
    made[f"{SOUTH} endpoints"] = service.count(SOUTH, "endpoints", "Live")
    tests = [one for one in store.all(EAST, "evaluations") if one.document["displayName"].startswith("Calls against ")]
    made["tests"] = len(tests)
    return interrupting.died, made, answer


@pytest.mark.long
@pytest.mark.parametrize("is_carried_out", [False, True], ids=["before it is sent", "before its answer"])
def test_roll_out_killed_at_any_request_goes_on_elsewhere_and_makes_nothing_twice(is_carried_out: bool) -> None:
    """Every request of a rollout is once the last one of its process; another machine, which knows nothing, goes on."""

    async def every() -> int:
        for last in range(1, 200):
            died, made, answer = await _killed_at(last, is_carried_out=is_carried_out)
            assert answer["finished"], (last, answer)
            assert set(made.values()) == {1}, (last, made)
            if not died:
                return last
        raise AssertionError("it never ends")

    requests = anyio.run(every, backend_options={"loop_factory": VirtualLoop})
    assert requests > 25


@pytest.mark.parametrize("change", ["deleted", "renamed", "another model"])
async def test_roll_out_makes_no_endpoint_in_place_of_one_that_was_changed_while_the_user_was_asked(
    connect: Connect, azure: Azure, change: str
) -> None:
    """The question named a new endpoint on one resource; nobody agreed to one on the other."""

    async def agree(context: Any, params: Any) -> ElicitResult:
        path = f"/speechtotext/endpoints/{live['id']}"
        other = f"http://westeurope.localhost/speechtotext/models/base/{base[1]['id']}?api-version=2025-10-15"
        body = {"model": {"self": other}} if change == "another model" else {"displayName": "Renamed"}
        await azure.ask("DELETE" if change == "deleted" else "PATCH", path, body, region="westeurope")
        return ElicitResult(action="accept", content={"agree": True})

    async with connect(confirm="never") as call:
        await trained(call)
        base = (await call("list_base_models", locale="en-US", limit=2, resource=WEST))["base_models"]
        live = await call("deploy_model", model=base[0]["id"], display_name="Live", resource=WEST, wait_seconds=10)
    await azure.forget()
    async with connect(client={"mode": "legacy", "elicitation_callback": agree}) as call:
        answer = await call("roll_out", model="Calls", targets=TARGETS, wait_seconds=45)

    west, south = answer["targets"]
    asked = [one for one in await azure.requests() if one["operation"] == "Endpoints_Create"]
    assert (len(asked), south["status"]) == (1, "Succeeded")
    assert (west["status"] == "Failed") == (change != "another model")
    assert change == "another model" or "needs agreement" in west["error"]


def _id_of(entity: dict[str, Any]) -> str:
    return str(entity["self"].rpartition("/")[2].partition("?")[0])


async def test_roll_out_reads_each_entity_once_in_a_call(call: Caller, azure: Azure) -> None:
    """Everything is named by id; the call that does nothing reads what it shows and no more."""
    model = await trained(call)
    first = await finished(call)
    dataset = await call.id_of("datasets", AUDIO)
    projects = (await azure.ask("GET", "/speechtotext/projects", region="westeurope")).json()["values"]
    project = next(_id_of(one) for one in projects if one["displayName"] == "Contoso en-US")
    west = {"resource": WEST, "project": project, "endpoint": first["targets"][0]["endpoint"]["id"]}
    await azure.forget()

    answer = await call("roll_out", model=model, targets=[west], test_dataset=dataset)

    paths = Counter(one["path"] for one in await azure.requests() if one["method"] == "GET")
    assert answer["finished"]
    assert {path: count for path, count in paths.items() if count > 1} == {}
