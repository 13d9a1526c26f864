"""Odd recordings, folders, phrases and services, as transcribe meets them."""

import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from custom_speech_data import transcription_results
from custom_speech_emulator import account, emulator
from custom_speech_emulator.resources import recognition
from custom_speech_emulator.resources.seed_data import SENTENCES
from custom_speech_tools.guardrails import local_recordings
from custom_speech_tools.speech import paging
from support.locked_files import lock
from support.recordings import wav
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

AUDIO, MODEL = "Contoso audio with transcripts en-US", "Contoso finished model en-US"


async def sent(azure: Azure) -> list[int]:
    """The status of each recording that was sent."""
    return [one["status"] for one in await azure.requests() if one["operation"] == "Transcriptions_Transcribe"]


async def test_transcribe_refuses_a_recording_of_more_than_250_mb_without_reading_it(
    connect: Connect, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "large.wav").open("wb") as file:
        file.truncate(251 * 1024 * 1024)
    monkeypatch.setattr(local_recordings, "read_part", None)
    async with connect(data_dirs=(tmp_path,)) as call:
        refusal = await call.refusal("transcribe", path="large.wav", locale="en-US")

    assert rules_of(refusal) == ["recording-length"]
    assert "it has 251 MiB; fast transcription takes 250 MiB" in refusal
    assert await azure.writes() == []


async def test_transcribe_takes_a_folder_of_5000_recordings_and_refuses_one_of_more(
    connect: Connect, tmp_path: Path
) -> None:
    """Each that cannot be sent is counted, and the first ones are named."""
    for number in range(4_997):
        (tmp_path / f"half-{number:04}.wav").write_bytes(b"RIFF")
    for number in range(1, 4):
        (tmp_path / f"whole-{number}.wav").write_bytes(wav(number))
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")
        (tmp_path / "one more.wav").write_bytes(wav())
        refusal = await call.refusal("transcribe", path=".", locale="en-US")

    assert (answer["status"], answer["done"], answer["total"], len(answer["failed"])) == ("Succeeded", 3, 5_000, 20)
    assert answer["findings"][0]["message"].startswith("4997 of 5000 recordings cannot be sent. ")
    assert answer["findings"][0]["message"].count("half-") == 10
    assert "5001 recordings, more than 5000" in refusal


async def test_transcribe_finds_names_and_transcripts_in_either_form_of_unicode(
    connect: Connect, tmp_path: Path
) -> None:
    """macOS writes names decomposed, people type them composed."""
    name, folder = "Übung.wav", tmp_path / unicodedata.normalize("NFD", "Gespräche")
    folder.mkdir()
    (folder / unicodedata.normalize("NFD", name)).write_bytes(wav(2))
    (folder / "said.txt").write_text(f"{name}\t{SENTENCES['de-DE'][0]}\n", "utf-8")
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", path="Gespräche", locale="de-DE", output="drafts.txt")
        (folder / "said.txt").rename(folder / "trans.txt")
        checked = await call("check_data", path="Gespräche", kind="Acoustic")

    assert (answer["done"], answer["word_error_rate"] is not None) == (1, True)
    assert answer["output"] == str(folder / "drafts.txt")
    assert (checked["files"], checked["rejected_lines"]) == (1, 0)


@pytest.mark.parametrize(
    ("phrases", "problem"),
    [
        (["word"] * 600, "phrases: List should have at most 500 items"),
        (["Contoso", " "], "must not be empty"),
        (["Contoso", "x" * 300], "at most 256 characters"),
        (["Contoso\u202e"], "must not contain control characters or invisible characters"),
    ],
    ids=["too many", "empty", "long", "invisible"],
)
async def test_transcribe_refuses_phrases_that_no_list_takes(
    connect: Connect, azure: Azure, tmp_path: Path, phrases: list[str], problem: str
) -> None:
    (tmp_path / "a.wav").write_bytes(wav())
    async with connect(data_dirs=(tmp_path,)) as call:
        assert problem in await call.refusal("transcribe", path="a.wav", locale="en-US", phrases=phrases)

    assert await azure.writes() == []


async def test_transcribe_sends_phrases_as_they_are_and_each_once(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[frozenset[str]] = []
    recognize = recognition.fast_result

    def note(recording: Any, skill: Any, locale: str) -> Any:
        heard.append(skill.words)
        return recognize(recording, skill, locale)

    monkeypatch.setattr(recognition, "fast_result", note)
    (tmp_path / "a.wav").write_bytes(wav())
    phrases = ['Dr. "Quandt"', "O'Neill", "C:\\temp", 'Dr. "Quandt"', "7"]
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", path="a.wav", locale="en-US", phrases=phrases)

    assert answer["status"] == "Succeeded"
    assert {"quandt", "o'neill", "temp", "7"} <= set(heard[0])


async def test_transcribe_says_where_phrase_lists_do_not_exist(connect: Connect, azure: Azure, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav())
    arguments = {"path": "a.wav", "locale": "en-US", "phrases": ["Contoso"]}
    refusals = []
    for version in ("2024-11-15", "v3.2"):
        async with connect(version=version, data_dirs=(tmp_path,)) as call:
            refusals.append(rules_of(await call.refusal("transcribe", **arguments)))

    assert refusals == [["phrase-list-supported"]] * 2
    assert await azure.writes() == []


async def test_transcribe_on_a_free_resource_gives_the_reason_of_the_service(connect: Connect, azure: Azure) -> None:
    """Only batch transcription needs a paid one."""
    azure.app = emulator(training="reads:2", accounts=(account("eastus", tier="F0"),))
    url = "https://contoso.blob.core.windows.net/data/call.wav?se=2099-01-01T00:00:00Z&sr=b&sp=r&sig=topsecret"
    async with connect(confirm="never", version="2024-11-15") as call:
        refusal = await call.refusal("transcribe", content_url=url, locale="en-US")

    assert "Batch transcription needs a resource of the tier S0." in refusal
    assert "topsecret" not in refusal


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://x.example:99999/a.wav", "content_url must be an https address"),
        ("https://ada:secret@x.example/a.wav", "content_url must be an https address without user name"),
        ("https://[half/a.wav", "content_url must be an https address"),
        ("s3://bucket/a.wav", "content-address]"),
        ("file:///etc/passwd", "content-address]"),
    ],
)
async def test_transcribe_refuses_addresses_that_azure_cannot_read(
    connect: Connect, azure: Azure, url: str, problem: str
) -> None:
    async with connect(confirm="never") as call:
        refusal = await call.refusal("transcribe", content_url=url, locale="en-US")

    assert problem in refusal
    assert "secret" not in refusal
    assert await azure.writes() == []


async def started(call: Caller, azure: Azure, unusable: list[list[str]]) -> str:
    """Start a batch in which some recordings fail; return its id."""
    job = await call("transcribe", dataset=AUDIO, locale="en-US")
    store = azure.app.state.emulator.state.store
    found = store.get("emulator-eastus", "transcriptions", job["id"])
    found.document["unusable"] = unusable
    store.put(found)
    return str(job["id"])


async def test_get_transcription_names_each_recording_of_a_batch_that_failed(connect: Connect, azure: Azure) -> None:
    unusable = [
        ["https://x.example/in/one.wav?sig=secret", "InvalidAudioFormat", "It is no recording."],
        ["two.wav", "EmptyAudioFile", "It is empty."],
    ]
    async with connect(confirm="never") as call:
        job = await started(call, azure, unusable)
        answer = await call("get_transcription", transcription=job, wait_seconds=10)

    assert (answer["status"], answer["done"], answer["total"]) == ("Succeeded", 24, 26)
    assert answer["failed"] == [
        {"file": "one.wav", "reason": "It is no recording."},
        {"file": "two.wav", "reason": "It is empty."},
    ]


async def test_transcribe_starts_a_new_batch_if_the_earlier_one_has_expired(connect: Connect, azure: Azure) -> None:
    async with connect(confirm="never") as call:
        first = await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10)
        await azure.advance(timedelta(days=3))
        refusal = await call.refusal("get_transcription", transcription=first["id"])
        again = await call("transcribe", dataset=AUDIO, locale="en-US")

    assert rules_of(refusal) == ["reference-found"]
    assert (again["already_existed"], again["id"] == first["id"]) == (False, False)


async def test_transcribe_goes_on_after_a_connection_was_lost_in_the_middle_of_a_folder(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    """The next call, of another process, sends only what has no text."""
    for number in range(1, 13):
        (tmp_path / f"{number:02}.wav").write_bytes(wav(number))
    await azure.fail({"operation": "Transcriptions_Transcribe", "fault": "close-after", "nth": 6})
    arguments = {"path": ".", "locale": "en-US", "output": "drafts.txt"}
    async with connect(data_dirs=(tmp_path,)) as call:
        first = await call("transcribe", **arguments)
    before = await sent(azure)
    async with connect(data_dirs=(tmp_path,)) as call:
        second = await call("transcribe", **arguments)

    assert (first["status"], first["total"]) == ("Running", 12)
    assert 5 <= first["done"] < 12
    assert (second["status"], second["done"], second["findings"][0]["rule"]) == (
        "Succeeded",
        12,
        "transcription-is-charged",
    )
    assert len(await sent(azure)) - len(before) == 12 - first["done"]
    assert len((tmp_path / "drafts.txt").read_text("utf-8-sig").splitlines()) == 1 + 12


@pytest.mark.parametrize("taken", ["drafts.unsure", "drafts.txt.partial"])
async def test_transcribe_writes_over_no_file_beside_the_drafts(
    connect: Connect, azure: Azure, tmp_path: Path, taken: str
) -> None:
    """A link in the place of the results so far is neither read nor followed."""
    (tmp_path / "a.wav").write_bytes(wav())
    (tmp_path / taken).symlink_to(tmp_path / "elsewhere")
    async with connect(data_dirs=(tmp_path,)) as call:
        refusal = await call.refusal("transcribe", path="a.wav", locale="en-US", output="drafts.txt")

    assert rules_of(refusal) == ["output-is-new"]
    assert not (tmp_path / "elsewhere").exists()
    assert await azure.writes() == []


async def test_transcribe_keeps_results_whose_line_was_cut_off_or_holds_a_line_separator(
    connect: Connect, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"{number}.wav").write_bytes(wav(number))
    await azure.fail({"operation": "Transcriptions_Transcribe", "fault": "503", "nth": 3})
    recognize = recognition.fast_result

    def separated(*arguments: Any) -> Any:
        answer = recognize(*arguments)
        answer["phrases"][0]["text"] += "\u2028and more"
        return answer

    monkeypatch.setattr(recognition, "fast_result", separated)
    arguments = {"path": ".", "locale": "en-US", "output": "drafts.txt"}
    async with connect(data_dirs=(tmp_path,)) as call:
        await call("transcribe", **arguments)
    with (tmp_path / "drafts.txt.partial").open("ab") as partial:
        partial.write('\nkey {"file": "ü'.encode()[:-1])
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", **arguments)

    assert (answer["status"], answer["done"]) == ("Succeeded", 3)
    assert (await sent(azure)).count(200) == 3


async def test_transcribe_names_recordings_as_they_are_called_now_and_sends_each_content_once(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    for name in ("a.wav", "copy of a.wav"):
        (tmp_path / name).write_bytes(wav(2))
    async with connect(data_dirs=(tmp_path,)) as call:
        first = await call("transcribe", path=".", locale="en-US")
        (tmp_path / "a.wav").rename(tmp_path / "b.wav")
        second = await call("transcribe", path=".", locale="en-US")

    assert [one["file"] for one in first["files"]] == ["a.wav", "copy of a.wav"]
    assert [one["file"] for one in second["files"]] == ["b.wav", "copy of a.wav"]
    assert await sent(azure) == [200]


async def test_transcribe_reads_a_recording_again_only_if_it_has_changed(
    connect: Connect, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.wav").write_bytes(wav(number))
    reads: list[int] = []
    read = local_recordings.read_part
    monkeypatch.setattr(local_recordings, "read_part", lambda *place: reads.append(place[2]) or read(*place))
    later = datetime.now(UTC) + timedelta(minutes=1)
    async with connect(data_dirs=(tmp_path,), now=lambda: later) as call:
        await call("transcribe", path=".", locale="en-US")
        reads.clear()
        again = await call("transcribe", path=".", locale="en-US")
        assert (reads, again["done"]) == ([], 2)
        (tmp_path / "2.wav").write_bytes(wav(2, rate=8_000))
        await call("transcribe", path=".", locale="en-US")

    assert reads
    assert await sent(azure) == [200] * 3


async def test_transcribe_names_recordings_that_change_or_vanish_while_they_are_sent(
    connect: Connect, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are transcribed."""
    for number in (1, 2, 3):
        (tmp_path / f"{number}.wav").write_bytes(wav(number))
    audio = local_recordings.Recording.audio

    def changed(recording: local_recordings.Recording) -> Any:
        if recording.name == "1.wav":
            (tmp_path / "1.wav").write_bytes(wav(1)[:-2] + b"xy")
        (tmp_path / "2.wav").unlink(missing_ok=True)
        return audio(recording)

    monkeypatch.setattr(local_recordings.Recording, "audio", changed)
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")

    assert (answer["status"], [one["file"] for one in answer["files"]]) == ("Succeeded", ["3.wav"])
    assert {one["file"]: one["reason"] for one in answer["failed"]} == {
        "1.wav": "it was changed while it was transcribed",
        "2.wav": "it can no longer be read: No such file or directory",
    }
    assert (await sent(azure)).count(200) == 1


async def test_transcribe_asks_if_the_service_does_not_state_the_length_of_a_dataset(
    connect: Connect, azure: Azure
) -> None:
    """An unknown length is no short one."""
    store = azure.app.state.emulator.state.store
    for dataset in list(store.all("emulator-eastus", "datasets")):
        dataset.document.pop("milliseconds", None)
        store.put(dataset)
    async with connect() as call:
        refusal = await call.refusal("transcribe", dataset=AUDIO, locale="en-US")

    assert rules_of(refusal) == ["transcription-is-charged"]
    assert "billed by the length of the audio: unknown." in refusal


async def test_transcribe_says_which_transcripts_beside_the_recordings_cannot_be_read(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be why there is no word error rate."""
    (tmp_path / "a.wav").write_bytes(wav())
    (tmp_path / "utf-16.txt").write_text("a.wav\thello\n", "utf-16")
    (tmp_path / "large.txt").write_bytes(b"x" * 2_000)
    (tmp_path / "locked.tsv").write_text("a.wav\thello\n")
    (tmp_path / "notes.txt").write_text("No transcripts.\n")
    monkeypatch.setattr(local_recordings, "_TRANSCRIPT_BYTES", 1_000)
    lock(monkeypatch, "locked.tsv")
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")

    assert (answer["done"], answer["word_error_rate"]) == (1, None)
    found = next(one for one in answer["findings"] if one["rule"] == "details-readable")
    assert found["message"] == (
        "3 text file(s) next to the recordings do not count as transcripts. "
        '"large.txt": it has more than 0 MiB. "locked.tsv": Permission denied. "utf-16.txt": it is not UTF-8.'
    )


async def test_transcribe_names_recordings_that_cannot_be_opened(
    connect: Connect, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are transcribed."""
    for number in (1, 2):
        (tmp_path / f"{number}.wav").write_bytes(wav(number))
    lock(monkeypatch, "1.wav")
    async with connect(data_dirs=(tmp_path,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")
        refusal = await call.refusal("transcribe", path="1.wav", locale="en-US")

    assert [one["file"] for one in answer["files"]] == ["2.wav"]
    assert answer["failed"] == [{"file": "1.wav", "reason": "it cannot be read: Permission denied"}]
    assert rules_of(refusal) == ["data-is-valid"]
    assert '"1.wav": it cannot be read: Permission denied' in refusal


async def test_transcribe_refuses_a_folder_without_recordings_in_words(connect: Connect, tmp_path: Path) -> None:
    async with connect(data_dirs=(tmp_path,)) as call:
        refusal = await call.refusal("transcribe", path=str(tmp_path), locale="en-US")

    assert f'"{tmp_path}": No recording is directly in the folder (.aac, ' in refusal


async def test_get_transcription_says_why_there_is_no_word_error_rate(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(confirm="never") as call:
        job = (await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10))["id"]
        with monkeypatch.context() as patch:
            patch.setattr("custom_speech_tools.guardrails.evaluation_details.TRANSCRIPTS", "AnotherKind")
            unread = await call("get_transcription", transcription=job)
        monkeypatch.setattr(transcription_results, "MAX_COMPARED_WORDS", 1)
        too_long = await call("get_transcription", transcription=job)

    assert [answer["word_error_rate"] for answer in (unread, too_long)] == [None, None]
    assert unread["findings"][0]["message"].startswith("The transcripts of the dataset are not known: ")
    assert too_long["findings"][0]["message"] == "24 recording(s) are too long to be compared with their transcripts."


async def test_get_transcription_says_so_if_the_service_lists_more_files_than_are_read(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(confirm="never") as call:
        job = (await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10))["id"]
        monkeypatch.setattr(paging, "PAGE_SIZE", 10)
        monkeypatch.setattr(paging, "MAX_PAGES", 1)
        answer = await call("get_transcription", transcription=job)

    assert answer["failed"] == [
        {"file": "all others", "reason": "the service lists more than the 10 files that are read"}
    ]
