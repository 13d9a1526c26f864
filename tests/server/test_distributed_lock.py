"""Locks between processes: of one machine by files, of several by Redis."""

import os
from pathlib import Path
from typing import Any

import anyio
import pytest

from conftest import Connect
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.distributed_lock import FileLock, lock_from_environment
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import LockUnavailableError
from support.speech_service import Azure

pytestmark = pytest.mark.anyio

TRAINING = {"locale": "en-US", "datasets": ["Contoso plain text en-US"]}


async def test_two_servers_of_one_machine_train_the_same_request_once(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    """Twenty requests, each sent to both servers at the same moment."""
    async with (
        connect(confirm="never", lock=FileLock(tmp_path)) as one,
        connect(confirm="never", lock=FileLock(tmp_path)) as other,
    ):
        for number in range(20):
            results: list[dict[str, Any]] = []

            async def train(call: Any, name: str, into: list[dict[str, Any]]) -> None:
                into.append(await call("create_model", display_name=name, **TRAINING))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(train, one, f"Calls {number}", results)
                tasks.start_soon(train, other, f"Calls {number}", results)
            assert sorted(result["already_existed"] for result in results) == [False, True]
            assert len({result["id"] for result in results}) == 1

    assert await azure.writes() == ["Models_Create"] * 20


async def test_server_repeats_at_once_what_another_one_made_and_has_failed(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    """The failed dataset and test are what the other server made; nobody searches for anything else."""
    upload = {"display_name": "Calls", "locale": "en-US", "kind": "Language", "content_url": "http://127.0.0.1:9/a.txt"}
    evaluation = {"model": "Contoso finished model en-US", "dataset": "Contoso audio with transcripts en-US"}
    async with connect(lock=FileLock(tmp_path)) as one, connect(lock=FileLock(tmp_path)) as other:
        failed_dataset = await one("upload_dataset", **upload, wait_seconds=10)
        failed_test = await one("create_evaluation", **evaluation)
        await azure.finish(failed_test["id"], "Failed", {"code": "InvalidTest", "message": "No such audio"})
        await azure.forget()
        dataset = await other("upload_dataset", **upload)
        test = await other("create_evaluation", **evaluation)

    assert failed_dataset["status"] == "Failed"
    assert (dataset["already_existed"], test["already_existed"]) == (False, False)
    assert f"({failed_dataset['id']}), failed" in dataset["findings"][0]["message"]
    assert any(f"({failed_test['id']}), failed" in finding["message"] for finding in test["findings"])
    operations = await azure.operations()
    # The second list of datasets finds the dataset of the test by its name.
    assert (operations.count("Datasets_List"), operations.count("Evaluations_List")) == (2, 1)


async def test_file_lock_says_that_another_process_has_completed_the_request(tmp_path: Path) -> None:
    async with FileLock(tmp_path).hold("key") as first:
        pass
    async with FileLock(tmp_path).hold("key") as second:
        pass
    async with FileLock(tmp_path).hold("other") as other:
        pass

    assert (first, second, other) == (False, True, False)


async def test_file_lock_keeps_no_marker_of_a_request_that_changed_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        async with FileLock(tmp_path).hold("key"):
            raise Refused("Nothing was created.", [], "")
    async with FileLock(tmp_path).hold("key") as is_done:
        pass

    assert not is_done


async def test_file_lock_keeps_a_marker_of_a_request_with_an_unknown_outcome(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        async with FileLock(tmp_path).hold("key"):
            raise RuntimeError("cut off")
    async with FileLock(tmp_path).hold("key") as is_done:
        pass

    assert is_done


async def test_file_lock_removes_old_files(tmp_path: Path) -> None:
    async with FileLock(tmp_path).hold("old"):
        pass
    for file in files(tmp_path):
        os.utime(file, (0, 0))
    async with FileLock(tmp_path).hold("new"):
        pass

    assert [file.name for file in files(tmp_path) if file.name.startswith("old")] == []


def files(folder: Path) -> list[Path]:
    """Return the files of a folder."""
    return list(folder.iterdir())


async def test_file_lock_refuses_where_its_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LockUnavailableError, match="cannot be taken"):
        async with FileLock(tmp_path / "file").hold("key"):
            pass


async def test_file_lock_whose_events_cannot_be_read_is_unavailable_instead_of_without_events(tmp_path: Path) -> None:
    """A used token or a refusal must not count as absent."""
    (tmp_path / "file").touch()
    with pytest.raises(LockUnavailableError, match="cannot be read"):
        await FileLock(tmp_path / "file").has_event("key")


def test_lock_url_that_is_none_is_refused() -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    with pytest.raises(ConfigurationError, match="CUSTOM_SPEECH_LOCK_URL must be the address of a store"):
        lock_from_environment({"CUSTOM_SPEECH_LOCK_URL": "nowhere"}, None)


async def test_file_lock_leaves_an_old_folder_in_its_directory_alone(tmp_path: Path) -> None:
    """A backup or a sync tool puts one there; no request must depend on it."""
    (tmp_path / "old").mkdir()
    os.utime(tmp_path / "old", (0, 0))

    async with FileLock(tmp_path).hold("key") as is_done:
        assert not is_done
