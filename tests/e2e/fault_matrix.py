"""Every tool under every fault in both API versions, in virtual time: what a caller fears, counted.

    .venv/bin/python tests/e2e/fault_matrix.py --runs 1000
    .venv/bin/python tests/e2e/fault_matrix.py --seed 417 --runs 1

One seed is one run: a fresh emulator with canary keys, the real server before it, a client that calls one tool
(once or ten times at once), repeats what failed as a model does, and calls again when the faults are over.
Tools that create something are also run with two servers that share a lock, with a person who answers after minutes
while another server carries out the same request, with a new process for every call, and with three spellings of one
endpoint.
The exit status is 0 only when every figure is as promised.
"""

import argparse
import json
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    redirect_stderr,
    redirect_stdout,
)
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, MCPError
from mcp.types import ElicitResult

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it does not find the folder of tests

from custom_speech_server.app import Settings, build
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.resource_config import EMULATED, Resources
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.speech import VERSIONS
from support.example_calls import example_arguments
from support.fault_matrix_service import EAST, MODEL, WEST, Service, keyed
from support.tool_client import text_of
from support.virtual_time import VirtualLoop, clock

MOST_SECONDS = 50.0
REPETITIONS = 4
MADE = "Made here"

Dice = random.Random
Rules = list[dict[str, Any]]


def _limited(dice: Dice) -> dict[str, Any]:
    """Where and how often a fault strikes."""
    where: list[dict[str, Any]] = [{}, {"method": "POST"}, {"method": "GET"}, {"account": WEST}]
    when: list[dict[str, Any]] = [{}, {"nth": dice.randint(1, 3)}, {"times": dice.randint(1, 5)}]
    often = {"probability": dice.choice((0.3, 0.7)), "seed": dice.randint(0, 999)}
    return dice.choice(where) | dice.choice([*when, often])


def _waiting(dice: Dice) -> dict[str, Any]:
    return dice.choice([{}, {"retry_after": dice.choice((0, 1, 5, 30, 3600))}])


def _late(dice: Dice) -> dict[str, Any]:
    return {"seconds": float(dice.choice((1, 6, 13, 15, 40, 600)))}


HOSTILE = (
    "https://elsewhere.example",
    "http://eastus.localhost.elsewhere.example",
    "https://eastus.api.cognitive.microsoft.com.elsewhere.example",
    "https://elsewhere.cognitiveservices.azure.com",
    "http://eastus.localhost:81",
    "http://eastus.localhost@elsewhere.example",
    "http://[::ffff:7f00:1]",
    "http://2130706433",
)

FAULTS: dict[str, Callable[[Dice], Rules]] = {
    "429": lambda dice: [{"fault": "429"} | _waiting(dice) | _limited(dice)],
    "429 with a date": lambda dice: [{"fault": "429", "retry_after": 3, "retry_after_date": True} | _limited(dice)],
    "500": lambda dice: [{"fault": "500"} | _waiting(dice) | _limited(dice)],
    "503": lambda dice: [{"fault": "503"} | _waiting(dice) | _limited(dice)],
    "close-before": lambda dice: [{"fault": "close-before"} | _limited(dice)],
    "close-after": lambda dice: [{"fault": "close-after"} | _limited(dice)],
    "slow-headers": lambda dice: [{"fault": "slow-headers"} | _late(dice) | _limited(dice)],
    "slow-body": lambda dice: [{"fault": "slow-body"} | _late(dice) | _limited(dice)],
    "truncated": lambda dice: [{"fault": "truncated"} | _limited(dice)],
    "not-json": lambda dice: [{"fault": "not-json"} | _limited(dice)],
    "hostile-link": lambda dice: [{"fault": "hostile-link", "host": dice.choice(HOSTILE)} | _limited(dice)],
    "echoed key": lambda dice: [{"fault": "echo", "times": dice.randint(1, 12)}],
    "client gives up": lambda dice: [{"fault": "slow-headers"} | _late(dice) | _limited(dice)],
    "several": lambda dice: [rule for name in dice.sample(ALONE, 3) for rule in FAULTS[name](dice)],
}
ALONE = [name for name in FAULTS if name not in ("several", "client gives up")]

TEXT = ["Contoso plain text en-US"]
DATA = "deploy.md"
DATA_DIR = Path(__file__).parents[2] / "docs"
"""A folder with text, for uploads; most of it is no good data, but enough is."""

AUDIO = "Contoso audio with transcripts en-US"
TRAINING = {"display_name": MADE, "locale": "en-US", "datasets": TEXT}
TOOLS: dict[str, Callable[[Dice, Service], dict[str, Any]]] = {
    "list_resources": lambda dice, service: {},
    "list_base_models": lambda dice, service: {"locale": "en-US"},
    "list_models": lambda dice, service: {"display_name": dice.choice((MODEL, None))},
    "list_projects": lambda dice, service: {"locale": "en-US"},
    "list_datasets": lambda dice, service: {"locale": "en-US"},
    "plan_model": lambda dice, service: TRAINING,
    "create_model": lambda dice, service: TRAINING | dice.choice(({}, {"project": "Contoso en-US"})),
    "get_model": lambda dice, service: {"model": service.model, "wait_seconds": dice.choice((0, 45))},
    "copy_model": lambda dice, service: (
        {"model": service.model, "to_resource": WEST}
        | dice.choice(({}, {"wait_seconds": 45}, {"wait_seconds": 45, "project": "Contoso en-US"}))
    ),
    "get_copy": lambda dice, service: {"operation": service.operation, "wait_seconds": dice.choice((0, 45))},
    "check_data": lambda dice, service: {"path": DATA},
    "upload_dataset": lambda dice, service: {"display_name": MADE, "locale": "en-US", "kind": "Language", "path": DATA},
    "check_expirations": lambda dice, service: {},
    "create_evaluation": lambda dice, service: {"model": service.model, "dataset": AUDIO, "display_name": MADE},
    "create_project": lambda dice, service: {"display_name": MADE, "locale": "en-US"},
    "delete_entity": lambda dice, service: {"kind": "dataset", "entity": TEXT[0]},
    "deploy_model": lambda dice, service: {"model": service.model, "display_name": MADE, "wait_seconds": 10},
    "get_dataset": lambda dice, service: {"dataset": TEXT[0]},
    "get_endpoint": lambda dice, service: {"endpoint": service.endpoint},
    "get_evaluation": lambda dice, service: {"evaluation": service.evaluation},
    "transcribe": lambda dice, service: {"dataset": AUDIO, "locale": "en-US", "wait_seconds": dice.choice((0, 45))},
    "get_transcription": lambda dice, service: {"transcription": service.transcription},
    "list_endpoints": lambda dice, service: {"resource": dice.choice((None, "*"))},
    "list_evaluations": lambda dice, service: {},
    "update_model": lambda dice, service: {"model": service.model, "description": "Changed"},
    "connect_model": lambda dice, service: {"model": service.model, "project": "Contoso en-US"},
    "roll_out": lambda dice, service: {
        "model": service.model,
        "targets": [{"resource": WEST, "project": "Contoso en-US", "endpoint": MADE}],
        "wait_seconds": 45,
    },
}
for _tool in registered_tools():  # a new tool is called like in the tests of every tool
    TOOLS.setdefault(_tool.name, lambda dice, service, tool=_tool: example_arguments(tool))  # type: ignore[misc]  # bound
MADE_BY = {
    "create_model": (EAST, "models", MADE),
    "copy_model": (WEST, "models", MODEL),
    "create_project": (EAST, "projects", MADE),
    "create_evaluation": (EAST, "evaluations", MADE),
    "deploy_model": (EAST, "endpoints", MADE),
    "roll_out": (WEST, "endpoints", MADE),
    "upload_dataset": (EAST, "datasets", MADE),
    "transcribe": (EAST, "transcriptions", f"{AUDIO} transcription"),
}
"""The tools that make something: where, of what kind, and of what name."""

CIRCUMSTANCES = ("one server", "two servers", "late person", "new process", "three spellings")
LATE_SECONDS = 240.0
SPELLINGS = ("http://eastus.localhost", "http://localhost/eastus", "http://127.0.0.1/eastus")


class SharedLock:
    """Stands in for the lock files of one machine, in virtual time."""

    def __init__(self) -> None:
        self._locks: dict[str, anyio.Lock] = {}
        self._done: set[str] = set()

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[bool]:
        """Hold the lock of a request."""
        async with self._locks.setdefault(key, anyio.Lock()):
            try:
                yield key in self._done
            finally:
                self._done.add(key)

    async def record_event(self, name: str) -> None:
        """Mark a name."""
        self._done.add(name)

    async def has_event(self, name: str) -> bool:
        """Return whether a process has marked the name."""
        return name in self._done


@dataclass
class Run:
    """What one seed showed."""

    seed: int
    tool: str
    fault: str
    version: str
    circumstance: str = "one server"
    seconds: list[float] = field(default_factory=list)
    struck: int = 0
    made: int | None = None
    """Entities there are of what the tool was asked to make, None where it makes none."""
    secrets: int = 0
    elsewhere: int = 0
    unhandled: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether anything is not as promised."""
        wrong = self.made not in (None, 1) or self.secrets or self.elsewhere or self.unhandled
        return bool(wrong or max(self.seconds) > MOST_SECONDS)


QUESTIONS: ContextVar[list[tuple[float, float]]] = ContextVar("questions")
"""When the call of this task was asked a question, and when that was answered."""


class Person:
    """Agrees to everything, after some time."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.waited = seconds, 0.0

    async def agree(self, context: Any, params: Any) -> ElicitResult:
        """Answer the question of a server."""
        asked = anyio.current_time()
        await anyio.sleep(self.seconds)
        self.waited += self.seconds
        if (questions := QUESTIONS.get(None)) is not None:
            questions.append((asked, anyio.current_time()))
        return ElicitResult(action="accept", content={"agree": True})


class Drive:
    """Clients that call one tool, and everything that becomes visible on the way."""

    def __init__(self, run: Run, arguments: dict[str, Any], gives_up: float | None, person: Person) -> None:
        self.run, self.arguments, self.gives_up, self.person = run, arguments, gives_up, person
        self.connect: Callable[[], Any]
        self.visible: list[str] = []

    async def at_once(self, number: int, *, patient: bool = False) -> bool:
        """Call so many times at once; whether all succeeded."""
        succeeded: list[bool] = []

        async def one(client: Client) -> None:
            succeeded.append(await self._call(client, None if patient else self.gives_up))

        async with self.connect() as clients, anyio.create_task_group() as group:
            for place in range(max(number, len(clients))):
                group.start_soon(one, clients[place % len(clients)])
        return all(succeeded)

    async def _call(self, client: Client, gives_up: float | None) -> bool:
        start, waited = anyio.current_time(), self.person.waited
        questions: list[tuple[float, float]] = []
        QUESTIONS.set(questions)
        try:
            result = await client.call_tool(self.run.tool, self.arguments, gives_up, self._progress)
        except MCPError as error:
            if gives_up is None:
                self.run.unhandled.append(f"protocol error: {error}")
            return False
        finally:
            if questions:  # since 2026-07-28 an answered question is sent with a request of its own
                starts, ends = [start, *(end for _, end in questions)], [asked for asked, _ in questions]
                rounds = zip(starts, [*ends, anyio.current_time()], strict=True)
                self.run.seconds += [end - begin for begin, end in rounds]
            else:
                self.run.seconds.append(anyio.current_time() - start - (self.person.waited - waited))
        self._look(result.is_error, text_of(result), json.dumps(result.structured_content))
        return not result.is_error

    def _look(self, is_error: bool, text: str, structure: str) -> None:
        self.visible += [text, structure]
        if is_error and ("internal error" in text or "Error executing" in text or not text):
            self.run.unhandled.append(text)

    async def _progress(self, done: float, total: float | None, message: str | None) -> None:
        self.visible.append(str(message))


async def one(seed: int) -> Run:
    """The run of a seed."""
    dice = random.Random(seed)  # noqa: S311  # repeatable on purpose
    tool, rest = list(TOOLS)[seed % len(TOOLS)], seed // len(TOOLS)
    fault, version = list(FAULTS)[rest % len(FAULTS)], ("2025-10-15", "v3.2")[rest // len(FAULTS) % 2]
    circumstance = dice.choice(CIRCUMSTANCES) if tool in MADE_BY else "one server"
    run, service = Run(seed, tool, fault, version, circumstance), Service(version)
    await service.prepare(marked=dice.random() < 0.7)
    person = Person(LATE_SECONDS if circumstance == "late person" else 0.0)
    with tempfile.TemporaryDirectory() as folder, visible_elsewhere() as elsewhere:
        audit = AuditFile(Path(folder) / "audit.jsonl", clock())
        gives_up = 5.0 if fault == "client gives up" and circumstance != "late person" else None
        drive = Drive(run, TOOLS[tool](dice, service), gives_up, person)
        async with _connected(drive, dice, service, audit):
            await _drive(drive, dice, service, FAULTS[fault](dice))
        drive.visible.append(audit.path.read_text("utf-8") if audit.path.exists() else "")
    run.secrets = sum(key in text for text in [*drive.visible, *elsewhere()] for key in service.keys)
    run.elsewhere = len(service.elsewhere)
    if tool in MADE_BY:
        await anyio.sleep(60)
        run.made = service.count(*MADE_BY[tool])
    return run


async def _drive(drive: Drive, dice: Dice, service: Service, rules: Rules) -> None:
    service.arm(rules)
    number = 1 if drive.run.circumstance == "late person" else dice.choice((1, 1, 1, 10))
    for _ in range(REPETITIONS):
        if await drive.at_once(number):
            break
    drive.run.struck = service.disarm()
    settled = any([await drive.at_once(1, patient=True) for _ in range(REPETITIONS)])
    last = drive.visible[-2]
    is_deleted = drive.run.tool == "delete_entity" and "reference-found]" in last
    if not settled and not is_deleted and "may be an earlier copy" not in last:
        drive.run.unhandled.append(f"still refused without faults: {last}")


@asynccontextmanager
async def _connected(drive: Drive, dice: Dice, service: Service, audit: AuditFile) -> AsyncIterator[None]:
    """Let the drive connect its clients as the circumstance of the run has it."""
    settings, lock, client = _settings(dice, service, audit), SharedLock(), _client(dice, drive.person)
    several = [replace(settings, lock=lock)] * 2
    if drive.run.circumstance == "late person":
        several = [replace(several[0], confirm="ask"), replace(several[0], confirm="never")]
    if drive.run.circumstance == "three spellings":
        service.hosts |= {"localhost", "127.0.0.1"}
        several = [replace(several[0], resources=spelled(settings.resources, address)) for address in SPELLINGS]

    @asynccontextmanager
    async def connect(every: list[Settings]) -> AsyncIterator[list[Client]]:
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(Client(build(one), cache=None, **client)) for one in every]

    if drive.run.circumstance == "new process":
        drive.connect = lambda: connect([settings])
        yield
        return
    async with connect([settings] if drive.run.circumstance == "one server" else several) as clients:
        drive.connect = lambda: nullcontext(clients)
        yield


def spelled(resources: Resources, address: str) -> Resources:
    """Return the resources with another spelling of the first one's endpoint."""
    first, *others = resources.all
    return replace(resources, all=(replace(first, endpoint=address), *others))


def _settings(dice: Dice, service: Service, audit: AuditFile) -> Settings:
    resources: Resources = keyed(EMULATED, service)
    nameless = service.version == "v3.2" and dice.random() < 0.3
    every = (replace(one, resource_id=None if nameless else one.resource_id) for one in resources.all)
    versioned = tuple(replace(one, api_version=VERSIONS[service.version]) for one in every)
    return Settings(
        replace(resources, all=versioned),
        state_key=b"canary-of-the-state-key-" + b"k" * 16,
        confirm=dice.choice(("ask", "never")),
        emulator=lambda: service,
        now=clock(),
        audit=audit,
        data_dirs=(DATA_DIR,),
    )


def _client(dice: Dice, person: Person) -> dict[str, Any]:
    return {"mode": dice.choice(("auto", "legacy")), "elicitation_callback": person.agree}


@contextmanager
def visible_elsewhere() -> Iterator[Callable[[], list[str]]]:
    """What appears on stdout, on stderr and in the log, every level of every logger."""
    written, logged, root = StringIO(), StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(logged), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(written), redirect_stderr(written):
            yield lambda: [written.getvalue(), logged.getvalue()]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def report(runs: list[Run]) -> str:
    """The figures, and the seeds of what is not as promised."""
    counts = Counter(run.made for run in runs if run.made is not None)
    made = ", ".join(f"{count} ({number} runs)" for count, number in sorted(counts.items()))
    lines = [
        f"runs: {len(runs)} ({len({(r.tool, r.fault, r.version) for r in runs})} of "
        f"{len(TOOLS) * len(FAULTS) * 2} combinations of tool, fault and API version), "
        f"calls: {sum(len(run.seconds) for run in runs)}, faults that struck: {sum(run.struck for run in runs)}",
        f"circumstances: {dict(Counter(run.circumstance for run in runs))}",
        f"entities created per request: {made}",
        f"runs over {MOST_SECONDS:.0f} s: {sum(max(run.seconds) > MOST_SECONDS for run in runs)} "
        f"(longest call: {max(max(run.seconds) for run in runs):.1f} s of virtual time)",
        f"secrets seen: {sum(run.secrets for run in runs)}",
        f"credentialed requests to other hosts: {sum(run.elsewhere for run in runs)}",
        f"unhandled errors: {sum(len(run.unhandled) for run in runs)}",
    ]
    failed = [f"seed {run.seed}: {run}" for run in runs if run.failed]
    return "\n".join([*lines, *(failed or ["as promised"])])


def main() -> int:
    """Run, print the figures, and give the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    runs = [anyio.run(one, seed, backend_options={"loop_factory": VirtualLoop}) for seed in seeds]
    sys.stdout.write(report(runs) + "\n")
    return int(any(run.failed for run in runs))


if __name__ == "__main__":
    sys.exit(main())
