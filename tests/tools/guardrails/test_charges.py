"""Amounts: from the operator's own prices, in plans and in questions; without prices none."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from mcp.types import ElicitResult

from conftest import Connect
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.guardrails.charges import PRICE_LIST, estimate_charge
from custom_speech_tools.speech.resource import Prices
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

PRICES = Prices("USD", Decimal("10"), Decimal("0.0538"), Decimal("0.3"))
TEXT, AUDIO = "Contoso plain text en-US", "Contoso audio with transcripts en-US"
TRAINING = {"display_name": "Calls", "locale": "en-US", "datasets": [AUDIO]}
AMOUNT = "about 5.8 h of training, about 57.60 USD at your configured price of 10 USD per hour"
MONTH = (
    "about 730 h of hosting a month for each endpoint, about 39.27 USD at your configured price of 0.0538 USD per hour"
)

Priced = Callable[..., AbstractAsyncContextManager[Caller]]


@pytest.fixture
def priced(connect: Connect) -> Priced:
    """Connect a client to a server whose operator has said what they pay."""

    @asynccontextmanager
    async def connected(prices: Prices | None = PRICES, **settings: Any) -> AsyncIterator[Caller]:
        resources = replace(EMULATED, all=tuple(replace(one, prices=prices) for one in EMULATED.all))
        async with connect(resources=resources, **settings) as call:
            yield call

    return connected


async def test_plan_model_states_the_amount_and_what_it_is_based_on(priced: Priced) -> None:
    async with priced() as call:
        plan = await call("plan_model", **TRAINING)

    assert plan["estimated_charge"] == {"amount": 57.6, "currency": "USD", "basis": AMOUNT}
    assert f"That is {AMOUNT}." in plan["findings"][0]["message"]


async def test_plan_model_without_prices_states_no_amount_and_where_the_price_stands(priced: Priced) -> None:
    async with priced(None) as call:
        plan = await call("plan_model", **TRAINING)

    assert "estimated_charge" not in plan
    assert f"The API does not state the price; see {PRICE_LIST}." in plan["findings"][0]["message"]


async def test_plan_model_guesses_no_amount_for_text_alone(priced: Priced) -> None:
    async with priced() as call:
        plan = await call("plan_model", **TRAINING | {"datasets": [TEXT]})

    assert "estimated_charge" not in plan
    assert "Text alone trains in minutes; your configured price is 10 USD per hour." in plan["findings"][0]["message"]


async def test_plan_model_states_no_amount_for_what_is_not_charged(priced: Priced) -> None:
    async with priced() as call:
        plan = await call("plan_model", **TRAINING, base_model="20230614")

    assert (plan["training_is_charged"], "estimated_charge" in plan) == (False, False)


async def test_questions_state_the_amounts_of_training_and_of_a_month_of_hosting(priced: Priced) -> None:
    asked: list[str] = []

    async def agree(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async with priced(client={"elicitation_callback": agree}) as call:
        await call("create_model", **TRAINING)
        models = await call("list_models", status="Succeeded")
        await call("deploy_model", model=models["models"][0]["id"], display_name="live")

    assert [f"That is {amount}." in question for amount, question in zip((AMOUNT, MONTH), asked, strict=True)] == [
        True,
        True,
    ]


async def test_question_of_a_rollout_states_the_amount(priced: Priced) -> None:
    async with priced(confirm="ask") as call:
        await call("create_model", **TRAINING | {"datasets": [TEXT]}, base_model="20230614")
        await call("get_model", model="Calls", wait_seconds=10)
        target = {"resource": "emulator-westeurope", "endpoint": "live"}
        refusal = await call.refusal("roll_out", model="Calls", targets=[target])

    assert f"That is {MONTH}." in refusal


async def test_token_does_not_outlive_the_price_that_the_user_was_told(priced: Priced) -> None:
    async with priced(confirm="ask") as call:
        refusal = await call.refusal("create_model", **TRAINING)
    [token] = re.findall(r'confirm="([^"]+)"', refusal)

    async with priced(replace(PRICES, training_per_hour=Decimal("20")), confirm="ask") as call:
        again = await call.refusal("create_model", **TRAINING, confirm=token)

    assert AMOUNT in refusal
    assert "The confirm token has expired, or is not for these arguments." in again
    assert "about 115 USD at your configured price of 20 USD per hour" in again


def test_transcription_charge_counts_hours_of_audio() -> None:
    charge = estimate_charge(replace(EMULATED.all[0], prices=PRICES), "transcription", 1234.5)

    assert charge is not None
    assert charge.basis == "about 1234.5 h of audio, about 370 USD at your configured price of 0.3 USD per hour"
