"""The command rollout: planned, carried out, killed, repeated; the state of Azure is its only memory."""

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from custom_speech_server.__main__ import parse
from custom_speech_server.app import Settings
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.commands import rollout
from custom_speech_server.resource_config import EMULATED
from custom_speech_server.rollout_file import RolloutFile
from support.fault_matrix_service import EAST, WEST, Service, keyed
from support.interrupting_service import InterruptingService
from support.virtual_time import VirtualLoop, clock

SOUTH = "emulator-brazilsouth"
AUDIO = "Contoso audio with transcripts en-US"
CONTENT: dict[str, Any] = {
    "model": {
        "resource": EAST,
        "display_name": "Clinic {date}",
        "locale": "en-US",
        "datasets": ["Contoso plain text en-US"],
        "project": "Contoso en-US",
    },
    "gate": {"dataset": AUDIO, "max_word_error_rate": 0.5},
    "targets": [
        {"resource": WEST, "project": "Contoso en-US", "endpoint": "live"},
        {"resource": SOUTH, "endpoint": "live"},
    ],
}


def content(**changes: Any) -> RolloutFile:
    """Return a rollout file with some sections replaced."""
    return RolloutFile.model_validate(CONTENT | changes)


class Machine:
    """A machine on which the command runs, before one service."""

    def __init__(self, service: Service, **settings: Any) -> None:
        self.service = service
        self.settings = Settings(
            keyed(EMULATED, service),
            state_key=b"k" * 32,
            confirm="never",
            emulator=lambda: service,
            now=clock(),
            caller="somebody",
            **settings,
        )

    async def run(self, file: RolloutFile | None = None, *, behind: Any = None, **options: Any) -> int:
        """Run the command and return its exit status."""
        given = argparse.Namespace(**({"plan": False, "only_continue": False, "json": True, "wait": 86400} | options))
        settings = replace(self.settings, emulator=lambda: behind) if behind else self.settings
        return await rollout.roll_out_file(given, file or content(), settings)


def confirmations(audit: AuditFile, operation: str) -> set[str]:
    """Return how the user agreed to requests, as the audit log says."""
    lines = audit.path.read_text().splitlines() if audit.path.exists() else []
    entries = [json.loads(line) for line in lines]
    return {one["confirmation"] for one in entries if one["operation"] == operation and "confirmation" in one}


def virtual(test: Callable[[], Any]) -> Any:
    """Run in virtual time."""
    return anyio.run(test, backend_options={"loop_factory": VirtualLoop})


def made(service: Service) -> Counter[str]:
    """Return how many of everything there is."""
    store = service.emulation.state.store
    counts = Counter[str]()
    for resource in (EAST, WEST, SOUTH):
        models = [one for one in store.all(resource, "models") if one.document["displayName"].startswith("Clinic")]
        counts[f"models on {resource}"] = len(models)
        counts[f"endpoints on {resource}"] = len(list(store.all(resource, "endpoints")))
    counts["tests"] = len(list(store.all(EAST, "evaluations")))
    return +counts


ALL = Counter(
    {
        f"models on {EAST}": 1,
        f"models on {WEST}": 1,
        f"models on {SOUTH}": 1,
        f"endpoints on {WEST}": 1,
        f"endpoints on {SOUTH}": 1,
        "tests": 1,
    }
)


def test_rollout_does_what_its_plan_promises_and_then_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service("2025-10-15")
    machine = Machine(service)

    async def job() -> tuple[int, int, int, int]:
        planned = await machine.run(plan=True)
        requests = len([one for one in service.emulation.log.entries if one["method"] != "GET"])
        assert requests == 0
        done = await machine.run()
        return planned, done, await machine.run(plan=True), await machine.run()

    assert virtual(job) == (2, 0, 0, 0)
    shown = capsys.readouterr()
    plan, result, after, again = (json.loads(line) for line in shown.out.splitlines())
    assert shown.err.count(f"Training Clinic 2026-11-02 ({result['model']['id']}).") == 1
    assert plan["changes"] == [
        'train model "Clinic 2026-11-02" on base model "20260924"',
        "test the model",
        *(f"{WEST}: {step}" for step in ("copy", "connect", "create endpoint")),
        *(f"{SOUTH}: {step}" for step in ("copy", "connect", "create endpoint")),
    ]
    assert len(plan["charges"]) == 3
    assert (result["finished"], result["exit_status"]) == (True, 0)
    assert after["changes"] == []
    assert again["targets"] == result["targets"]
    assert made(service) == ALL


@pytest.mark.long
@pytest.mark.parametrize("same_machine", [True, False], ids=["on the same machine", "on another machine"])
def test_rollout_killed_at_any_request_is_continued_and_makes_nothing_twice(tmp_path: Path, same_machine: bool) -> None:
    """Every request is once the last one before the process dies, its answer unread."""

    async def killed_at(last: int) -> bool:
        service = Service("2025-10-15")
        audit = {"audit": AuditFile(tmp_path / f"{last}.jsonl", clock())} if same_machine else {}
        interrupting = InterruptingService(service, last, is_carried_out=True)
        with interrupting.scope:
            await Machine(service, **audit).run(behind=interrupting)
        if same_machine:
            audit = {"audit": AuditFile(tmp_path / f"{last}.jsonl", clock())}
        assert await Machine(service, **audit).run() == 0, last
        assert made(service) == ALL, last
        return interrupting.died

    async def every() -> int:
        last = 1
        while await killed_at(last):
            last += 1
        return last

    assert virtual(every) > 40


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_rollout_on_a_service_full_of_faults_killed_at_random_ends_as_described(seed: int) -> None:
    """A third of all requests fail in some way; the process dies again and again, always on another machine."""
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    faults = ("429", "500", "503", "close-before", "close-after", "truncated", "not-json")
    rules = [{"fault": fault, "probability": 0.05, "seed": chance.randint(0, 999)} for fault in faults]

    async def job() -> int:
        service = Service("2025-10-15")
        service.arm(rules)
        for _ in range(8):
            interrupting = InterruptingService(service, chance.randint(1, 60), is_carried_out=chance.random() < 0.5)
            with interrupting.scope:
                await Machine(service).run(behind=interrupting)
        service.disarm()
        status = await Machine(service).run()
        assert made(service) == ALL
        return status

    assert virtual(job) == 0


def test_rollout_without_agreement_does_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    service = Service("2025-10-15")
    machine = Machine(service)
    machine.settings = replace(machine.settings, confirm="ask")

    assert virtual(machine.run) == 1
    assert made(service) == Counter()
    assert "--confirm never" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "status", "models"), [("y", 0, 1), ("", 1, 0), ("no", 1, 0)])
def test_rollout_asks_at_the_terminal_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, status: int, models: int
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or answer)
    service = Service("2025-10-15")
    audit = AuditFile(tmp_path / "audit.jsonl", clock())
    machine = Machine(service, audit=audit)
    machine.settings = replace(machine.settings, confirm="ask")

    assert virtual(machine.run) == status
    assert len(asked) == 1
    assert made(service)[f"models on {EAST}"] == models
    how = confirmations(audit, "Models_Create")
    assert how == ({"by asking the user at the terminal"} if models else set())


def test_rollout_holds_back_a_model_that_is_not_good_enough(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service("2025-10-15")
    strict = content(gate={"dataset": AUDIO, "max_word_error_rate": 0.001})

    assert virtual(lambda: Machine(service).run(strict)) == 4
    assert json.loads(capsys.readouterr().out)["gate"]["passed"] is False
    assert made(service) == Counter({f"models on {EAST}": 1, "tests": 1})


def test_rollout_refuses_a_test_with_training_data_before_it_trains(capsys: pytest.CaptureFixture[str]) -> None:
    """Days of training later the gate could not pass."""
    service = Service("2025-10-15")
    model = CONTENT["model"] | {"datasets": [AUDIO]}

    assert virtual(lambda: Machine(service).run(content(model=model))) == 1
    assert "can never pass" in capsys.readouterr().err
    assert made(service) == Counter()


def test_rollout_takes_a_test_with_training_data_only_if_the_file_allows_it() -> None:
    service = Service("2025-10-15")
    allowed = content(
        model=CONTENT["model"] | {"datasets": ["Contoso plain text en-US", AUDIO]},
        gate={"dataset": AUDIO, "allow_seen_test_data": True},
    )

    assert virtual(lambda: Machine(service).run(allowed)) == 0
    assert made(service) == ALL


def test_rollout_stops_when_its_time_is_over_and_the_next_one_goes_on() -> None:
    service = Service("2025-10-15")

    async def job() -> list[int]:
        first = await Machine(service).run(wait=1)
        return [first, await Machine(service).run()]

    assert virtual(job) == [3, 0]
    assert made(service) == ALL


def test_rollout_is_continued_under_its_own_name_after_midnight() -> None:
    """An unfinished one keeps its day; a finished one is followed by a new one."""
    service = Service("2025-10-15")

    async def job() -> list[int]:
        first = await Machine(service).run(wait=1)
        await anyio.sleep(86400)
        second = await Machine(service).run()
        assert made(service) == ALL
        same_day = await Machine(service).run(content(targets=CONTENT["targets"][:1]))
        return [first, second, same_day]

    assert virtual(job) == [3, 0, 0]
    names = {one.document["displayName"] for one in service.emulation.state.store.all(EAST, "models")}
    assert {name for name in names if name.startswith("Clinic")} == {"Clinic 2026-11-02", "Clinic 2026-11-03"}


def test_rollout_refuses_a_file_whose_training_was_changed_on_the_same_day(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service("2025-10-15")

    async def job() -> list[int]:
        first = await Machine(service).run()
        changed = CONTENT["model"] | {"description": "Changed"}
        return [first, await Machine(service).run(content(model=changed))]

    assert virtual(job) == [0, 1]
    refusal = " ".join(capsys.readouterr().err.split())
    assert "made from another definition" in refusal
    assert f'resource="{EAST}")' in refusal
    assert made(service) == ALL


def test_rollout_file_with_another_target_goes_to_that_as_well() -> None:
    service = Service("2025-10-15")

    async def job() -> list[int]:
        first = await Machine(service).run(content(targets=CONTENT["targets"][:1]))
        return [first, await Machine(service).run()]

    assert virtual(job) == [0, 0]
    assert made(service) == ALL


def test_rollout_one_target_that_fails_leaves_the_others_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service("2025-10-15")
    targets = [CONTENT["targets"][0], CONTENT["targets"][1] | {"project": "Contoso de-DE"}]

    async def job() -> list[int]:
        first = await Machine(service).run(content(targets=targets[:1]))
        return [first, await Machine(service).run(content(targets=targets))]

    assert virtual(job) == [0, 1]
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["status"] for one in answer["targets"]] == ["Succeeded", "Failed"]


def test_rollout_two_at_the_same_time_make_everything_once(tmp_path: Path) -> None:
    """Two processes of one machine, which share a lock."""
    from e2e.fault_matrix import SharedLock

    service = Service("2025-10-15")

    async def job() -> list[int]:
        lock, statuses = SharedLock(), []

        async def one() -> None:
            statuses.append(await Machine(service, lock=lock, audit=AuditFile(tmp_path / "a", clock())).run())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            tasks.start_soon(one)
        return statuses

    assert virtual(job) == [0, 0]
    assert made(service) == ALL


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("90", 90), ("30m", 1800), ("24h", 86400), ("2d", 172800)])
def test_rollout_wait_takes_units(text: str, seconds: int) -> None:
    parser = argparse.ArgumentParser()
    rollout.add_arguments(parser)

    assert parser.parse_args(["x.toml", "--wait", text]).wait == seconds


def test_rollout_has_the_default_of_every_option_of_serve() -> None:
    """The settings are made of them, so an option that is added to serve does not break the command."""
    given = {name: vars(parse([name, *arguments])) for name, arguments in {"serve": [], "rollout": ["x.toml"]}.items()}

    shared = given["serve"].keys() - {"run", "interrupted"}
    assert {name: given["rollout"][name] for name in shared} == {name: given["serve"][name] for name in shared}


@pytest.mark.parametrize("text", ["-1", "1w", "", "1.5h"])
def test_rollout_wait_refuses_anything_else(text: str) -> None:
    parser = argparse.ArgumentParser()
    rollout.add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["x.toml", f"--wait={text}"])


def test_rollout_text_is_readable_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service("2025-10-15")

    virtual(lambda: Machine(service).run(json=False))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Model Clinic 2026-11-02 (en-US)"
    assert f"  + {WEST}: copy" in lines
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []


def test_rollout_plan_finds_a_resource_that_does_not_answer_before_it_trains(
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = Service("2025-10-15")
    machine = Machine(service)
    service.arm([{"fault": "close-before", "account": SOUTH}])

    assert virtual(lambda: machine.run(content(targets=[{"resource": WEST}, {"resource": SOUTH}]), plan=True)) == 1
    shown = json.loads(capsys.readouterr().out)
    assert [bool(one["error"]) for one in shown["targets"]] == [False, True]


def test_rollout_says_everything_that_is_wrong_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service("2025-10-15")
    targets = [{"resource": "nowhere"}, {"resource": EAST}, {"resource": WEST, "project": "Contoso de-DE"}]
    model = CONTENT["model"] | {"datasets": ["Nothing"]}

    assert virtual(lambda: Machine(service).run(content(model=model, targets=targets))) == 1
    rules = [line.partition("]")[0] for line in capsys.readouterr().err.splitlines() if line.startswith("- [")]
    assert rules == [
        "- [block: reference-found",
        "- [block: reference-found",
        "- [block: same-resource",
        "- [block: locale-match",
    ]
    assert made(service) == Counter()


def test_rollout_that_only_continues_begins_nothing() -> None:
    """So a schedule may try again every hour of the following days without training again."""
    service = Service("2025-10-15")

    async def job() -> list[int]:
        before = await Machine(service).run(only_continue=True)
        assert made(service) == Counter()
        begun = await Machine(service).run(wait=1)
        await anyio.sleep(86400)
        continued = await Machine(service).run(only_continue=True)
        assert made(service) == ALL
        await anyio.sleep(86400)
        after = await Machine(service).run(only_continue=True)
        return [before, begun, continued, after]

    assert virtual(job) == [0, 3, 0, 0]
    assert made(service) == ALL
