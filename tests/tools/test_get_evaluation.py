"""get_evaluation, driven through an MCP client."""

import pytest

from custom_speech_emulator.resources import evaluation_scoring
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


async def test_get_evaluation_does_not_judge_few_utterances(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stock has 24."""
    monkeypatch.setattr("custom_speech_data.significance.MIN_UTTERANCES", 25)
    difference = (await call("get_evaluation", evaluation=await evaluated(call)))["difference"]

    assert (difference["confidence_95"], difference["is_significant"]) == (None, None)
    assert difference["verdict"].startswith("Not judged: ")


async def test_get_evaluation_judges_whether_the_difference_is_significant(call: Caller) -> None:
    difference = (await call("get_evaluation", evaluation=await evaluated(call)))["difference"]

    low, high = difference["confidence_95"]
    assert low <= difference["absolute"] <= high < 0
    assert difference["is_significant"]
    assert "lower, and the difference is significant" in difference["verdict"]


async def test_get_evaluation_gives_the_same_interval_every_time(call: Caller) -> None:
    evaluation = await evaluated(call)
    intervals = [(await call("get_evaluation", evaluation=evaluation))["difference"] for _ in range(3)]

    assert intervals[0] == intervals[1] == intervals[2]


async def test_get_evaluation_keeps_the_rates_when_the_details_cannot_be_read(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation_scoring, "details", lambda *parts: {"another": "shape"})
    evaluation = await call("get_evaluation", evaluation=await evaluated(call), worst=5)

    assert evaluation["models"][0]["word_error_rate"] is not None
    assert evaluation["worst"] == []
    assert "0 utterances could be read" in evaluation["difference"]["verdict"]


async def test_get_evaluation_reads_the_details_without_a_key(call: Caller, azure: Azure) -> None:
    evaluation = await evaluated(call)
    await azure.forget()
    await call("get_evaluation", evaluation=evaluation)

    content = [one for one in await azure.requests() if one["path"].startswith("/_emulator/content/")]
    assert all("ocp-apim-subscription-key" not in one["headers"] for one in content)


async def test_get_evaluation_refuses_what_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("get_evaluation", evaluation="Nothing")) == ["reference-found"]
