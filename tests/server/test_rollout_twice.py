"""The same rollout at the same moment in two processes: everything is made once, and neither fails."""

import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest

from custom_speech_server.audit_log import AuditFile
from custom_speech_server.distributed_lock import RedisLock
from custom_speech_tools.rollout.target import COPIES_PROPERTY
from custom_speech_tools.runtime.idempotency import idempotency_key
from e2e.fault_matrix import SharedLock
from server.test_rollout import ALL, SOUTH, Machine, content, made, virtual
from server.test_rollout_agreement import change, entity
from support.fault_matrix_service import EAST, WEST, Service
from support.redis_server import redis_server
from support.virtual_time import clock


def paced(service: Service, chance: random.Random) -> Callable[..., Awaitable[None]]:
    """The service behind a network whose delays differ from request to request."""

    async def delayed(scope: Any, receive: Any, send: Any) -> None:
        await anyio.sleep(chance.uniform(0.01, 1.5))
        await service(scope, receive, send)

    return delayed


async def pair(service: Service, machines: list[Machine], seed: int) -> list[int]:
    """Run the command on both machines, the second one up to ten seconds later; return the exit statuses."""
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    statuses: list[int] = []

    async def run(machine: Machine, delay: float) -> None:
        await anyio.sleep(delay)
        statuses.append(await machine.run(behind=paced(service, chance)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, machines[0], 0)
        tasks.start_soon(run, machines[1], chance.choice([0, 0.5, 3, 10]))
    return statuses


@pytest.mark.parametrize("seed", range(6))
def test_rollout_twice_on_one_machine_makes_everything_once(tmp_path: Path, seed: int) -> None:
    """Both processes share the state directory: locks, agreements and the audit log."""
    service = Service("2025-10-15")
    shared: dict[str, Any] = {"lock": SharedLock(), "agreement_store": dict[str, str]()}

    async def job() -> list[int]:
        machines = [Machine(service, audit=AuditFile(tmp_path / "audit", clock()), **shared) for _ in range(2)]
        return await pair(service, machines, seed)

    assert virtual(job) == [0, 0]
    assert made(service) == ALL


@pytest.mark.parametrize("seed", range(6))
def test_rollout_on_two_machines_with_a_shared_lock_makes_everything_once(tmp_path: Path, seed: int) -> None:
    """Each machine has a state directory of its own."""
    service, lock = Service("2025-10-15"), SharedLock()

    async def job() -> list[int]:
        machines = [Machine(service, audit=AuditFile(tmp_path / str(one), clock()), lock=lock) for one in range(2)]
        return await pair(service, machines, seed)

    assert virtual(job) == [0, 0]
    assert made(service) == ALL


@pytest.mark.long
def test_rollout_on_two_machines_with_redis_makes_everything_once(tmp_path: Path) -> None:
    service = Service("2025-10-15")

    async def job(url: str) -> list[int]:
        statuses: list[int] = []

        async def run(name: str) -> None:
            lock = RedisLock(url)
            machine = Machine(service, audit=AuditFile(tmp_path / name), lock=lock)
            async with aclosing(lock._redis):
                statuses.append(await machine.run())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "first")
            tasks.start_soon(run, "second")
        return statuses

    with redis_server() as url:
        assert anyio.run(job, url) == [0, 0]
    assert made(service) == ALL


def test_rollout_one_machine_after_the_other_without_a_shared_lock_makes_everything_once() -> None:
    """A scheduler that runs one at a time is enough: what the first one began is found by the second one."""
    service = Service("2025-10-15")

    async def job() -> list[int]:
        return [await Machine(service).run(wait=5), await Machine(service).run()]

    assert virtual(job) == [3, 0]
    assert made(service) == ALL


@pytest.mark.parametrize(("method", "place"), [("POST", "/endpoints"), ("PATCH", "/models/"), ("POST", ":copy")])
def test_rollout_waits_for_a_conflict_right_after_the_guardrail(method: str, place: str) -> None:
    """Another run works on the same entity at this moment: no target has failed."""
    service, conflicts = Service("2025-10-15"), [2]

    async def conflicting(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == method and place in scope["path"] and conflicts[0]:
            conflicts[0] -= 1
            await send({"type": "http.response.start", "status": 409, "headers": []})
            await send({"type": "http.response.body", "body": b'{"code": "Conflict", "message": "It is in use."}'})
            return
        await service(scope, receive, send)

    assert virtual(lambda: Machine(service).run(behind=conflicting)) == 0
    assert conflicts == [0]
    assert made(service) == ALL
    assert service.count(EAST, "models", "Clinic 2026-11-02") == service.count(WEST, "endpoints", "live") == 1


def test_rollout_keeps_the_note_of_a_copy_to_a_target_that_does_not_answer() -> None:
    """Another machine has begun it: without the note it would be started again as soon as the target answers."""
    service = Service("2025-10-15")

    async def job() -> str:
        assert await Machine(service).run(wait=1) == 3
        await anyio.sleep(60)
        service.emulation.tick()
        south = next(one for one in Machine(service).settings.resources.all if one.name == SOUTH)
        tag = idempotency_key(south.identity)[:6]
        model = entity(service, EAST, "models", "Clinic")
        properties = model.document["customProperties"]
        change(service, model, customProperties=properties | {COPIES_PROPERTY: f"2026-11-02T00:00Z {tag}"})
        service.arm([{"fault": "503", "account": SOUTH}])
        assert await Machine(service).run(content(gate=None), wait=60) == 3
        noted = entity(service, EAST, "models", "Clinic").document["customProperties"][COPIES_PROPERTY]
        assert tag in noted
        return str(noted)

    assert len(virtual(job).split()) == 3
    assert service.count(WEST, "models", "Clinic 2026-11-02") == 1
