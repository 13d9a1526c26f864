"""upload_dataset, driven through an MCP client."""

import importlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from conftest import Connect
from custom_speech_server.audit_log import AuditFile
from custom_speech_tools.guardrails import blockwise_upload
from custom_speech_tools.speech import Speech
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
    monkeypatch.setattr(blockwise_upload, "BLOCK_BYTES", 8)
    monkeypatch.setattr(blockwise_upload, "CONCURRENT_BLOCKS", 1)
    async with connect(data_dirs=(folder,)) as call:
        with monkeypatch.context() as patch:
            patch.setattr(blockwise_upload, "_SECONDS_FOR_A_BLOCK", 1_000.0)
            stopped = await call("upload_dataset", **NEW, path="a.txt")
        whole, sent = Speech.datasets_upload_block, iter(range(2))

        async def two_blocks(*block: Any) -> None:
            next(sent)  # StopIteration, which nothing expects, ends the call
            await whole(*block)

        with monkeypatch.context() as patch:
            patch.setattr(Speech, "datasets_upload_block", two_blocks)
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


SECRET = "c2VjcmV0c2lnbmF0dXJl"
BLOB = "https://contoso.blob.core.windows.net/data"


@pytest.mark.parametrize(
    "url",
    [
        f"{BLOB}/a.txt?sv=2024-11-04&sp=r&se=2099-01-01T00:00:00Z&sig={SECRET}%3D%3D",
        f"{BLOB}/a.txt?sv=2024-11-04&sp=r&%73ig={SECRET}",
        f"https://contoso.s3.amazonaws.com/data/a.txt?X-Amz-Credential=AKIA{SECRET}&X-Amz-Signature={SECRET}",
        f"https://storage.googleapis.com/data/a.txt?X-Goog-Signature={SECRET}",
        f"https://files.contoso.example/a.txt?token={SECRET}",
        f"https://files.contoso.example/a.txt?auth={SECRET}#{SECRET}",
        f"https://files.contoso.example/{SECRET}/a.txt",
        f"https://files.contoso.example/download/x{SECRET}0123",
        f"https://files.contoso.example/t/{SECRET}0123.txt",
        f"https://files.contoso.example/a.txt;token={SECRET}",
    ],
)
async def test_upload_dataset_keeps_no_secret_of_an_address(
    connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level("DEBUG")
    audit = AuditFile(tmp_path / "audit.jsonl")
    async with connect(audit=audit) as call:
        dataset = await call("upload_dataset", **NEW, content_url=url, wait_seconds=10)

    recorded = audit.path.read_text("utf-8")
    assert SECRET not in str(dataset) + recorded + caplog.text
    assert str(urlsplit(url).hostname) in recorded


async def test_upload_dataset_masks_the_signature_of_an_address_everywhere(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    audit = AuditFile(tmp_path / "audit.jsonl")
    async with connect(audit=audit) as call:
        dataset = await call("upload_dataset", **NEW, content_url=f"{BLOB}/a.txt?sv=2024&sig={SECRET}")
        again = await call("upload_dataset", **NEW, content_url=f"{BLOB}/a.txt?sv=2025&sig=b3RoZXI%3D")

    assert SECRET not in str(dataset) + audit.path.read_text("utf-8")
    sent = json.loads(audit.path.read_text("utf-8").splitlines()[0])
    assert sent["arguments"]["content_url"] == "https://contoso.blob.core.windows.net/…/a.txt?***"
    assert (again["id"], again["already_existed"]) == (dataset["id"], True)
    assert "its content was not read again" in again["findings"][0]["message"]
    assert (await azure.writes()) == ["Datasets_Create"]


async def test_upload_dataset_imports_an_address_again_on_purpose(connect: Connect, azure: Azure) -> None:
    address = {"content_url": f"{BLOB}/a.txt?sig={SECRET}"}
    async with connect() as call:
        first = await call("upload_dataset", **NEW, **address)
        second = await call("upload_dataset", **NEW, **address, allow_duplicate=True)
        third = await call("upload_dataset", **NEW, **address)

    assert second["id"] != first["id"]
    assert not second["already_existed"]
    assert third["id"] in (first["id"], second["id"])
    assert (await azure.writes()) == ["Datasets_Create"] * 2


async def test_upload_dataset_tells_addresses_by_their_query(connect: Connect) -> None:
    """Parameters of signatures aside, and however host and port are written."""
    base = "https://files.contoso.example"
    same = [
        f"{base}/get?file=monday&se=2099-01-01&sig=a",
        f"{base.upper().replace('HTTPS', 'https')}:443/get?file=monday",
    ]
    others = [f"{base}/get?file=tuesday", f"{base}/get?file=monday&versionid=2", f"{base}:8443/get?file=monday"]
    async with connect() as call:
        ids = [(await call("upload_dataset", **NEW, content_url=url))["id"] for url in same + others]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


async def test_upload_dataset_imports_again_what_has_failed(connect: Connect, azure: Azure) -> None:
    """Also with a new signature: a failed import is never the same."""
    address = "http://127.0.0.1:9/a.txt"
    async with connect() as call:
        first = await call("upload_dataset", **NEW, content_url=f"{address}?sig=old", wait_seconds=10)
        second = await call("upload_dataset", **NEW, content_url=f"{address}?sig=new", wait_seconds=10)

    assert first["status"] == second["status"] == "Failed"
    assert second["id"] != first["id"]
    assert not second["already_existed"]
    named = f'dataset "{NEW["display_name"]}" ({first["id"]}), failed'
    assert f"An earlier import of the same data, {named}" in second["findings"][0]["message"]
    assert (await azure.writes()) == ["Datasets_Create"] * 2


async def test_upload_dataset_at_two_resources_at_once_makes_two_datasets(connect: Connect, folder: Path) -> None:
    found: list[dict[str, Any]] = []

    async def upload(call: Caller, resource: str) -> None:
        found.append(await call("upload_dataset", **NEW, path="a.txt", resource=resource))

    async with connect(data_dirs=(folder,)) as call, anyio.create_task_group() as tasks:
        for resource in ("emulator-eastus", "emulator-westeurope") * 3:
            tasks.start_soon(upload, call, resource)

    assert len({(dataset["resource"], dataset["id"]) for dataset in found}) == 2
    assert {dataset["resource"] for dataset in found} == {"emulator-eastus", "emulator-westeurope"}


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
    whole = blockwise_upload.block_ids

    def changing(size: int) -> list[str]:
        (folder / "a.txt").write_bytes(b"quite another text, and longer\n" * 2)
        return whole(size)

    monkeypatch.setattr(blockwise_upload, "block_ids", changing)
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
    swap_before(monkeypatch, "custom_speech_tools.upload_dataset.open_checked_data", folder / swapped, target)
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
    ids = blockwise_upload.block_ids(1024**3)

    assert len(ids) == 128
    assert len({len(one) for one in ids}) == 1
    assert ids == sorted(ids)


SENTENCES = ["The patient takes ten milligrams of Xarelto.", "Eliquis was stopped before surgery.", "naïve café"]


@pytest.mark.parametrize("allows_local_files", [True, False])
async def test_upload_dataset_takes_lines_of_text(connect: Connect, azure: Azure, *, allows_local_files: bool) -> None:
    """Over HTTP as well, where no local file is read: they are part of the call."""
    async with connect(allows_local_files=allows_local_files) as call:
        checked = await call("check_data", lines=SENTENCES, kind="Language", locale="en-US")
        dataset = await call("upload_dataset", **NEW, lines=SENTENCES, wait_seconds=10)
        again = await call("upload_dataset", **NEW, lines=SENTENCES)

    assert (checked["ok"], checked["needs_repair"], checked["lines"], checked["words"]) == (True, False, 3, 14)
    assert "path" not in checked
    assert (dataset["status"], dataset["lines"], dataset["repairs"], dataset["findings"]) == ("Succeeded", 3, [], [])
    assert (again["id"], again["already_existed"]) == (dataset["id"], True)
    assert (await azure.writes()).count("Datasets_Create") == 1


async def test_upload_dataset_takes_lines_and_a_file_of_them_for_the_same(connect: Connect, folder: Path) -> None:
    (folder / "b.txt").write_text("\ufeff" + "\n".join(SENTENCES) + "\n", encoding="utf-8", newline="\n")
    async with connect(data_dirs=(folder,)) as call:
        from_file = await call("upload_dataset", **NEW, path="b.txt")
        from_lines = await call("upload_dataset", **NEW, lines=SENTENCES)

    assert (from_lines["id"], from_lines["already_existed"]) == (from_file["id"], True)


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("LanguageMarkdown", ["@ list drug =", "- Xarelto", "- Eliquis", "# dosage", "- take {@drug} daily"]),
        ("Pronunciation", ["Xarelto\tza rel toe"]),
        ("OutputFormatting", ["#rewrite", "xarelto\tXarelto"]),
    ],
)
async def test_upload_dataset_takes_lines_of_every_kind_of_text(connect: Connect, kind: str, lines: list[str]) -> None:
    async with connect() as call:
        assert (await call("check_data", lines=lines))["kind"] == kind
        dataset = await call("upload_dataset", **NEW | {"kind": kind}, lines=lines, wait_seconds=10)

    assert (dataset["status"], dataset["rejected_lines"]) == ("Succeeded", 0)


@pytest.mark.parametrize(
    ("lines", "accepted", "repairs"),
    [
        (["one line\nanother line", "last\r\n"], 3, ["lines with line breaks inside split: 1"]),
        (["\ufeffone line", "\ufeffanother"], 2, ["byte order marks within the text removed: 2"]),
        (["one line", "", "  "], 1, ["empty lines removed: 2"]),
        (["one line", "x" * 1_000_000], 1, ["lines longer than 32768 characters removed: 1"]),
        ("a single sentence", 1, []),
        (["schön".replace("ö", "o\u0308")], 1, ["lines normalized to NFC: 1"]),
    ],
)
async def test_upload_dataset_repairs_lines_and_says_so(
    connect: Connect, lines: Any, accepted: int, repairs: list[str]
) -> None:
    async with connect() as call:
        dataset = await call("upload_dataset", **NEW, lines=lines, wait_seconds=10)

    assert (dataset["lines"], dataset["repairs"]) == (accepted, repairs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lines": ["a line"] * 20_000}, "20000 lines of 120000 bytes are too many for a call, which takes 5000 lines"),
        ({"lines": ["x" * 2_000_000]}, "1 lines of 2000000 bytes are too many"),
        ({"lines": []}, "at least 1"),
        ({"lines": ["a line"], "path": "a.txt"}, "exactly one of path, content_url and lines is needed"),
        ({"lines": ["a line"], "kind": "Acoustic"}, "lines are text, and Acoustic has recordings"),
        ({"lines": ["one\ntwo"], "repair": False}, "Line 1 has a line break inside"),
        ({"lines": ["a \u0000 line"]}, "It has zero bytes"),
        ({"lines": ["ring \u0007"]}, "it contains the character U+0007"),
        ({"lines": ["x" * 1_000_000]}, "empty"),
        ({"lines": ["AccountKey=0123456789abcdef=="]}, "contains a key or password"),
    ],
)
async def test_upload_dataset_refuses_lines_that_cannot_be_used(
    connect: Connect, azure: Azure, arguments: dict[str, Any], message: str
) -> None:
    async with connect() as call:
        refusal = await call.refusal("upload_dataset", **NEW | arguments)

    assert message in refusal
    assert await azure.writes() == []


async def test_upload_dataset_records_the_digest_of_lines(connect: Connect, tmp_path: Path) -> None:
    audit = AuditFile(tmp_path / "audit.jsonl")
    async with connect(audit=audit) as call:
        await call("upload_dataset", **NEW, lines=SENTENCES)

    recorded = audit.path.read_text("utf-8")
    assert '"lines":{"count":3,"sha256":' in recorded.replace(" ", "")
    assert "Xarelto" not in recorded
