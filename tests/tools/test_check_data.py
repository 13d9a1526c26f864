"""check_data, driven through an MCP client."""

import json
import os
import platform
import struct
import tempfile
import tracemalloc
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest

from conftest import Connect
from custom_speech_data.dataset_report import DatasetReport
from custom_speech_tools.guardrails import local_data
from custom_speech_tools.guardrails.local_files import foreign_path_hint
from support.locked_files import lock
from support.recordings import chunk, pcm, riff, wav, zipped
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
    assert found["findings"][0]["message"] == "Azure would leave out line 2: it contains a URI."


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
    assert '"c.wav": the transcript names it, but the archive does not contain it' in messages
    assert found["repairs"] == ["packed 2 files of the folder as a zip archive"]
    assert found["audio_hours"] is not None


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n",
        b"# settings\nSPEECH_KEY=0123456789abcdef\nexport OTHER_KEY=x\n",
        b"\x7fELF\x02\x01\x01\x00\x00\x00" + bytes(range(256)),
        b"a good line\n" * 20_000 + b"-----BEGIN OPENSSH PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n",
        b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nMIIEpAIBAAKCAQEA\n",
        b'speech_key = "0123456789abcdef"\nregion = "eastus"\n',
        b'{\n  "type": "service_account",\n  "private_key_id": "0123456789abcdef"\n}\n',
        b"[default]\naws_access_key_id = AKIA0123456789ABCDEF\naws_secret = 0123456789abcdef\n",
        b"machine api.contoso.example\n  login somebody\n  password 0123456789abcdef\n",
        b"https://somebody:0123456789abcdef@contoso.example\n",
        b"users:\n- name: admin\n  user:\n    token: 0123456789abcdef\n",
        b"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=0123456789abcdef==\n",
        b"db.contoso.example:5432:calls:somebody:0123456789abcdef\n",
        b"0123456789abcdef0123456789abcdef\n",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.0123456789abcdef\n".encode("utf-16"),
    ],
    ids=[
        "private key",
        ".env",
        "binary",
        "key after a long text",
        "PuTTY",
        "toml",
        "json",
        "aws",
        "netrc",
        "git-credentials",
        "kubeconfig",
        "connection string",
        "pgpass",
        "bare key",
        "jwt in UTF-16",
    ],
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


async def test_check_data_takes_sentences_about_keys_and_numbers(connect: Connect, folder: Path) -> None:
    """Call centres talk about passwords and tokens all day."""
    lines = [
        "Did you forget your password?", "The token: it expires at 12:30.", "Design: Version2024 of the key card.",
        "Press the key 1234567890 times.", "Secretary: 0301234567", "Log in, then say the password twice.",
        "Die Donaudampfschifffahrtsgesellschaft1 hat 24 Schiffe.", "Note: 3:1 for us, score: 10:2.", "sign: 12345678",
    ]  # fmt: skip
    (folder / "a.txt").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    found = await checked(connect, folder, "a.txt")

    assert (found["ok"], found["lines"], found["findings"]) == (True, len(lines), [])


async def test_check_data_looks_for_secrets_in_archives(connect: Connect, folder: Path) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n"
    (folder / "a.zip").write_bytes(zipped({"a.wav": wav(), "trans.txt": "a.wav\thello", "keys/id_rsa": key}))
    (folder / "b.zip").write_bytes(zipped({"a.wav": wav(), "b.wav": key, "trans.txt": "a.wav\thello"}))

    for name, member in (("a.zip", "id_rsa"), ("b.zip", "b.wav")):
        found = await checked(connect, folder, name)
        assert not found["ok"]
        message = f"File {member} of the archive contains a private key. Remove it from the data."
        assert found["findings"][0]["message"] == message


async def test_check_data_refuses_an_archive_with_a_text_that_cannot_be_searched(
    connect: Connect, folder: Path
) -> None:
    """A damaged recording is left out; a damaged text may hold a secret."""
    content = zipped({"a.wav": wav(), "notes.md": "x" * 300, "z.wav": wav()})
    for name in (b"notes.md", b"z.wav"):
        body = content.index(name) + len(name)
        (folder / f"{name.decode()}.zip").write_bytes(content[:body] + b"\xff" * 8 + content[body + 8 :])
    text = await checked(connect, folder, "notes.md.zip", kind="AudioFiles")
    recording = await checked(connect, folder, "z.wav.zip", kind="AudioFiles")

    damaged = "File notes.md of the archive cannot be searched for secrets: it is damaged."
    assert (text["ok"], text["findings"][0]["message"]) == (False, damaged)
    assert (recording["ok"], recording["files"]) == (True, 1)


@pytest.mark.parametrize("name", ["a.wav", "trans.txt"])
async def test_check_data_names_the_file_of_a_folder_that_cannot_be_read(
    connect: Connect, folder: Path, calls: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (calls / "trans.txt").write_text("a.wav\thello there\nb.wav\tgood morning\n")
    lock(monkeypatch, name)
    found = await checked(connect, folder, "calls", kind="Acoustic")

    assert (found["ok"], found["findings"][0]["message"]) == (False, f"{name} cannot be packed: Permission denied.")


@pytest.fixture
def calls(folder: Path) -> Path:
    """A folder with two recordings."""
    (folder / "calls").mkdir()
    for name in ("a.wav", "b.wav"):
        (folder / "calls" / name).write_bytes(wav())
    return folder / "calls"


async def test_check_data_completes_transcript_names_without_an_extension(
    connect: Connect, folder: Path, calls: Path
) -> None:
    (calls / "trans.txt").write_text("a\thello there\nb.wav\tgood morning\n", encoding="utf-8")
    found = await checked(connect, folder, "calls")

    assert (found["ok"], found["files"], found["rejected_lines"]) == (True, 2, 0)
    assert found["needs_repair"] is False
    assert found["repairs"] == [
        "packed 3 files of the folder as a zip archive",
        "names in the transcript completed with .wav: 1",
    ]


async def test_check_data_explains_once_what_an_archive_lacks(connect: Connect, folder: Path) -> None:
    archive = zipped({"a.wav": wav(), "b.wav": wav(), "trans.txt": "a\thello\nb.wav\thello"})
    (folder / "a.zip").write_bytes(archive)
    found = await checked(connect, folder, "a.zip")

    assert found["rejected_lines"] == 1
    assert found["findings"][0]["message"] == (
        'Azure would leave out "a.wav": the transcript names it a, without .wav.'
    )


async def test_check_data_packs_only_what_a_dataset_uses(connect: Connect, folder: Path, calls: Path) -> None:
    (calls / "trans.txt").write_text("a.wav\thello there\n", encoding="utf-8")
    for name in (".env", "id_rsa", "notes.md", "c.mp3"):
        (calls / name).write_text("SECRET_KEY=0123456789abcdef\n")
    (calls / "d.wav").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    found = await checked(connect, folder, "calls")

    assert found["repairs"] == ["packed 2 files of the folder as a zip archive"]
    assert [finding["message"] for finding in found["findings"] if "leave out" in finding["message"]] == [
        'Azure would leave out "c.mp3": it is not read: recordings are .wav files.',
        'Azure would leave out "b.wav": the transcript has no line for it.',
        'Azure would leave out "d.wav": the transcript has no line for it.',
    ]


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        (["a.zip", "b.zip"], None, "The folder has no .wav file but 2 zip archives (a.zip, b.zip). Name one: each is a "
         "dataset."),
        (["a.txt"], "Language", "Language is one text file, not a folder. Name a file in it instead: a.txt."),
        (["a.txt"], None, "The folder has no .wav file. Name a file in it instead: a.txt."),
        (["a.wav", "trans.csv"], "Acoustic", "The folder has no trans.txt with the transcripts. trans.csv is not read "
         "as such: write lines of file name, tab and text."),
        (["a.wav", "a.txt", "b.txt"], None, "The folder has 2 text files (a.txt, b.txt) and no trans.txt."),
        ([], None, "The folder has no .wav file."),
    ],
)  # fmt: skip
async def test_check_data_explains_folders_that_are_no_dataset(
    connect: Connect, folder: Path, files: list[str], kind: str | None, message: str
) -> None:
    (folder / "calls").mkdir()
    for name in files:
        (folder / "calls" / name).write_bytes(wav() if name.endswith(".wav") else b"a good line\n")
    found = await checked(connect, folder, "calls", kind=kind)

    assert (found["ok"], [finding["message"] for finding in found["findings"]]) == (False, [message])


async def test_check_data_adds_up_a_folder_before_it_copies_anything(
    connect: Connect, folder: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (calls / "large.wav").open("wb") as file:
        file.truncate(3 * 1024**3)
    copied: list[object] = []
    monkeypatch.setattr("custom_speech_data.folder_archive._pack_recording", lambda *given: copied.append(given))
    found = await checked(connect, folder, "calls")

    assert not found["ok"]
    assert "Acoustic may have 2147483648" in found["findings"][0]["message"]
    assert copied == []


async def test_check_data_leaves_nothing_in_the_temporary_folder_when_it_is_killed(
    connect: Connect, folder: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that is written there has a name, at any moment."""
    temporary = folder.parent / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    seen: list[list[Path]] = []
    whole = local_data.read_dataset

    def read(*given: Any, **options: Any) -> DatasetReport:
        seen.append(list(temporary.iterdir()))
        return whole(*given, **options)

    monkeypatch.setattr(local_data, "read_dataset", read)
    (calls / "trans.txt").write_text("a.wav\thello there\n", encoding="utf-8")
    (folder / "a.txt").write_text("a good line\n", encoding="utf-8")
    assert (await checked(connect, folder, "calls"))["ok"]
    assert (await checked(connect, folder, "a.txt"))["ok"]

    assert len(seen) >= 3
    assert not any(seen)


async def test_check_data_repeats_the_path_that_was_given(connect: Connect, folder: Path) -> None:
    (folder / "calls").mkdir()
    (folder / "calls" / "a b.txt").write_text("a good line\n")
    for given in ("calls/a b.txt", str(folder / "calls" / "a b.txt"), "./calls/../calls/a b.txt"):
        found = await checked(connect, folder, given)
        assert found["path"] == given
        assert json.dumps(given) in found["next_steps"][0]


async def test_check_data_refuses_a_relative_path_that_fits_two_folders(connect: Connect, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "calls").mkdir(parents=True)
        (tmp_path / name / "a.txt").write_text(f"a line of {name}\n")
    (tmp_path / "two" / "b.txt").write_text("only here\n")
    async with connect(data_dirs=(tmp_path / "one", tmp_path / "two")) as call:
        for given in ("a.txt", "calls"):
            refusal = await call.refusal("check_data", path=given)
            assert rules_of(refusal) == ["data-path-allowed"]
            assert f'"{tmp_path / "one" / given}" and "{tmp_path / "two" / given}"' in refusal
        assert (await call("check_data", path="b.txt"))["lines"] == 1
        assert (await call("check_data", path=str(tmp_path / "two" / "a.txt")))["lines"] == 1


@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD")])
async def test_check_data_finds_a_path_in_either_unicode_form(
    connect: Connect, folder: Path, forms: tuple[Literal["NFC", "NFD"], Literal["NFC", "NFD"]]
) -> None:
    on_disk, given = (unicodedata.normalize(form, "Gespräche/Büro.txt") for form in forms)
    (folder / on_disk).parent.mkdir()
    (folder / on_disk).write_text("a good line\n")

    assert (await checked(connect, folder, given))["lines"] == 1
    assert (await checked(connect, folder, str(folder / given)))["lines"] == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX spellings")
async def test_check_data_understands_other_spellings_of_a_path(
    connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "a b.txt").write_text("a good line\n")
    address = (folder / "a b.txt").as_uri()
    for given in (
        address, address.replace("file://", "file:"), address.replace("file://", "FILE://localhost"), "~/a b.txt",
        '"a b.txt"', "'~/a b.txt'", " a b.txt ", "a\\ b.txt", f"`{folder}/a b.txt`",
    ):  # fmt: skip
        assert (await checked(connect, folder, given))["lines"] == 1, given


LINUX, WINDOWS = "this server runs on Linux", "this server runs on Windows"
OF_WINDOWS = f": it is a Windows path, and {LINUX}; in WSL it is"
OF_WSL = ": it is Windows' name of a path in WSL; there it is"


@pytest.mark.parametrize(
    ("given", "system", "explanation"),
    [
        (r"C:\Users\x\a.txt", "Linux", f'{OF_WINDOWS} "/mnt/c/Users/x/a.txt", in a container what was mounted'),
        ("file:///c%3A/data/a.txt", "Linux", f'{OF_WINDOWS} "/mnt/c/data/a.txt", in a container what was mounted'),
        (r"\\wsl.localhost\Ubuntu\home\x\a.txt", "Linux", f'{OF_WSL} "/home/x/a.txt", and {LINUX}'),
        (r'"\\wsl$\Ubuntu\home\x"', "Linux", f'{OF_WSL} "/home/x", and {LINUX}'),
        (r"\\server\share\a.txt", "Linux", f": it is a Windows share, and {LINUX}"),
        ("/mnt/c/data/a.txt", "Linux", f": it is a path of WSL, and {LINUX}"),
        ("/mnt/c/data/a.txt", "Windows", rf': it is a path of WSL; {WINDOWS}, where it is "C:\\data\\a.txt"'),
        ("/home/x/a.txt", "Windows", f": it is a path of Linux or macOS, and {WINDOWS}"),
        (r"%USERPROFILE%\a.txt", "Windows", f": variables in a path are not replaced; {WINDOWS}"),
        ("$HOME/a.txt", "Linux", f": variables in a path are not replaced; {LINUX}"),
        ("a.txt", "Linux", f"; {LINUX}"),
    ],
)
def test_foreign_path_is_explained(given: str, system: str, explanation: str) -> None:
    assert foreign_path_hint(given, system) == explanation


async def test_check_data_says_where_it_runs_when_a_path_is_written_for_another_system(
    connect: Connect, folder: Path
) -> None:
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("check_data", path=r"Z:\calls\a.txt")

    assert f"this server runs on {platform.system()}".replace("Darwin", "macOS") in refusal
    assert str(folder) in refusal


async def test_check_data_reads_long_transcripts_in_little_memory(connect: Connect, folder: Path, calls: Path) -> None:
    """Of a transcript only the lines of recordings that exist are kept."""
    with (calls / "trans.txt").open("w", encoding="utf-8") as file:
        file.writelines(f"recording-{number}.wav\tsome words\n" for number in range(50_000))
    tracemalloc.start()
    try:
        found = await checked(connect, folder, "calls")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found["rejected_lines"] == 50_002
    assert peak < 8 * 1024**2


async def test_check_data_warns_of_samples_that_the_documentation_does_not_name(
    connect: Connect, folder: Path, calls: Path
) -> None:
    sound = chunk(b"data", struct.pack("<16000f", *[0.1, -0.1] * 8_000))
    (calls / "a.wav").write_bytes(riff(chunk(b"fmt ", pcm(bits=32, tag=3)), sound))
    found = await checked(connect, folder, "calls", kind="AudioFiles")

    assert (found["ok"], found["files"]) == (True, 2)
    assert found["findings"][0]["message"] == ("1 of 2 recordings have 32-bit samples; the documentation names 16 bit.")


@pytest.mark.parametrize(
    ("source", "step"),
    [
        (
            {"path": "a.txt", "locale": "en-US"},
            'upload_dataset(display_name="a", locale="en-US", kind="Language", path="a.txt")',
        ),
        (
            {"path": "a.txt", "locale": "en"},
            "Choose its locale (locale), then call upload_dataset with "
            'display_name="a", kind="Language", path="a.txt".',
        ),
        (
            {"lines": ["hello there"], "locale": "en-US"},
            "Choose the same lines (lines), then call upload_dataset with "
            'display_name="Language", locale="en-US", kind="Language".',
        ),
    ],
)
async def test_check_data_names_the_upload_and_what_it_lacks(
    connect: Connect, folder: Path, source: dict[str, Any], step: str
) -> None:
    (folder / "a.txt").write_text("\ufeffhello there\n", encoding="utf-8")
    async with connect(data_dirs=(folder,)) as call:
        found = await call("check_data", **source, kind="Language")

    assert found["next_steps"] == [step]
