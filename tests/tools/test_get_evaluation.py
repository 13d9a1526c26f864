"""get_evaluation, driven through an MCP client."""

from itertools import permutations
from pathlib import Path

import pytest

from conftest import Connect
from custom_speech_data.word_errors import normalized_words
from custom_speech_emulator.resources import evaluations
from custom_speech_emulator.resources.seed_data import SENTENCES
from custom_speech_tools.speech import schemas
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL, AUDIO = "Contoso finished model en-US", "Contoso audio with transcripts en-US"


async def evaluated(call: Caller) -> str:
    """Return the id of a finished evaluation."""
    return str((await call("create_evaluation", model=MODEL, dataset=AUDIO, wait_seconds=10))["id"])


async def test_get_evaluation_shows_the_worst_utterances_of_the_first_model(call: Caller) -> None:
    evaluation = await call("get_evaluation", evaluation=await evaluated(call), worst=3)

    errors = [utterance["errors"] for utterance in evaluation["worst"]]
    assert errors == sorted(errors, reverse=True)
    assert all(utterance["errors"] for utterance in evaluation["worst"])
    assert {utterance["file"].rpartition(".")[2] for utterance in evaluation["worst"]} == {"wav"}


async def test_get_evaluation_shows_the_transcripts_of_the_dataset_as_reference(call: Caller) -> None:
    """The files of an evaluation hold recognized words only (recorded live)."""
    evaluation = await call("get_evaluation", evaluation=await evaluated(call), worst=20)
    said = {sentence for pair in permutations(SENTENCES["en-US"], 2) for sentence in (pair[0], " ".join(pair))}

    assert {utterance["reference"] for utterance in evaluation["worst"]} <= said
    assert not any("@" in str(utterance) for utterance in evaluation["worst"])


async def test_get_evaluation_shows_which_words_are_missed_most(call: Caller) -> None:
    evaluation = await call("get_evaluation", evaluation=await evaluated(call), words=50)

    words = evaluation["words"]
    assert words[0].keys() == {"word", "missed", "of", "inserted", "recognized_as", "in_training_data"}
    assert [word["missed"] for word in words] == sorted((word["missed"] for word in words), reverse=True)
    assert all(word["missed"] <= word["of"] for word in words)
    counted = evaluation["models"][0]
    assert sum(word["missed"] for word in words) == counted["substitutions"] + counted["deletions"]
    assert sum(word["inserted"] for word in words) == counted["insertions"]


async def test_get_evaluation_says_whether_the_model_was_trained_with_a_missed_word(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    missed = f"{SENTENCES['en-US'][0]}\n"
    (tmp_path / "text.txt").write_text(f"\ufeff{missed}", encoding="utf-8")
    async with connect(confirm="never", data_dirs=(tmp_path,)) as call:
        text = await call(
            "upload_dataset", display_name="T", locale="en-US", kind="Language", path="text.txt", wait_seconds=10
        )
        model = await call("create_model", display_name="M", locale="en-US", datasets=[text["id"]])
        await azure.finish(model["id"], "Succeeded")
        test = await call("create_evaluation", model=model["id"], dataset=AUDIO, wait_seconds=10)
        await azure.forget()
        first = await call("get_evaluation", evaluation=test["id"], words=50)
        again = await call("get_evaluation", evaluation=test["id"], words=50)
        lists = [one["path"] for one in await azure.requests() if one["operation"] == "Datasets_ListFiles"]

    assert {word["word"]: word["in_training_data"] for word in first["words"]} == {
        word["word"]: word["word"] in normalized_words(missed, "en-US") for word in first["words"]
    }
    assert {word["in_training_data"] for word in first["words"]} == {True, False}
    assert again["words"] == first["words"]
    assert sum(text["id"] in path for path in lists) == 1


async def test_get_evaluation_does_not_take_a_dataset_for_another_one_of_the_same_id(
    call: Caller, azure: Azure
) -> None:
    """As an emulator that was reset has them."""
    lines = [SENTENCES["en-US"][0]]
    text = await call("upload_dataset", display_name="T", locale="en-US", kind="Language", lines=lines, wait_seconds=10)
    model = await call("create_model", display_name="M", locale="en-US", datasets=[text["id"]])
    await azure.finish(model["id"], "Succeeded")
    test = await call("create_evaluation", model=model["id"], dataset=AUDIO, wait_seconds=10)
    first = await call("get_evaluation", evaluation=test["id"], words=50)
    store = azure.app.state.emulator.state.store
    dataset = store.get("emulator-eastus", "datasets", text["id"])
    dataset.document["createdDateTime"] = "2020-01-01T00:00:00Z"
    store.put(dataset)
    for file in store.all("emulator-eastus", f"datasets/{text['id']}/files"):
        store.put_data("emulator-eastus", text["id"], file.id, b"xyzzy")
    again = await call("get_evaluation", evaluation=test["id"], words=50)

    assert True in {word["in_training_data"] for word in first["words"]}
    assert {word["in_training_data"] for word in again["words"]} == {False}


async def test_get_evaluation_does_not_guess_about_training_data_that_cannot_be_read(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = await evaluated(call)
    monkeypatch.setattr("custom_speech_tools.guardrails.evaluation_details._FILES_WITH_WORDS", frozenset())
    found = await call("get_evaluation", evaluation=evaluation, words=50)

    assert {word["in_training_data"] for word in found["words"]} == {None}


async def test_get_evaluation_leaves_references_and_words_out_if_the_transcripts_cannot_be_read(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = await evaluated(call)
    monkeypatch.setattr("custom_speech_tools.guardrails.evaluation_details.TRANSCRIPTS", "AnotherKind")
    found = await call("get_evaluation", evaluation=evaluation, worst=1, words=5)

    assert found["worst"][0]["reference"] is None
    assert found["worst"][0]["hypothesis"]
    assert "words" not in found
    assert [(finding["rule"], finding["message"]) for finding in found["findings"]] == [
        (
            "details-readable",
            "What was said in the recordings is not known: the service lists no file with the transcripts of this "
            "dataset.",
        )
    ]


async def test_get_evaluation_says_how_many_recordings_it_could_read(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = await evaluated(call)
    monkeypatch.setattr("custom_speech_tools.guardrails.evaluation_details.MAX_RECORDINGS", 21)
    found = await call("get_evaluation", evaluation=evaluation)

    assert found["findings"][0]["message"].startswith("The details of 21 of 24 recordings could be read")


async def test_get_evaluation_does_not_judge_few_utterances(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stock has 24."""
    monkeypatch.setattr("custom_speech_data.significance.MIN_UTTERANCES", 25)
    found = await call("get_evaluation", evaluation=await evaluated(call))

    unknown = ("confidence_95", "relative_95", "is_significant")
    assert [found["difference"][name] for name in unknown] == [None, None, None]
    assert found["verdict"].startswith("Not judged: 24 utterances, 20 are needed. ")
    assert found["next_steps"][1:] == ["Leave the endpoints as they are, and test with at least 20 recordings"]


async def test_get_evaluation_judges_whether_the_difference_is_significant(call: Caller) -> None:
    evaluation = await call("get_evaluation", evaluation=await evaluated(call))

    difference = evaluation["difference"]
    low, high = difference["confidence_95"]
    assert all(
        one["confidence_95"][0] < one["word_error_rate"] < one["confidence_95"][1] for one in evaluation["models"]
    )
    assert low <= difference["absolute"] <= high < 0
    assert difference["relative_95"][0] <= difference["relative"] <= difference["relative_95"][1] < 0
    assert difference["is_significant"]
    name = evaluation["models"][1]["display_name"]
    dates = f'"{name}" of {name[:4]}-{name[4:6]}-{name[6:]}'
    newest = (await call("list_base_models", locale="en-US"))["base_models"][0]["display_name"]
    assert (evaluation["is_void"], evaluation["verdict"]) == (
        False,
        f'Better: 5.9 % against 20.3 % of base model {dates}. A newer base model exists: "{newest}". This is the '
        "emulator: it simulates recognition, so the rates are not real.",
    )


async def test_get_evaluation_gives_the_same_interval_every_time(call: Caller) -> None:
    evaluation = await evaluated(call)
    intervals = [(await call("get_evaluation", evaluation=evaluation))["difference"] for _ in range(3)]

    assert intervals[0] == intervals[1] == intervals[2]


async def test_get_evaluation_keeps_the_rates_when_the_details_cannot_be_read(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluations, "recording_details", lambda *parts: {"another": "shape"})
    evaluation = await call("get_evaluation", evaluation=await evaluated(call), worst=5)

    assert evaluation["models"][0]["word_error_rate"] is not None
    assert evaluation["worst"] == []
    assert evaluation["verdict"].startswith("Not judged: only 0 utterances could be read, 20 are needed.")


async def test_get_evaluation_reads_the_details_without_a_key(call: Caller, azure: Azure) -> None:
    evaluation = await evaluated(call)
    await azure.forget()
    await call("get_evaluation", evaluation=evaluation)

    content = [one for one in await azure.requests() if one["path"].startswith("/_emulator/content/")]
    assert all("ocp-apim-subscription-key" not in one["headers"] for one in content)


async def test_get_evaluation_refuses_what_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("get_evaluation", evaluation="Nothing")) == ["reference-found"]


async def test_get_evaluation_without_error_rates_warns_and_offers_no_deployment(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal makes such evaluations of audio without transcripts; Succeeded says only that they ended."""
    evaluation, score = await evaluated(call), schemas.Evaluation.score
    monkeypatch.setattr(schemas.Evaluation, "score", lambda *one: score(*one)._replace(word_error_rate=None))
    found = await call("get_evaluation", evaluation=evaluation)

    assert [(one["rule"], one["level"]) for one in found["findings"]] == [("test-data-scorable", "warn")]
    assert "deploy_model" not in str(found["next_steps"])
    assert found["difference"] is None
