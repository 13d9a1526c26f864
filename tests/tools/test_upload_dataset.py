"""upload_dataset, driven through an MCP client."""

import importlib
import os
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from custom_speech_data.content import Content
from custom_speech_server.audit_log import AuditFile
from custom_speech_tools.runtime import block_upload
from support.recordings import wav
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

NEW: dict[str, Any] = {"display_name": "Calls", "locale": "en-US", "kind": "Language"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the operator allowed, with a good text."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("\ufeffone good line\nanother line\n", encoding="utf-8")
    return tmp_path / "data"


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2", "2024-11-15"])
async def test_upload_dataset_uploads_a_file_in_blocks(
    connect: Connect, azure: Azure, folder: Path, version: str
) -> None:
    async with connect(version=version, data_dirs=(folder,)) as call:
        dataset = await call("upload_dataset", **NEW, path="a.txt", wait_seconds=10)

    assert (dataset["status"], dataset["lines"], dataset["rejected_lines"]) == ("Succeeded", 2, 0)
    assert dataset["uploaded_bytes"] == dataset["total_bytes"] == (folder / "a.txt").stat().st_size
    assert await azure.writes() == ["Datasets_Create", "Datasets_UploadBlock", "Datasets_CommitBlocks"]


async def test_upload_dataset_makes_one_dataset_of_the_same_content(
    connect: Connect, azure: Azure, folder: Path
) -> None:
    (folder / "copy.txt").write_bytes((folder / "a.txt").read_bytes())
    async with connect(data_dirs=(folder,)) as call:
        first = await call("upload_dataset", **NEW, path="a.txt")
        again = await call("upload_dataset", **NEW, path="copy.txt")

    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert (await azure.writes()).count("Datasets_Create") == 1


async def test_upload_dataset_goes_on_where_an_earlier_process_stopped(
    connect: Connect, azure: Azure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks that the service has are not sent again."""
    monkeypatch.setattr(block_upload, "BLOCK_BYTES", 8)
    monkeypatch.setattr(block_upload, "CONCURRENT_BLOCKS", 1)
    async with connect(data_dirs=(folder,)) as call:
        with monkeypatch.context() as patch:
            patch.setattr(block_upload, "_SECONDS_FOR_A_BLOCK", 1_000.0)
            stopped = await call("upload_dataset", **NEW, path="a.txt")
        whole = block_upload._read_block
        with monkeypatch.context() as patch:
            patch.setattr(
                block_upload, "_read_block", lambda file, number: whole(file, number) if number < 2 else 1 / 0
            )
            await call.refusal("upload_dataset", **NEW, path="a.txt")
    await azure.forget()
    async with connect(data_dirs=(folder,)) as call:
        dataset = await call("upload_dataset", **NEW, path="a.txt", wait_seconds=10)

    blocks = -(-dataset["total_bytes"] // 8)
    assert stopped["uploaded_bytes"] == 0
    assert "Call upload_dataset again" in stopped["next_steps"][0]
    assert dataset["status"] == "Succeeded"
    assert await azure.writes() == ["Datasets_UploadBlock"] * (blocks - 2) + ["Datasets_CommitBlocks"]


async def test_upload_dataset_repairs_a_copy_and_says_what_it_changed(connect: Connect, folder: Path) -> None:
    content = "hello there\r\n\r\nworld\r\n".encode("utf-16")
    (folder / "a.txt").write_bytes(content)
    async with connect(data_dirs=(folder,)) as call:
        dataset = await call("upload_dataset", **NEW, path="a.txt", wait_seconds=10)
        refusal = await call.refusal("upload_dataset", **NEW, path="a.txt", repair=False)

    assert (dataset["status"], dataset["lines"]) == ("Succeeded", 2)
    assert dataset["repairs"] == [
        "converted from UTF-16 to UTF-8",
        "empty lines removed: 1",
        "lines with Windows line ends: 3",
    ]
    assert (folder / "a.txt").read_bytes() == content
    assert rules_of(refusal) == ["data-is-valid"]


async def test_upload_dataset_packs_a_folder(connect: Connect, folder: Path) -> None:
    (folder / "calls").mkdir()
    (folder / "calls" / "a.wav").write_bytes(wav())
    (folder / "calls" / "trans.txt").write_text("a.wav\thello there\n", encoding="utf-8")
    async with connect(data_dirs=(folder,)) as call:
        dataset = await call("upload_dataset", **NEW | {"kind": "Acoustic"}, path="calls", wait_seconds=10)

    assert (dataset["status"], dataset["lines"]) == ("Succeeded", 1)
    assert dataset["repairs"] == ["packed 2 files of the folder as a zip archive"]


async def test_upload_dataset_sends_nothing_that_cannot_be_imported(
    connect: Connect, azure: Azure, folder: Path
) -> None:
    (folder / "a.txt").write_bytes(b"PK\x03\x04 not really an archive")
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("upload_dataset", **NEW, path="a.txt", project="Contoso de-DE")

    assert rules_of(refusal) == ["locale-match", "data-is-valid"]
    assert await azure.writes() == []


async def test_upload_dataset_masks_the_signature_of_an_address_everywhere(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    audit = AuditFile(tmp_path / "audit.jsonl")
    url = "https://contoso.blob.core.windows.net/data/a.txt?sv=2024&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"
    async with connect(audit=audit) as call:
        dataset = await call("upload_dataset", **NEW, content_url=url, wait_seconds=10)
        again = await call("upload_dataset", **NEW, content_url=url.replace("c2Vjcm", "b3RoZX"))

    assert "c2VjcmV0" not in str(dataset)
    assert "c2VjcmV0" not in audit.path.read_text("utf-8")
    assert "contoso.blob.core.windows.net" in audit.path.read_text("utf-8")
    assert again["already_existed"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"path": "a.txt", "content_url": "https://contoso.example/a.txt"},
        {"content_url": "ftp://contoso.example/a.txt"},
        {"content_url": "https://user:password@contoso.example/a.txt"},
        {"content_url": "file:///etc/passwd"},
    ],
)
async def test_upload_dataset_refuses_sources_that_make_no_sense(
    call: Caller, azure: Azure, arguments: dict[str, Any]
) -> None:
    refusal = await call.refusal("upload_dataset", **NEW, **arguments)

    assert "content_url" in refusal
    assert "password" not in refusal
    assert await azure.operations() == []


async def test_upload_dataset_imports_nothing_of_a_file_that_changes_meanwhile(
    connect: Connect, azure: Azure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = block_upload._read_block

    def changing(content: Content, number: int) -> bytes:
        (folder / "a.txt").write_bytes(b"quite another text, and longer\n" * 2)
        return whole(content, number)

    monkeypatch.setattr(block_upload, "_read_block", changing)
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("upload_dataset", **NEW, path="a.txt", repair=False)

    assert rules_of(refusal) == ["data-is-valid"]
    assert "was changed while it was uploaded" in refusal
    assert await azure.writes() == ["Datasets_Create"]


@pytest.fixture
def outside(folder: Path) -> Path:
    """A folder that nobody allowed, with a file of the name that one in an allowed folder has."""
    (folder / "calls").mkdir()
    (folder / "calls" / "a.txt").write_text("\ufeffa good line\n", encoding="utf-8")
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("a secret of somebody else\n", encoding="utf-8")
    return outside


def swap_before(monkeypatch: pytest.MonkeyPatch, function: str, path: Path, target: Path) -> None:
    """Put a link in the place of a path directly before a function is called."""
    module, name = function.rsplit(".", 1)
    whole = getattr(importlib.import_module(module), name)

    def swapped(*arguments: Any, **options: Any) -> Any:
        path.rename(path.parent.parent / "away")
        path.symlink_to(target)
        return whole(*arguments, **options)

    monkeypatch.setattr(function, swapped)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("swapped", ["calls/a.txt", "calls"])
async def test_upload_dataset_follows_no_link_that_was_put_in_the_way_after_the_path_was_allowed(
    connect: Connect, azure: Azure, folder: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    target = outside / "a.txt" if swapped.endswith(".txt") else outside
    swap_before(monkeypatch, "custom_speech_tools.upload_dataset.checked_data", folder / swapped, target)
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("upload_dataset", **NEW, path="calls/a.txt")

    assert rules_of(refusal) == ["data-is-valid"]
    assert await azure.writes() == []


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
async def test_upload_dataset_sends_the_file_that_it_checked_when_its_path_is_swapped(
    connect: Connect, folder: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap_before(
        monkeypatch,
        "custom_speech_tools.guardrails.upload_plan.block_digests",
        folder / "calls" / "a.txt",
        outside / "a.txt",
    )
    async with connect(data_dirs=(folder,)) as call:
        dataset = await call("upload_dataset", **NEW, path="calls/a.txt", repair=False, wait_seconds=10)

    assert (dataset["status"], dataset["total_bytes"]) == ("Succeeded", len("\ufeffa good line\n".encode()))


def test_block_ids_are_equally_long_and_in_order() -> None:
    ids = block_upload.block_ids(1024**3)

    assert len(ids) == 128
    assert len({len(one) for one in ids}) == 1
    assert ids == sorted(ids)
