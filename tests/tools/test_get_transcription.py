"""get_transcription, driven through an MCP client."""

from datetime import timedelta
from pathlib import Path

import pytest

from conftest import Connect
from support.speech_service import Azure
from support.tool_client import rules_of

pytestmark = pytest.mark.anyio

AUDIO = "Contoso audio with transcripts en-US"


async def test_get_transcription_writes_all_texts_to_a_new_file(connect: Connect, tmp_path: Path) -> None:
    async with connect(confirm="never", data_dirs=(tmp_path,)) as call:
        made = await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10)
        got = await call("get_transcription", transcription=made["id"], output="drafts.txt")

    lines = (tmp_path / "drafts.txt").read_text("utf-8-sig").splitlines()
    assert len(lines) - 1 == got["done"] == 24
    assert lines[1].startswith("call-01.wav\t")


async def test_get_transcription_says_that_nothing_is_known_about_the_time(connect: Connect, azure: Azure) -> None:
    async with connect(confirm="never") as call:
        made = await call("transcribe", dataset=AUDIO, locale="en-US")

    assert made["status"] in ("NotStarted", "Running")
    assert made["check_again_after_seconds"] > 0
    assert "the service gives no estimate" in made["next_steps"][0]


async def test_get_transcription_of_an_expired_one_says_what_to_do(connect: Connect, azure: Azure) -> None:
    async with connect(confirm="never") as call:
        made = await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10)
        await azure.advance(timedelta(days=3))
        refusal = await call.refusal("get_transcription", transcription=made["id"])

    assert rules_of(refusal) == ["reference-found"]


async def test_get_transcription_of_a_read_only_server_writes_no_file(connect: Connect, tmp_path: Path) -> None:
    async with connect(confirm="never") as call:
        made = await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10)
    async with connect(read_only=True, data_dirs=(tmp_path,)) as call:
        refusal = await call.refusal("get_transcription", transcription=made["id"], output="new.txt")

    assert rules_of(refusal) == ["output-is-new"]
    assert not (tmp_path / "new.txt").exists()
