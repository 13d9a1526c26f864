"""What a rollout spends: nothing that its plan did not show, whatever happens in between."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from custom_speech_server.app import build
from custom_speech_server.state_directory import AgreementFiles
from custom_speech_tools.rollout.gate import GATE_PROPERTY
from custom_speech_tools.rollout.target import COPIES_PROPERTY
from custom_speech_tools.runtime.idempotency import idempotency_key
from server.test_rollout import ALL, CONTENT, SOUTH, Machine, content, made, virtual
from support.fault_matrix_service import EAST, WEST, Service
from support.tool_client import Caller
from support.virtual_time import START


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person at a terminal who agrees; the questions."""
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "y")
    return asked


def asking(service: Service, **settings: Any) -> Machine:
    """Return a machine whose operator has agreed to nothing in advance."""
    machine = Machine(service, **settings)
    machine.settings = replace(machine.settings, confirm="ask")
    return machine


def entity(service: Service, resource: str, kind: str, prefix: str) -> Any:
    """Return the entity whose name begins so."""
    store = service.emulation.state.store
    return next(one for one in store.all(resource, kind) if one.document["displayName"].startswith(prefix))


def change(service: Service, found: Any, **changes: Any) -> None:
    """Change an entity as the portal can."""
    found.document.update(changes)
    service.emulation.state.store.put(found)


def test_rollout_begins_nothing_if_a_target_answers_only_after_the_plan(terminal: list[str], capsys: Any) -> None:
    service = Service("2025-10-15")
    service.arm([{"fault": "503", "account": SOUTH}])

    assert virtual(asking(service).run) == 1
    assert terminal == []
    assert f"{SOUTH} did not answer" in capsys.readouterr().err
    assert made(service) == Counter()


async def run_while_an_endpoint_changes(service: Service, change_endpoint: Callable[[], None]) -> int:
    """Repeat the rollout a day later, and change an endpoint once the next model is being trained."""

    async def change_during_training() -> None:
        while service.count(EAST, "models", "Clinic 2026-11-03") == 0:  # noqa: ASYNC110  # the service sends no event
            await anyio.sleep(0.1)
        change_endpoint()

    await Machine(service).run()
    await anyio.sleep(86400)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(change_during_training)
        return await asking(service).run()
    raise AssertionError


def test_rollout_creates_no_endpoint_in_place_of_one_that_was_deleted_while_the_model_trained(
    terminal: list[str], capsys: Any
) -> None:
    """Nobody was asked about it: the target stops, and the exit status says so."""
    service = Service("2025-10-15")

    def change_endpoint() -> None:
        service.emulation.state.store.remove(entity(service, WEST, "endpoints", "live"))

    assert virtual(partial(run_while_an_endpoint_changes, service, change_endpoint)) == 1
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    west, south = answer["targets"]
    assert "needs agreement" in west["error"]
    assert (west["status"], south["status"]) == ("Failed", "Succeeded")
    assert service.count(WEST, "endpoints", "live") == 0


@pytest.mark.parametrize(
    ("resource", "kind", "prefix"),
    [(EAST, "models", "Clinic"), (WEST, "models", "Clinic"), (WEST, "endpoints", "live")],
    ids=["source", "copy", "endpoint"],
)
def test_rollout_has_nothing_to_do_after_a_finished_one_was_renamed(
    capsys: Any, resource: str, kind: str, prefix: str
) -> None:
    service = Service("2025-10-15")

    async def job() -> list[int]:
        first = await Machine(service).run()
        change(service, entity(service, resource, kind, prefix), displayName="Renamed")
        return [first, await Machine(service).run(plan=True), await Machine(service).run()]

    assert virtual(job) == [0, 0, 0]
    assert json.loads(capsys.readouterr().out.splitlines()[1])["changes"] == []
    store = service.emulation.state.store
    assert len([one for one in store.all(EAST, "models") if one.document["displayName"] in ("Renamed", "x")]) <= 1
    assert len(list(store.all(WEST, "endpoints"))) == 1


@pytest.mark.parametrize("directory", [True, False], ids=["on the same machine", "on another machine"])
def test_rollout_asks_again_only_on_another_machine(terminal: list[str], tmp_path: Path, directory: bool) -> None:
    """The agreement lies signed in the state directory."""
    service = Service("2025-10-15")

    def machine(name: str) -> Machine:
        return asking(service, agreement_store=AgreementFiles(tmp_path / ("one" if directory else name)))

    async def job() -> list[int]:
        return [await machine("first").run(wait=1), await machine("second").run()]

    assert virtual(job) == [3, 0]
    assert len(terminal) == (1 if directory else 2)
    assert made(service) == ALL


def test_rollout_takes_no_forged_agreement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminal: list[str]
) -> None:
    service = Service("2025-10-15")
    files = AgreementFiles(tmp_path)

    async def job() -> list[int]:
        first = await asking(service, agreement_store=files).run(wait=1)
        for file in (tmp_path / "agreements").iterdir():
            _, *signed = json.loads(file.read_text())
            file.write_text(json.dumps(["2199-01-01T00:00:00+00:00", *signed]))
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        return [first, await asking(service, agreement_store=files).run()]

    assert virtual(job) == [3, 1]
    assert service.count(WEST, "endpoints", "live") == 0


@pytest.mark.parametrize("value", ["2199-01-01T00:00Z abcdef {tag}", "passed - -", "x" * 256, ""])
def test_rollout_is_not_steered_by_properties_of_the_model(value: str) -> None:
    """Forged, truncated and oversized: the verdict is computed, and a copy of the future blocks nothing."""
    service = Service("2025-10-15")
    strict = content(gate={"dataset": "Contoso audio with transcripts en-US", "max_word_error_rate": 0.001})

    async def job() -> list[int]:
        await Machine(service).run(strict)
        model = entity(service, EAST, "models", "Clinic")
        tags = " ".join(idempotency_key(one.identity)[:6] for one in Machine(service).settings.resources.all)
        forged = dict.fromkeys([GATE_PROPERTY, COPIES_PROPERTY], value.replace("{tag}", tags))
        properties = model.document.get("customProperties", {}) | forged
        change(service, model, customProperties=properties)
        return [await Machine(service).run(strict), await Machine(service).run()]

    assert virtual(job) == [4, 0]
    assert made(service) == ALL


def test_rollout_repeated_asks_at_most_20_requests() -> None:
    service = Service("2025-10-15")

    async def job() -> int:
        await Machine(service).run()
        before = len(service.emulation.log.entries)
        assert await Machine(service).run() == 0
        return len(service.emulation.log.entries) - before

    assert virtual(job) <= 20


def test_rollout_agreement_to_a_tested_one_is_none_to_an_untested_one(terminal: list[str]) -> None:
    service = Service("2025-10-15")
    kept: dict[str, str] = {}

    async def job() -> list[int]:
        first = await asking(service, agreement_store=kept).run(wait=1)
        untested = content(gate=None, targets=CONTENT["targets"])
        return [first, await asking(service, agreement_store=kept).run(untested)]

    assert virtual(job) == [3, 0]
    assert len(terminal) == 2


@pytest.mark.parametrize(
    ("changed", "status"), [("renamed", 0), ("made by hand and renamed", 1), ("given another model", 0)]
)
def test_rollout_makes_no_endpoint_in_place_of_one_that_was_changed_while_the_model_trained(
    terminal: list[str], capsys: Any, changed: str, status: int
) -> None:
    """It is found by the name that a rollout used; nobody agreed to a new one."""
    service = Service("2025-10-15")

    def change_endpoint() -> None:
        found, earlier = entity(service, WEST, "endpoints", "live"), entity(service, WEST, "models", "Clinic")
        if changed == "renamed":
            change(service, found, displayName="Renamed")
        elif changed == "made by hand and renamed":
            change(service, found, displayName="Renamed", customProperties={})
        else:
            models = service.emulation.state.store.all(WEST, "models")
            other = next(one for one in models if one.id != earlier.id)
            change(service, found, model=found.document["model"].replace(earlier.id, other.id))

    assert virtual(partial(run_while_an_endpoint_changes, service, change_endpoint)) == status
    west, south = json.loads(capsys.readouterr().out.splitlines()[-1])["targets"]
    assert (west["status"], south["status"]) == ("Succeeded" if status == 0 else "Failed", "Succeeded")
    assert status == 0 or "needs agreement" in west["error"]
    assert len(list(service.emulation.state.store.all(WEST, "endpoints"))) == 1


class DiesBeforeTraining:
    """A service before which the caller dies as it asks for a training; run the caller inside `scope`."""

    def __init__(self, service: Service) -> None:
        self.service, self.scope = service, anyio.CancelScope()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or end the caller."""
        if scope["method"] == "POST" and scope["path"].endswith("/models"):
            self.scope.cancel()
            await anyio.sleep_forever()
        await self.service(scope, receive, send)


async def die_before_training(service: Service, kept: dict[str, str]) -> None:
    """Leave an agreement to a rollout behind of which nothing is used."""
    dying = DiesBeforeTraining(service)
    with dying.scope:
        await asking(service, agreement_store=kept).run(behind=dying)
    assert (len(kept), made(service)) == (1, Counter())


@pytest.mark.parametrize("changes", [{}, {"allow_duplicate": True}, {"project": None}], ids=str)
def test_rollout_agreement_that_is_kept_pays_for_no_call_of_create_model(
    terminal: list[str], changes: dict[str, Any]
) -> None:
    """The training is the same, and so is the caller: the user is asked again, and the rollout keeps its agreement."""
    service = Service("2025-10-15")
    kept: dict[str, str] = {}
    training = {**CONTENT["model"], "display_name": f"Clinic {START:%Y-%m-%d}", **changes}

    async def job() -> int:
        await die_before_training(service, kept)
        settings = asking(service, agreement_store=kept).settings
        async with Client(build(settings), cache=None) as client:
            given = {name: value for name, value in training.items() if value is not None}
            assert 'confirm="' in await Caller(client).refusal("create_model", **given)
        assert made(service) == Counter()
        return await asking(service, agreement_store=kept).run()

    assert virtual(job) == 0
    assert (len(terminal), made(service)) == (1, ALL)


@pytest.mark.parametrize(
    "changed",
    [
        {"model": {name: value for name, value in CONTENT["model"].items() if name != "project"}},
        {"gate": None},
        {"targets": [{"resource": SOUTH}]},
    ],
    ids=["project", "gate", "targets"],
)
def test_rollout_agreement_that_is_kept_pays_for_no_other_rollout_of_the_same_training(
    terminal: list[str], changed: dict[str, Any]
) -> None:
    service = Service("2025-10-15")
    kept: dict[str, str] = {}

    async def job() -> int:
        await die_before_training(service, kept)
        return await asking(service, agreement_store=kept).run(content(**changed))

    assert virtual(job) == 0
    assert len(terminal) == 2


@pytest.mark.parametrize("deleted", ["endpoint", "model"])
def test_rollout_agreement_that_is_kept_pays_for_nothing_that_a_later_run_has_seen(
    terminal: list[str], deleted: str
) -> None:
    """The first run died before it could note what it had used."""
    service = Service("2025-10-15")
    kept: dict[str, str] = {}

    async def job() -> list[int]:
        await die_before_training(service, kept)
        unused = dict(kept)
        first = await asking(service, agreement_store=kept).run()
        kept.update(unused)
        second = await asking(service, agreement_store=kept).run()
        store = service.emulation.state.store
        if deleted == "endpoint":
            store.remove(entity(service, WEST, "endpoints", "live"))
        else:
            for resource in (EAST, WEST, SOUTH):
                store.remove(entity(service, resource, "models", "Clinic"))
        third = await asking(service, agreement_store=kept).run()
        return [first, second, third]

    assert virtual(job)[:2] == [0, 0]
    assert len(terminal) == 2


def test_rollout_agreement_is_kept_for_its_caller_only(terminal: list[str]) -> None:
    service = Service("2025-10-15")
    kept: dict[str, str] = {}

    async def job() -> int:
        await die_before_training(service, kept)
        other = asking(service, agreement_store=kept)
        other.settings = replace(other.settings, caller="somebody else")
        return await other.run()

    assert virtual(job) == 0
    assert len(terminal) == 2


@pytest.mark.parametrize("has_resource_id", [True, False])
def test_rollout_agreement_that_is_kept_pays_for_no_other_resource_of_the_same_name(
    terminal: list[str], has_resource_id: bool
) -> None:
    """The configuration has another endpoint under the name to which the user agreed."""
    service = Service("2025-10-15")
    kept: dict[str, str] = {}
    file = content(targets=[{"resource": WEST, "endpoint": "live"}])

    def machine(behind: str) -> Machine:
        found = asking(service, agreement_store=kept)
        resources = found.settings.resources
        actual = next(one for one in resources.all if one.name == behind)
        west = next(one for one in resources.all if one.name == WEST)
        replaced = replace(west, endpoint=actual.endpoint, region=actual.region, credential=actual.credential)
        if not has_resource_id:
            replaced = replace(replaced, resource_id=None)
        named = tuple(replaced if one.name == WEST else one for one in resources.all if one.name != SOUTH)
        found.settings = replace(found.settings, resources=replace(resources, all=named))
        return found

    async def job() -> list[int]:
        return [await machine(WEST).run(file, wait=1), await machine(SOUTH).run(file)]

    assert virtual(job) == [3, 0]
    assert len(terminal) == 2
    assert (service.count(WEST, "endpoints", "live"), service.count(SOUTH, "endpoints", "live")) == (0, 1)
