"""The audit …"""

import json
import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.types import ElicitResult

from custom_speech_emulator import emulator
from custom_speech_emulator.faults import Faults
from custom_speech_server.audit_log import AuditFile, audit_from_environment
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.resource_config import EMULATED, Resources
from custom_speech_tools.runtime.change_control import Audit
from support.scripted_service import served
from support.virtual_time import BACKEND, START, clock

pytestmark = pytest.mark.anyio

TRAINING = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
STOCK = "Contoso finished model en-US"
WEST = "emulator-westeurope"


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


@pytest.fixture
def azure() -> Any:
    """The service."""
    return emulator(now=clock())


@pytest.fixture
def audit(tmp_path: Path) -> AuditFile:
    """A new audit, below a folder that is not there yet."""
    return AuditFile(tmp_path / "state" / "audit.jsonl", clock())


def entries(audit: AuditFile) -> list[dict[str, Any]]:
    """What was kept."""
    return [json.loads(line) for line in audit.path.read_text("utf-8").splitlines()]


async def yes(context: Any, params: Any) -> ElicitResult:
    """A person who agrees."""
    return ElicitResult(action="accept", content={"agree": True})


async def test_audit_log_keeps_a_line_before_and_a_line_after_each_changing_request(
    azure: Any, audit: AuditFile
) -> None:
    """What was asked, what the guardrails said, who agreed; and what came of it."""
    async with served(azure, audit=audit) as call:
        model = await call("create_model", **TRAINING, description="For the hotline")

    sends, ended = entries(audit)
    same = {"tool": "create_model", "resource": "emulator-eastus", "operation": "Models_Create", "caller": None}
    assert same.items() <= sends.items()
    assert same.items() <= ended.items()
    assert (sends["event"], ended["event"]) == ("sends", "ended")
    assert sends["arguments"] == TRAINING | {"description": "For the hotline"}
    assert sends["confirmation"] == "by the policy --confirm never"
    assert any("training-is-charged" in finding for finding in sends["findings"])
    assert sends["request"] == ended["request"]
    assert (ended["id"], ended["outcome"]) == (model["id"], "done")
    assert sends["time"] == START.isoformat()


async def test_audit_log_keeps_nothing_of_what_only_reads(azure: Any, audit: AuditFile) -> None:
    """Nor of what was refused before anything was sent."""
    async with served(azure, audit=audit) as call:
        await call("list_models")
        await call("plan_model", **TRAINING)
        await call.refusal("create_model", **TRAINING | {"locale": "de-DE"})

    assert not audit.path.exists()


async def test_audit_log_says_how_a_charge_was_agreed_to(azure: Any, audit: AuditFile) -> None:
    """By asking, by token, or because there is none; the token itself is not kept."""
    async with served(azure, audit=audit, confirm="ask", client={"elicitation_callback": yes}) as call:
        await call("create_model", **TRAINING)
    async with served(azure, audit=audit, confirm="ask") as call:
        token = (await call("plan_model", **TRAINING | {"display_name": "B"}))["confirm"]
        await call("create_model", **TRAINING | {"display_name": "B"}, confirm=token)
        await call("create_model", **TRAINING | {"display_name": "C"}, base_model="20230614")

    sends = [entry for entry in entries(audit) if entry["event"] == "sends"]
    assert [entry["confirmation"] for entry in sends] == ["by asking the user", "by token", "not charged"]
    assert token not in audit.path.read_text("utf-8")


async def test_audit_log_keeps_every_step_of_a_copy(azure: Any, audit: AuditFile) -> None:
    """Each on its own resource; the authorization is no thing that was made, and its id is not kept."""
    async with served(azure, audit=audit) as call:
        await call(
            "copy_model", model=STOCK, to_resource=WEST, allow_duplicate=True, project="Contoso en-US", wait_seconds=45
        )

    ended = [entry for entry in entries(audit) if entry["event"] == "ended"]
    assert [(entry["resource"], entry["operation"], bool(entry["id"])) for entry in ended] == [
        (WEST, "Models_AuthorizeCopy", False),
        ("emulator-eastus", "Models_Copy", True),
        (WEST, "Models_Update", True),
    ]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("429", "not done"), ("500", "unknown"), ("close-after", "unknown"), ("not-json", "unknown")],
)
async def test_audit_log_tells_what_is_certain_from_what_is_not(
    azure: Any, audit: AuditFile, fault: str, outcome: str
) -> None:
    """An error after which nothing was done, and one after which something may have been."""
    azure.state.emulator.faults = Faults.parse([{"fault": fault, "operation": "Models_Create", "times": 99}])
    async with served(azure, audit=audit) as call:
        await call.client.call_tool("create_model", TRAINING)

    assert (entries(audit)[1]["outcome"], bool(entries(audit)[1]["error"])) == (outcome, True)


async def test_audit_log_says_that_a_cancelled_request_may_have_been_carried_out(
    azure: Any, audit: AuditFile, caplog: pytest.LogCaptureFixture
) -> None:
    """So does the log."""
    azure.state.emulator.faults = Faults.parse(
        [{"fault": "slow-headers", "seconds": 60.0, "operation": "Models_Create"}]
    )
    async with served(azure, audit=audit) as call:
        with pytest.raises(MCPError):
            await call.client.call_tool("create_model", TRAINING, 5.0)
        await anyio.sleep(1)

    assert entries(audit)[-1]["outcome"] == "interrupted"
    assert "Models_Create of create_model on emulator-eastus was interrupted" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
async def test_audit_log_can_be_read_by_its_owner_alone(azure: Any, audit: AuditFile) -> None:
    """Whatever the mask of the process is."""
    before = os.umask(0)
    try:
        async with served(azure, audit=audit) as call:
            await call("create_model", **TRAINING)
    finally:
        os.umask(before)

    assert audit.path.stat().st_mode & 0o777 == 0o600
    assert audit.path.parent.stat().st_mode & 0o777 == 0o700


class Full:
    """An audit on a disk that is full, from the second line on."""

    def __init__(self, good: int) -> None:
        self.good = good

    def write(self, entry: Any) -> None:
        """Keep so many."""
        self.good -= 1
        if self.good < 0:
            raise OSError(28, "No space left on device")

    def unresolved(self) -> dict[str, float]:
        """Return nothing."""
        return {}

    def last_id(self, key: str) -> None:
        """Return nothing."""


@pytest.mark.parametrize("tool", ["create_model", "copy_model", "connect_model"])
async def test_audit_log_stops_whatever_it_cannot_keep(azure: Any, tool: str) -> None:
    """A full disk is said, and nothing is changed; reading goes on."""
    arguments = {
        "create_model": TRAINING,
        "copy_model": {"model": "Trained", "to_resource": WEST},
        "connect_model": {"model": "Trained", "project": "Contoso en-US"},
    }
    async with served(azure) as call:
        await call("create_model", **TRAINING | {"display_name": "Trained"})
        await call("get_model", model="Trained", wait_seconds=45)
    azure.state.emulator.log.entries.clear()
    async with served(azure, audit=Full(0)) as call:
        refusal = await call.refusal(tool, **arguments[tool])
        await call("list_models")

    assert "The audit file cannot be written (No space left on device)" in refusal
    assert "Nothing was sent" in refusal
    assert {entry["method"] for entry in azure.state.emulator.log.entries} == {"GET"}


async def test_audit_log_does_not_lose_the_answer_when_only_the_end_cannot_be_kept(
    azure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The model is there; the log says that its line is not."""
    async with served(azure, audit=Full(1)) as call:
        assert (await call("create_model", **TRAINING))["id"]

    assert "The audit could not be written" in caplog.text


def test_audit_log_says_at_the_start_that_it_cannot_be_written(tmp_path: Path) -> None:
    """A folder stands where the file should be."""
    file = tmp_path / "file"
    file.touch()

    writable, unwritable = ({"CUSTOM_SPEECH_AUDIT": str(folder / "audit.jsonl")} for folder in (tmp_path, file))

    assert audit_from_environment(writable, EMULATED)[1] == []
    [warning] = audit_from_environment(unwritable, EMULATED)[1]
    assert "no tool will change anything" in warning


async def test_audit_log_goes_on_after_a_line_that_was_cut(azure: Any, audit: AuditFile) -> None:
    """A process that was killed while it wrote leaves a piece; the next line is whole all the same."""
    audit.path.parent.mkdir()
    audit.path.write_text('{"time": "2026-11-02T00:00:00+00:00", "eve', encoding="utf-8")

    async with served(azure, audit=audit) as call:
        await call("create_model", **TRAINING)

    piece, sends, ended = audit.path.read_text("utf-8").splitlines()
    assert piece.endswith('"eve')
    assert [json.loads(line)["event"] for line in (sends, ended)] == ["sends", "ended"]


@pytest.mark.parametrize(
    ("last", "unresolved"),
    [
        ({"event": "sends"}, True),
        ({"event": "ended", "outcome": "unknown", "error": "not done"}, True),
        ({"event": "ended", "outcome": "interrupted", "error": None}, True),
        ({"event": "ended", "outcome": "not done", "error": "answered 400"}, False),
        ({"event": "ended", "outcome": "done", "operation": "Models_Create"}, False),
        ({"event": "ended", "outcome": "done", "operation": "Models_Copy"}, True),
        ({"event": "sends", "time": "2026-11-01T23:59:00+00:00"}, False),
    ],
)
def test_audit_log_tells_a_new_process_what_may_still_appear(
    audit: AuditFile, last: dict[str, Any], unresolved: bool
) -> None:
    """Of the last half minute; a copy shows on its target only when it is done."""
    audit.path.parent.mkdir()
    audit.path.write_text(json.dumps({"time": START.isoformat(), "request": "x"} | last) + "\nno json\n", "utf-8")

    assert list(audit.unresolved()) == (["x"] if unresolved else [])


def test_audit_log_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, nowhere, or beside the state that it is about."""
    real = Resources(EMULATED.all, EMULATED.default, "a file")
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", str(tmp_path / "emulator.sqlite"))

    assert path_of({"CUSTOM_SPEECH_AUDIT": str(tmp_path / "a")}, real) == tmp_path / "a"
    assert path_of({}, EMULATED) == tmp_path / "audit.jsonl"
    assert path_of({}, real).name == "audit.jsonl"
    assert type(audit_from_environment({"CUSTOM_SPEECH_AUDIT": "off"}, real)[0]) is Audit


def path_of(environment: dict[str, str], resources: Resources) -> Path:
    """Where it is kept."""
    found, _ = audit_from_environment(environment, resources)
    assert isinstance(found, AuditFile)
    return found.path


@pytest.mark.skipif(os.name == "nt", reason="named pipes are POSIX")
def test_audit_log_in_a_pipe_is_refused_at_the_start(tmp_path: Path) -> None:
    """Opening one would wait for a reader."""
    pipe = tmp_path / "audit"
    os.mkfifo(pipe)

    with pytest.raises(ConfigurationError, match="a device or pipe"):
        audit_from_environment({"CUSTOM_SPEECH_AUDIT": str(pipe)}, EMULATED)
    with pytest.raises(ConfigurationError, match="a folder"):
        audit_from_environment({"CUSTOM_SPEECH_AUDIT": str(tmp_path)}, EMULATED)


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX")
def test_audit_log_that_others_can_read_is_reported_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.touch()
    file.chmod(0o644)

    [warning] = audit_from_environment({"CUSTOM_SPEECH_AUDIT": str(file)}, EMULATED)[1]

    assert "can be read by others (mode 644)" in warning


@pytest.mark.parametrize(
    "line",
    [b"\xff\xfe not text", b"[]", b"null", b"{}", b'{"request": 1}', b'{"request": "k", "time": 5}', b"[" * 100_000],
    ids=["bytes", "list", "null", "empty", "number", "time", "nested"],
)
def test_audit_log_skips_lines_of_others(audit: AuditFile, line: bytes) -> None:
    audit.write({"event": "sends", "request": "k", "operation": "Models_Create"})
    with audit.path.open("ab") as file:
        file.write(line + b"\n")

    assert set(audit.unresolved()) == {"k"}


def test_audit_log_reads_only_its_end_at_the_start(audit: AuditFile) -> None:
    """A file of any size does not delay the server."""
    audit.write({"event": "sends", "request": "old", "operation": "Models_Create"})
    with audit.path.open("ab") as file:
        file.write(b"x" * 1_000_000 + b"\n")
    audit.write({"event": "sends", "request": "new", "operation": "Models_Create"})

    assert set(audit.unresolved()) == {"new"}
