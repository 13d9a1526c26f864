"""check_data, driven through an MCP client."""

import os
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from support.recordings import wav
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the operator allowed."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


async def checked(connect: Connect, folder: Path, path: str, **arguments: Any) -> dict[str, Any]:
    """Return the check of a file in an allowed folder."""
    async with connect(data_dirs=(folder,)) as call:
        return await call("check_data", path=path, **arguments)


async def test_check_data_names_line_and_reason(connect: Connect, folder: Path) -> None:
    (folder / "a.txt").write_text("\ufeffa good line\nsee www.example.com\nbell \x07 rings\n", encoding="utf-8")
    found = await checked(connect, folder, "a.txt")

    assert (found["kind"], found["ok"], found["lines"], found["rejected_lines"], found["words"]) == (
        "Language",
        True,
        1,
        2,
        3,
    )
    assert [finding["message"].partition(":")[0] for finding in found["findings"]][:2] == [
        "Azure would leave out line 2",
        "Azure would leave out line 3",
    ]
    assert found["repairs"] == []


@pytest.mark.parametrize(
    ("content", "repairs"),
    [
        ("one\ntwo\n".encode("utf-16"), ["converted from UTF-16 to UTF-8"]),
        (b"one\ntwo\n", ["added the byte order mark"]),
        ("\ufeffcafe\u0301\n".encode(), ["lines normalized to NFC: 1"]),
        ("\ufeffone\r\n\r\n".encode(), ["empty lines removed: 1", "lines with Windows line ends: 2"]),
    ],
)
async def test_check_data_says_what_a_repair_would_change(
    connect: Connect, folder: Path, content: bytes, repairs: list[str]
) -> None:
    (folder / "a.txt").write_bytes(content)

    assert (await checked(connect, folder, "a.txt"))["repairs"] == repairs
    assert (folder / "a.txt").read_bytes() == content


async def test_check_data_reports_what_a_wrong_encoding_would_hide(connect: Connect, folder: Path) -> None:
    """The upload converts a copy, so the data are good but for the line with a URI."""
    (folder / "a.txt").write_bytes("one line\nsee www.example.com\n".encode("utf-16"))
    found = await checked(connect, folder, "a.txt")

    assert found["ok"]
    assert found["repairs"] == ["converted from UTF-16 to UTF-8"]
    assert found["findings"][0]["message"] == "Azure would leave out line 2: it holds a URI."


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("one utterance a line\n", "Language"),
        ("CNTK\tsee en tee kay\n", "Pronunciation"),
        ("@list pets\n- cat\n", "LanguageMarkdown"),
        ("#rewrite\nhelo\thello\n", "OutputFormatting"),
    ],
)
async def test_check_data_guesses_the_kind_of_text_and_says_why(
    connect: Connect, folder: Path, content: str, kind: str
) -> None:
    (folder / "a.txt").write_text(content, encoding="utf-8")
    found = await checked(connect, folder, "a.txt")

    assert found["kind"] == kind
    assert found["note"].startswith(f"Taken for {kind}: ")


async def test_check_data_reads_a_folder_as_the_archive_that_it_would_become(connect: Connect, folder: Path) -> None:
    """Transcripts that do not match recordings, in either direction."""
    (folder / "calls").mkdir()
    (folder / "calls" / "a.wav").write_bytes(wav())
    (folder / "calls" / "b.wav").write_bytes(wav())
    (folder / "calls" / "trans.txt").write_text("a.wav\thello there\nc.wav\tmissing\n", encoding="utf-8")
    found = await checked(connect, folder, "calls")

    messages = " ".join(finding["message"] for finding in found["findings"])
    assert (found["kind"], found["files"], found["rejected_lines"]) == ("Acoustic", 1, 2)
    assert '"b.wav": the transcript has no line for it' in messages
    assert '"c.wav": the transcript names it, but the archive does not hold it' in messages
    assert found["repairs"] == ["packed 3 files of the folder as a zip archive"]
    assert found["audio_hours"] is not None


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n",
        b"# settings\nSPEECH_KEY=0123456789abcdef\nexport OTHER_KEY=x\n",
        b"\x7fELF\x02\x01\x01\x00\x00\x00" + bytes(range(256)),
    ],
    ids=["private key", ".env", "binary"],
)
async def test_check_data_refuses_secrets_and_binaries_without_showing_them(
    connect: Connect, folder: Path, content: bytes
) -> None:
    (folder / "a.txt").write_bytes(content)
    found = await checked(connect, folder, "a.txt")

    assert not found["ok"]
    assert "0123456789abcdef" not in str(found)
    assert "MIIEpAIBAAKCAQEA" not in str(found)


@pytest.mark.parametrize(
    "path", ["missing.txt", "../outside.txt", "/etc/hostname", "link.txt", "linked/outside.txt", "a\0b"]
)
async def test_check_data_reads_nothing_outside_the_allowed_folders(connect: Connect, folder: Path, path: str) -> None:
    (folder.parent / "outside.txt").write_text("a secret")
    if os.name != "nt":
        (folder / "link.txt").symlink_to(folder.parent / "outside.txt")
        (folder / "linked").symlink_to(folder.parent)
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("check_data", path=path)

    assert rules_of(refusal) == ["data-path-allowed"]
    assert "--data-dir" in refusal or "Allowed:" in refusal
    assert "a secret" not in refusal


async def test_check_data_says_how_to_allow_a_folder(call: Caller) -> None:
    assert "--data-dir DIR, or data_dirs in resources.toml" in await call.refusal("check_data", path="a.txt")


async def test_check_data_reads_no_file_over_http(connect: Connect, folder: Path) -> None:
    (folder / "a.txt").write_text("hello")
    async with connect(data_dirs=(folder,), allows_local_files=False) as call:
        refusal = await call.refusal("check_data", path="a.txt")

    assert "content_url" in refusal


@pytest.mark.skipif(os.name == "nt", reason="named pipes are POSIX")
async def test_check_data_does_not_wait_for_a_pipe(connect: Connect, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    async with connect(data_dirs=(folder,)) as call:
        assert rules_of(await call.refusal("check_data", path="pipe")) == ["data-path-allowed"]
