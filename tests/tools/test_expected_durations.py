"""Durations are estimated in one place: as earlier work on the resource took, else as documented."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_speech_emulator import emulator
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.speech.pipeline import EMULATOR_HEADER
from support.scripted_service import served
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

AUDIO = "Contoso audio with transcripts en-US"
TEXT = "Contoso plain text en-US"
MODEL: dict[str, Any] = {"display_name": "Calls", "locale": "en-US", "datasets": [AUDIO]}


@asynccontextmanager
async def on_azure() -> AsyncIterator[tuple[Caller, Azure]]:
    """A client of resources that do not say that they are emulated; nothing ends by itself."""
    azure = Azure(app=emulator(training="reads:1000000"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def without_header(message: Any) -> None:
            headers = [one for one in message.get("headers", []) if one[0].decode().lower() != EMULATOR_HEADER]
            await send(message | ({"headers": headers} if headers else {}))

        await azure(scope, receive, without_header)

    real = tuple(replace(one, emulated=False) for one in EMULATED.all)
    async with served(app, resources=replace(EMULATED, all=real)) as call:
        yield call, azure
    assert azure.violations == []


def expectation(answer: dict[str, Any]) -> tuple[int, str]:
    """When an answer says that it is worth asking again: in a field and in the next step."""
    step = answer["next_steps"][0].partition(".")[0].replace(answer["id"], "ID")
    return answer["check_again_after_seconds"], step.replace(', resource="emulator-eastus"', "")


async def test_estimates_of_a_training_on_azure_are_those_of_the_documentation() -> None:
    """2.4 hours of audio, of which ten are trained with in a day: ask again after a quarter of the time."""
    async with on_azure() as (call, _):
        plan = await call("plan_model", **MODEL)
        made = await call("create_model", **MODEL)
        found = await call("get_model", model=made["id"])

    assert plan["estimated_training_days"] == 0.24
    assert expectation(made)[1] == expectation(found)[1] == 'get_model(model="ID") in about 86 min'
    assert 5100 < expectation(found)[0] <= expectation(made)[0] <= 5184


async def test_estimates_of_a_training_on_azure_are_those_of_an_earlier_one_with_the_same_data() -> None:
    async with on_azure() as (call, azure):
        for hours, name, data in ((3, "First", [AUDIO]), (2, "Second", [AUDIO]), (1, "Text", [TEXT])):
            made = await call("create_model", display_name=name, locale="en-US", datasets=data)
            await azure.advance(timedelta(hours=hours))
            await azure.finish(made["id"], "Succeeded")
        plan = await call("plan_model", **MODEL)
        made = await call("create_model", **MODEL)
        found = await call("get_model", model=made["id"])

    assert plan["estimated_training_days"] == 0.08
    assert expectation(made)[1] == expectation(found)[1] == 'get_model(model="ID") in about 30 min'
    assert 1700 < expectation(found)[0] <= expectation(made)[0] <= 1800


async def test_estimates_of_a_training_do_not_hold_the_time_until_a_model_was_edited() -> None:
    async with on_azure() as (call, azure):
        for name in ("First", "Second"):
            made = await call("create_model", display_name=name, locale="en-US", datasets=[AUDIO])
            await azure.advance(timedelta(hours=12))
            await azure.finish(made["id"], "Succeeded")
        await azure.advance(timedelta(days=30))
        await call("update_model", model=made["id"], description="Edited")
        plan = await call("plan_model", **MODEL)

    assert plan["estimated_training_days"] == 0.5


async def test_estimates_on_the_emulator_are_those_of_the_emulator(call: Caller) -> None:
    plan = await call("plan_model", **MODEL)
    made = await call("create_model", **MODEL)
    found = await call("get_model", model=made["id"])

    assert plan["estimated_training_days"] == 0.0
    assert expectation(made)[1] == expectation(found)[1] == 'get_model(model="ID", wait_seconds=25)'
    assert 1 <= expectation(found)[0] <= expectation(made)[0] <= 5


async def test_endpoint_has_an_address_on_azure() -> None:
    async with on_azure() as (call, azure):
        made = await call("deploy_model", model="Contoso finished model en-US", display_name="Calls")
        await azure.finish(made["id"], "Succeeded")
        found = await call("get_endpoint", endpoint=made["id"])

    assert found["url"].startswith("wss://eastus.stt.speech.microsoft.com/")
    assert found["next_steps"][0].startswith('Applications use endpoint "Calls" on ')


async def test_estimate_of_an_import_on_azure_is_that_of_an_earlier_one_of_its_kind() -> None:
    data = {"display_name": "Terms", "locale": "en-US", "kind": "Language", "allow_duplicate": True}
    address = "https://contoso.blob.core.windows.net/data/terms.txt"
    async with on_azure() as (call, azure):
        first = await call("upload_dataset", **data, content_url=address)
        await azure.advance(timedelta(minutes=7))
        await azure.finish(first["id"], "Succeeded")
        second = await call("upload_dataset", **data, content_url=address)
        found = await call("get_dataset", dataset=second["id"])

    assert expectation(found)[1] == 'get_dataset(dataset="ID") in about 2 min'
    assert 100 <= expectation(found)[0] <= 105


async def test_estimate_of_a_test_on_azure_is_that_of_an_earlier_one_with_the_same_data() -> None:
    async with on_azure() as (call, azure):
        model = "Contoso finished model en-US"
        first = await call("create_evaluation", model=model, dataset=AUDIO, display_name="A")
        await azure.advance(timedelta(minutes=40))
        await azure.finish(first["id"], "Succeeded")
        second = await call("create_evaluation", model=model, dataset=AUDIO, display_name="B")
        found = await call("get_evaluation", evaluation=second["id"])

    assert expectation(found)[1] == 'get_evaluation(evaluation="ID") in about 10 min'
    assert 590 <= expectation(found)[0] <= 600


async def test_estimate_of_a_batch_transcription_on_azure_is_that_of_an_earlier_one() -> None:
    job = {"locale": "en-US", "dataset": AUDIO}
    async with on_azure() as (call, azure):
        first = await call("transcribe", **job)
        await azure.advance(timedelta(minutes=40))
        await azure.finish(first["id"], "Succeeded")
        second = await call("transcribe", **job, model="Contoso finished model en-US")
        found = await call("get_transcription", transcription=second["id"])

    assert expectation(found)[1] == 'get_transcription(transcription="ID") in about 10 min'
    assert 590 <= expectation(found)[0] <= 600
