"""transcribe, driven through an MCP client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from conftest import Connect
from custom_speech_data.transcription_results import DRAFT_HEADER
from custom_speech_emulator.http.responses import ServiceError
from custom_speech_emulator.resources.models import MODELS
from custom_speech_emulator.resources.seed_data import SENTENCES
from custom_speech_server.distributed_lock import FileLock
from custom_speech_tools.guardrails import transcription_plan
from support.recordings import wav
from support.speech_service import Azure
from support.tool_client import rules_of, text_of

pytestmark = pytest.mark.anyio

AUDIO = "Contoso audio with transcripts en-US"
MODEL = "Contoso finished model en-US"
URL = (
    "https://contoso.blob.core.windows.net/data/call.wav?sv=2022-11-02&se=2099-01-01T00:00:00Z&sr=b&sp=r&sig=topsecret"
)
SAID = {"a.wav": SENTENCES["en-US"][0], "b.wav": SENTENCES["en-US"][1], "c.wav": SENTENCES["en-US"][2]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of recordings that the operator allowed."""
    for number, name in enumerate(SAID, 1):
        (tmp_path / name).write_bytes(wav(number))
    return tmp_path


def add_transcripts(folder: Path) -> None:
    """Put the transcripts beside the recordings."""
    lines = "".join(f"{name}\t{text}\n" for name, text in SAID.items())
    (folder / "trans.txt").write_text(lines, encoding="utf-8-sig")


def delete_mark(drafts: Path) -> None:
    """Do what a person does who has corrected the drafts."""
    _mark, *lines = drafts.read_text("utf-8-sig").splitlines(keepends=True)
    drafts.write_text("".join(lines), "utf-8-sig")


async def taught(call: Any, folder: Path) -> None:
    """Let the emulator know what is said in the recordings of the folder."""
    add_transcripts(folder)
    await call("upload_dataset", display_name="R", locale="en-US", kind="Acoustic", path=str(folder), wait_seconds=10)


@pytest.mark.parametrize("version", ["2025-10-15", "2024-11-15"])
async def test_transcribe_gives_the_text_of_a_recording_at_once(
    connect: Connect, azure: Azure, folder: Path, version: str
) -> None:
    async with connect(version=version, data_dirs=(folder,)) as call:
        answer = await call("transcribe", path="a.wav", locale="en-US")

    assert (answer["id"], answer["status"], answer["done"], answer["total"]) == (None, "Succeeded", 1, 1)
    assert answer["files"][0].keys() == {"file", "text", "confidence", "unsure"}
    assert answer["files"][0]["text"]
    assert answer["audio_hours"] == 0.0
    assert await azure.writes() == ["Transcriptions_Transcribe"]
    assert rules_of(str(answer["findings"])) or answer["findings"][0]["rule"] == "transcription-is-charged"


async def test_transcribe_writes_drafts_of_a_folder_that_upload_dataset_takes(connect: Connect, folder: Path) -> None:
    async with connect(data_dirs=(folder,)) as call:
        answer = await call("transcribe", path=".", locale="en-US", output="trans.txt")
        checked = await call("check_data", path=str(folder), kind="Acoustic")

    drafts = (folder / "trans.txt").read_bytes()
    assert drafts.startswith(b"\xef\xbb\xbf")
    names = [line.partition("\t")[0] for line in drafts.decode("utf-8-sig").splitlines()]
    assert names == [DRAFT_HEADER, *SAID]
    unsure = (folder / "trans.unsure").read_text("utf-8-sig").splitlines()
    assert {line.partition("\t")[0] for line in unsure} <= set(SAID)
    assert answer["output"] == str(folder / "trans.txt")
    assert not (folder / "trans.txt.partial").exists()
    assert (checked["ok"], checked["files"], checked["rejected_lines"]) == (True, 3, 1)
    assert f'leave out "{DRAFT_HEADER}' in checked["findings"][0]["message"]


async def test_transcribe_tells_whether_a_phrase_list_is_enough(connect: Connect, folder: Path) -> None:
    """Two calls, two rates, no training."""
    words = sorted({word for text in SAID.values() for word in text.split()})
    async with connect(data_dirs=(folder,)) as call:
        await taught(call, folder)
        without = await call("transcribe", path=".", locale="en-US")
        with_phrases = await call("transcribe", path=".", locale="en-US", phrases=words)

    assert 0 <= with_phrases["word_error_rate"] < without["word_error_rate"]


@pytest.mark.parametrize("version", ["2025-10-15", "2024-11-15", "v3.2"])
async def test_transcribe_uses_a_custom_model_in_a_batch_of_an_uploaded_dataset(
    connect: Connect, azure: Azure, version: str
) -> None:
    arguments = {"dataset": AUDIO, "locale": "en-US", "model": MODEL}
    async with connect(version=version, confirm="never") as call:
        first = await call("transcribe", **arguments, wait_seconds=10)
        again = await call("transcribe", **arguments)
        got = await call("get_transcription", transcription=first["id"])
        deleted = await call("delete_entity", kind="transcription", entity=first["id"])

    assert (first["status"], first["done"], first["total"]) == ("Succeeded", 24, 24)
    assert len(first["files"]) == 20
    assert 0 < first["word_error_rate"] < 1
    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert got["files"] == first["files"]
    assert deleted["kind"] == "transcription"
    assert sum(one in ("Transcriptions_Submit", "Transcriptions_Create") for one in await azure.writes()) == 1


async def test_transcribe_goes_on_after_a_folder_was_cut_off(connect: Connect, azure: Azure, folder: Path) -> None:
    """Each recording is sent once, also by another process."""
    await azure.fail({"operation": "Transcriptions_Transcribe", "fault": "503", "times": 2})
    arguments = {"path": ".", "locale": "en-US", "output": "drafts.txt"}
    async with connect(data_dirs=(folder,)) as call:
        first = await call("transcribe", **arguments)
    await azure.fail()
    async with connect(data_dirs=(folder,)) as call:
        second = await call("transcribe", **arguments)

    assert first["status"] == "Running"
    assert first["done"] < 3
    assert "had no answer" in first["findings"][-1]["message"]
    assert (second["status"], second["done"]) == ("Succeeded", 3)
    sent = [one for one in await azure.requests() if one["operation"] == "Transcriptions_Transcribe"]
    assert sum(one["status"] == 200 for one in sent) == 3


async def test_transcribe_asks_before_more_than_half_an_hour_of_audio(
    connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert transcription_plan.SECONDS_WITHOUT_AGREEMENT == 1800
    monkeypatch.setattr(transcription_plan, "SECONDS_WITHOUT_AGREEMENT", 5)
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("transcribe", path=".", locale="en-US")
        token = refusal.rpartition('confirm="')[2].partition('"')[0]
        answer = await call("transcribe", path=".", locale="en-US", confirm=token)

    assert rules_of(refusal) == ["transcription-is-charged"]
    assert answer["done"] == 3


async def test_transcribe_asks_once_for_a_folder_of_several_calls(
    connect: Connect, azure: Azure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcription_plan, "SECONDS_WITHOUT_AGREEMENT", 5)
    await azure.fail({"operation": "Transcriptions_Transcribe", "fault": "503", "times": 1})
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("transcribe", path=".", locale="en-US")
        token = refusal.rpartition('confirm="')[2].partition('"')[0]
        first = await call("transcribe", path=".", locale="en-US", confirm=token)
        second = await call("transcribe", path=".", locale="en-US")
        await call.refusal("transcribe", path=".", locale="en-US", phrases=["something else"])

    assert (first["status"], second["status"]) == ("Running", "Succeeded")


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"path": "missing.wav"}, "data-path-allowed"),
        ({"path": "empty.wav"}, "data-is-valid"),
        ({"path": "half.wav"}, "data-is-valid"),
        ({"path": "long.wav"}, "recording-length"),
        ({"path": "a.wav", "locale": "mt-MT"}, "locale-is-transcribed"),
        ({"path": "a.wav", "model": MODEL}, "model-is-ready"),
        ({"path": "a.wav", "model": MODEL, "locale": "de-DE"}, "locale-match"),
        ({"path": "a.wav", "output": "taken.txt"}, "output-is-new"),
        ({"path": "a.wav", "output": "link.txt"}, "output-is-new"),
        ({"path": "a.wav", "output": "../outside.txt"}, "data-path-allowed"),
        ({"dataset": AUDIO, "phrases": ["Contoso"]}, "phrase-list-supported"),
        ({"dataset": "Contoso plain text en-US"}, "dataset-ready"),
        ({"dataset": "No such dataset"}, "reference-found"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value)),
)
async def test_transcribe_sends_nothing_that_cannot_work(
    connect: Connect, azure: Azure, folder: Path, arguments: dict[str, Any], rule: str
) -> None:
    data = folder / "data"
    data.mkdir()
    (data / "a.wav").write_bytes(wav(1))
    (data / "empty.wav").write_bytes(b"")
    (data / "half.wav").write_bytes(wav(1)[:30])
    (data / "long.wav").write_bytes(wav(16 * 60, rate=8_000))
    (data / "taken.txt").write_text("mine")
    (data / "link.txt").symlink_to(folder / "elsewhere.txt")
    async with connect(data_dirs=(data,)) as call:
        refusal = await call.refusal("transcribe", **{"locale": "en-US"} | arguments)

    assert rule in rules_of(refusal)
    assert await azure.writes() == []
    assert (data / "taken.txt").read_text() == "mine"
    assert not (folder / "elsewhere.txt").exists()
    assert not (folder / "outside.txt").exists()


async def test_transcribe_needs_exactly_one_source(connect: Connect) -> None:
    async with connect() as call:
        assert "exactly one of path, dataset and content_url is needed" in await call.refusal(
            "transcribe", locale="en-US"
        )


async def test_transcribe_names_each_recording_that_failed(connect: Connect, folder: Path) -> None:
    (folder / "half.wav").write_bytes(wav(1)[:30])
    async with connect(data_dirs=(folder,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")

    assert (answer["status"], answer["done"], answer["total"]) == ("Succeeded", 3, 4)
    assert [one["file"] for one in answer["failed"]] == ["half.wav"]


async def test_transcribe_puts_drafts_beside_the_recordings_where_an_upload_of_the_folder_takes_them(
    connect: Connect, folder: Path
) -> None:
    """A bare name means a file beside the recordings, and the list of unsure words is no second transcript."""
    calls = folder / "calls"
    calls.mkdir()
    for number in range(1, 4):
        (calls / f"{number}.wav").write_bytes(wav(number))
    async with connect(data_dirs=(folder,)) as call:
        answer = await call("transcribe", path="calls", locale="en-US", output="drafts.txt")
        delete_mark(calls / "drafts.txt")
        checked = await call("check_data", path="calls", kind="Acoustic")

    assert answer["output"] == str(calls / "drafts.txt")
    assert sorted(one.name for one in calls.iterdir() if one.suffix != ".wav") == ["drafts.txt", "drafts.unsure"]
    assert (checked["ok"], checked["files"], checked["rejected_lines"]) == (True, 3, 0)


async def test_transcribe_shows_the_whole_text_of_one_recording(connect: Connect, folder: Path) -> None:
    (folder / "minute.wav").write_bytes(wav(60, rate=8_000))
    async with connect(data_dirs=(folder,)) as call:
        answer = await call("transcribe", path="minute.wav", locale="en-US")

    assert len(answer["files"][0]["text"].split()) == 150


async def test_transcribe_refuses_a_recording_without_sound(connect: Connect, azure: Azure, folder: Path) -> None:
    (folder / "silent.wav").write_bytes(wav(0))
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("transcribe", path="silent.wav", locale="en-US")

    assert "it contains no sound" in refusal
    assert await azure.writes() == []


async def test_transcribe_sends_no_further_recording_after_a_lost_answer(
    connect: Connect, azure: Azure, folder: Path
) -> None:
    """Each one may be billed, so that a service whose answers are lost is not sent a whole folder."""
    for number in range(4, 20):
        (folder / f"{number}.wav").write_bytes(wav(number))
    await azure.fail({"operation": "Transcriptions_Transcribe", "fault": "close-after", "times": 50})
    async with connect(data_dirs=(folder,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")

    sent = [one for one in await azure.requests() if one["operation"] == "Transcriptions_Transcribe"]
    assert (answer["status"], answer["done"], answer["total"]) == ("Running", 0, 19)
    assert len(sent) <= 4


async def test_transcribe_of_a_batch_that_exists_asks_nobody(connect: Connect, azure: Azure) -> None:
    """What was carried out is found before anything is said about an agreement."""
    async with connect(confirm="never") as call:
        first = await call("transcribe", dataset=AUDIO, locale="en-US", wait_seconds=10)
    async with connect() as call:
        again = await call("transcribe", dataset=AUDIO, locale="en-US")

    assert (again["id"], again["already_existed"]) == (first["id"], True)


@pytest.fixture
def refused_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulator refuse base models for fast transcription, although they say that it takes them."""
    monkeypatch.setattr("custom_speech_emulator.resources.transcriptions.BASE_MODELS", MODELS)


@pytest.mark.usefixtures("refused_models")
async def test_transcribe_of_an_address_falls_back_to_a_batch_and_says_so(connect: Connect, azure: Azure) -> None:
    async with connect(confirm="never") as call:
        models = await call("list_base_models", locale="en-US", limit=1)
        base = models["base_models"][0]["id"]
        answer = await call("transcribe", content_url=URL, locale="en-US", model=base)

    assert answer["id"] is not None
    assert "fast-transcription-supported" in [one["rule"] for one in answer["findings"]]
    assert "topsecret" not in str(answer)
    assert await azure.writes() == ["Transcriptions_Transcribe", "Transcriptions_Submit"]


@pytest.mark.usefixtures("refused_models")
async def test_transcribe_says_how_a_batch_takes_local_recordings_if_the_model_is_refused(
    connect: Connect, folder: Path
) -> None:
    async with connect(data_dirs=(folder,)) as call:
        base = (await call("list_base_models", locale="en-US", limit=1))["base_models"][0]["id"]
        refusal = await call.refusal("transcribe", path=".", locale="en-US", model=base)

    assert rules_of(refusal) == ["fast-transcription-supported"]
    assert "upload_dataset(" in refusal
    assert 'kind="AudioFiles"' in refusal


async def test_transcribe_refuses_a_model_that_transcribes_no_longer(
    connect: Connect, azure: Azure, folder: Path
) -> None:
    await azure.advance(timedelta(days=1500))
    async with connect(data_dirs=(folder,)) as call:
        refusal = await call.refusal("transcribe", dataset=AUDIO, locale="en-US", model=MODEL)

    assert rules_of(refusal) == ["model-is-ready"]
    assert "has not transcribed since" in refusal


async def test_transcribe_reads_a_folder_of_partial_results_through_no_link(connect: Connect, folder: Path) -> None:
    """A link that was put in place of the partial file leads nowhere."""
    outside = folder.parent / f"{folder.name}-outside"
    outside.write_text("not a result\n")
    (folder / "trans.txt.partial").symlink_to(outside)
    async with connect(data_dirs=(folder,)) as call:
        await call.refusal("transcribe", path=".", locale="en-US", output="trans.txt")

    assert outside.read_text() == "not a result\n"
    assert not (folder / "trans.txt").exists()


async def test_transcribe_takes_drafts_for_transcripts_only_after_somebody_corrected_them(
    connect: Connect, folder: Path
) -> None:
    """Against its own drafts every recognition is perfect, whoever wrote them and whatever they are called."""
    rates, drafts = [], folder / "trans.txt"
    async with connect(data_dirs=(folder,)) as call:
        await call("transcribe", path=".", locale="en-US", output="drafts.txt")
        rates.append((await call("transcribe", path=".", locale="en-US"))["word_error_rate"])
    (folder / "drafts.txt").rename(drafts)
    (folder / "drafts.unsure").unlink()
    async with connect(data_dirs=(folder,)) as call:
        answer = await call("transcribe", path=".", locale="en-US")
        rates.append(answer["word_error_rate"])
        corrected = drafts.read_text("utf-8-sig").replace("a.wav\t", "a.wav\tcorrected ")
        drafts.write_text(corrected, "utf-8")
        rates.append((await call("transcribe", path=".", locale="en-US"))["word_error_rate"])
        delete_mark(drafts)
        rates.append((await call("transcribe", path=".", locale="en-US"))["word_error_rate"])

    assert rates[:3] == [None, None, None]
    assert '"trans.txt": its first line says that nobody has corrected it.' in answer["findings"][0]["message"]
    assert 0 < rates[3] < 1


def names_in(folder: Path) -> set[str]:
    """The names of the files in a folder."""
    return {one.name for one in folder.iterdir()}


async def at_once(*calls: Any) -> list[dict[str, Any]]:
    """The answers of calls of `transcribe` that begin at the same moment."""
    answers: list[dict[str, Any]] = []

    async def one(call: Any, arguments: dict[str, Any]) -> None:
        answers.append(await call("transcribe", locale="en-US", **arguments))

    async with anyio.create_task_group() as tasks:
        for call, arguments in calls:
            tasks.start_soon(one, call, arguments)
    return answers


async def test_transcribe_sends_each_recording_once_if_a_folder_is_transcribed_twice_at_once(
    connect: Connect, azure: Azure, folder: Path
) -> None:
    """Also if one of its recordings is transcribed at the same moment; each answer has the texts."""
    async with connect(data_dirs=(folder,)) as call:
        same = (call, {"path": ".", "output": "drafts.txt"})
        answers = await at_once(same, same, (call, {"path": "."}), (call, {"path": "b.wav"}))

    texts = [{one["file"]: one["text"] for one in answer["files"]} for answer in answers]
    whole = next(found for found in texts if len(found) == 3)
    assert sorted(map(len, texts)) == [1, 3, 3, 3]
    assert all(found.items() <= whole.items() for found in texts)
    assert {answer["output"] for answer in answers} == {None, str(folder / "drafts.txt")}
    assert await azure.writes() == ["Transcriptions_Transcribe"] * 3
    assert names_in(folder) == {*SAID, "drafts.txt", "drafts.unsure"}


async def test_transcribe_sends_an_address_once_if_it_is_transcribed_twice_at_once(
    connect: Connect, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_speech_emulator.resources.dataset_imports.fetch_content", lambda *_: wav(5))
    async with connect(confirm="never") as call:
        first, second = await at_once(*[(call, {"content_url": URL})] * 2)
        await call("transcribe", locale="en-US", content_url=URL)

    assert (first["files"], first["audio_hours"]) == (second["files"], second["audio_hours"])
    assert await azure.writes() == ["Transcriptions_Transcribe"] * 2


class _MeetingLock(FileLock):
    """Lets two requests come as far as the lock before one of them gets it."""

    waiting, both = 0, anyio.Event()

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[bool]:
        _MeetingLock.waiting += 1
        if self.waiting == 2:
            self.both.set()
        await self.both.wait()
        async with super().hold(key) as is_made:
            yield is_made


async def test_transcribe_sends_a_recording_once_if_two_servers_of_one_machine_transcribe_it(
    connect: Connect, azure: Azure, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The server that has not sent it has no text, and says where it is; later it can be sent again."""
    locks, results = tmp_path_factory.mktemp("locks"), []
    arguments = {"path": "a.wav", "locale": "en-US"}
    async with (
        connect(data_dirs=(folder,), lock=_MeetingLock(locks)) as one,
        connect(data_dirs=(folder,), lock=_MeetingLock(locks)) as other,
    ):
        async with anyio.create_task_group() as tasks:
            for call in (one, other):
                tasks.start_soon(_note_result, call, arguments, results)
        assert await azure.writes() == ["Transcriptions_Transcribe"]
        again = [(await call("transcribe", **arguments))["done"] for call in (one, other)]

    refusals = [result for result in results if isinstance(result, str)]
    assert [rules_of(refusal) for refusal in refusals] == [["already-exists"]]
    assert again == [1, 1]
    assert await azure.writes() == ["Transcriptions_Transcribe"] * 2


async def _note_result(call: Any, arguments: dict[str, Any], results: list[Any]) -> None:
    result = await call.client.call_tool("transcribe", arguments)
    results.append(text_of(result) if result.is_error else result.structured_content)


async def test_transcribe_sends_nothing_again_if_the_answer_to_the_same_call_was_lost(
    connect: Connect, azure: Azure, folder: Path
) -> None:
    """Both calls say so; the recording may be billed."""
    await azure.fail({"operation": "Transcriptions_Transcribe", "fault": "close-after", "times": 1})
    async with connect(data_dirs=(folder,)) as call:
        answers = await at_once(*[(call, {"path": "a.wav"})] * 2)

    assert [(one["status"], one["done"]) for one in answers] == [("Running", 0)] * 2
    assert all("had no answer" in one["findings"][-1]["message"] for one in answers)
    assert await azure.writes() == ["Transcriptions_Transcribe"]


@pytest.mark.parametrize("name", ["a.opus", "a.amr", "a.mp3"])
async def test_transcribe_asks_before_compressed_audio_of_any_size(
    connect: Connect, azure: Azure, folder: Path, name: str
) -> None:
    """An hour of AMR at its lowest bit rate has two megabytes, so the size does not tell the length."""
    (folder / name).write_bytes(b"x" * 2_000)
    async with connect(data_dirs=(folder,)) as call:
        refusals = [await call.refusal("transcribe", path=path, locale="en-US") for path in (name, ".")]

    assert [rules_of(refusal) for refusal in refusals] == [["transcription-is-charged"]] * 2
    assert all("by the length of the audio: unknown, because not all of it is WAV." in one for one in refusals)
    assert await azure.writes() == []


@pytest.mark.parametrize(
    ("status", "code", "inner"),
    [
        (401, "Unauthorized", None),
        (403, "Forbidden", None),
        (400, "InvalidRequest", "InvalidSubscription"),
        (400, "InvalidRequest", None),
        (429, "TooManyRequests", None),
        (503, "ServiceUnavailable", None),
    ],
)
async def test_transcribe_of_an_address_starts_no_batch_if_the_refusal_is_not_about_the_model(
    connect: Connect, azure: Azure, monkeypatch: pytest.MonkeyPatch, status: int, code: str, inner: str | None
) -> None:
    async with connect(confirm="never") as call:
        base = (await call("list_base_models", locale="en-US", limit=1))["base_models"][0]["id"]

        def refuse(*_: Any) -> None:
            raise ServiceError(status, code, "The service says why.", inner, headers={"Retry-After": "3600"})

        monkeypatch.setattr("custom_speech_emulator.resources.transcriptions.resolve_model", refuse)
        refusal = await call.refusal("transcribe", content_url=URL, locale="en-US", model=base)

    assert "The service says why." in refusal
    assert set(await azure.writes()) == {"Transcriptions_Transcribe"}
