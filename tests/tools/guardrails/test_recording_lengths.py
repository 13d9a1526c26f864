"""Recordings longer than training takes (rule recording-length)."""

from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from custom_speech_tools.guardrails.recording_lengths import lengths_of, note_lengths
from custom_speech_tools.speech import schemas
from support.recordings import wav

pytestmark = pytest.mark.anyio

DATASET = "https://eastus.api.cognitive.microsoft.com/speechtotext/datasets/11111111-1111-4111-8111-111111111111"


def dataset(note: str | None, lines: int, seconds: float) -> schemas.Dataset:
    """A dataset of the service with a note of its recordings."""
    properties = {"acceptedLineCount": lines, "durationMilliseconds": int(seconds * 1000)}
    entity = {"self": DATASET, "displayName": "d", "locale": "en-US", "kind": "Acoustic", "status": "Succeeded"}
    noted = {"customProperties": {"custom-speech-mcp-recordings": note}} if note else {}
    return schemas.Dataset.model_validate(entity | noted | {"properties": properties})


def test_recording_lengths_come_from_the_note_of_the_upload() -> None:
    note = note_lengths([10_000, 35_000, 50_000])

    assert note == "count=3 over30=2 used30=10 over40=1 used40=45"
    assert lengths_of(dataset(note, 3, 95)) == (3, 1, 45)
    assert lengths_of(dataset(note, 3, 95), 30) == (3, 2, 10)


@pytest.mark.parametrize(
    "note", ["count=1 over30=9 used30=0 over40=9 used40=0", "count=3 over30=3 used30=0 over40=3 used40=0", "x", ""]
)
def test_recording_lengths_do_not_believe_a_note_that_contradicts_the_service(note: str) -> None:
    """Anybody who may write there could block or hide something otherwise."""
    assert lengths_of(dataset(note, 3, 95)) == (3, 0, 95)


def test_recording_lengths_of_a_single_recording_are_known() -> None:
    assert lengths_of(dataset(None, 1, 60)) == (1, 1, 0)


async def uploaded(connect: Connect, folder: Path, seconds: list[int]) -> tuple[dict[str, Any], ...]:
    """Check, upload and plan with recordings of these lengths; return check, upload and plan."""
    calls = folder / "calls"
    calls.mkdir()
    for number, length in enumerate(seconds):
        (calls / f"{number}.wav").write_bytes(wav(length, 8_000))
    (calls / "trans.txt").write_text("".join(f"{number}.wav\thello there\n" for number in range(len(seconds))))
    async with connect(data_dirs=(folder,), confirm="never") as call:
        check = await call("check_data", path="calls", locale="en-US")
        upload = await call(
            "upload_dataset", display_name="Calls", locale="en-US", kind="Acoustic", path="calls", wait_seconds=10
        )
        return check, upload, await call("plan_model", locale="en-US", datasets=[upload["id"]])


def stated(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The level and the beginning of each finding on lengths."""
    found = [finding for finding in answer["findings"] if finding["rule"] == "recording-length"]
    return [(finding["level"], finding["message"].partition(" recordings")[0]) for finding in found]


async def test_recording_length_warns_where_some_are_too_long(connect: Connect, tmp_path: Path) -> None:
    check, upload, plan = await uploaded(connect, tmp_path, [30, 39, 50, 100])

    assert stated(check) == stated(upload) == stated(plan) == [("warn", "2 of 4")]
    assert check["estimated_training_days"] == plan["estimated_training_days"]
    assert plan["audio_hours"] == round(69 / 3600, 2)


async def test_recording_length_blocks_a_training_where_all_are_too_long(connect: Connect, tmp_path: Path) -> None:
    check, upload, plan = await uploaded(connect, tmp_path, [50, 60])

    assert stated(check) == stated(upload) == [("warn", "2 of 2")]
    assert stated(plan) == [("block", "2 of 2")]
    assert (check["ok"], upload["status"], plan["ok"]) == (True, "Succeeded", False)
    assert "For testing up to two hours is fine." in check["findings"][0]["fix"]
