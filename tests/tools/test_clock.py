"""Dates and clocks …"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_emulator import emulator
from custom_speech_tools.guardrails.shared_rules import clocks_agree
from custom_speech_tools.speech import ServiceClock
from support.scripted_service import ID, Scripted, model, served
from support.tool_client import rules_of, text_of
from support.virtual_time import BACKEND, START, clock

pytestmark = pytest.mark.anyio

TRAINING = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
STOCK = "Contoso finished model en-US"
YEARS = timedelta(days=3 * 365)


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


class Elsewhere:
    """A service whose clock is ahead of this machine's, and which says so in its `Date`."""

    def __init__(self, ahead: timedelta) -> None:
        self._within, self._ahead = emulator(now=clock(ahead)), ahead

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, with the time."""

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(datetime.now(UTC) + self._ahead, usegmt=True).encode()
                message = message | {"headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self._within(scope, receive, say)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z"),
        ("2026-03-04T05:06:07", "2026-03-04T05:06:07Z"),
        ("2026-03-04T05:06:07.1234567Z", "2026-03-04T05:06:07Z"),
        ("2026-03-04T05:06:07+00:00", "2026-03-04T05:06:07Z"),
        ("2026-03-04T07:06:07+02:00", "2026-03-04T05:06:07Z"),
        ("2026-03-03T21:06:07-08:00", "2026-03-04T05:06:07Z"),
        ("2026-03-04T05:06Z", "2026-03-04T05:06:00Z"),
        ("2026-03-04", "2026-03-04T00:00:00Z"),
        (None, None),
    ],
)
async def test_dates_are_read_in_any_documented_form(written: str | None, shown: str | None) -> None:
    """ISO 8601 with and without offset, fractions and time; shown in UTC."""
    dates = {"deprecationDates": {"transcriptionDateTime": written}}
    service = Scripted(lambda method, path: (200, {}, model(createdDateTime=written, properties=dates)))

    async with served(service) as call:
        found = await call("get_model", model=ID)

    assert found["created"] == shown
    assert found["transcription_until"] == (shown and shown[:10])


async def test_dates_are_compared_whatever_their_form() -> None:
    """A list of models whose dates say more or less; none, too."""
    forms = ["2026-03-04T05:06:07Z", "2026-03-05T05:06:07", None, "0001-01-01T00:00:00", "9999-12-31T23:59:59-05:00"]
    address = "http://eastus.localhost/speechtotext/models/82771{}a5-f942-4997-91c3-7c6cde35600b"
    values = [model(self=address.format(place), createdDateTime=form) for place, form in enumerate(forms)]

    async with served(Scripted(lambda method, path: (200, {}, {"values": values}))) as call:
        found = await call("list_models")

    years = [item["created"] and item["created"].partition("-")[0] for item in found["models"]]
    assert years[:3] == ["9999", "2026", "2026"]
    assert set(years[3:]) <= {"0001", "1", None}


async def test_dates_that_cannot_be_read_are_no_dates_to_go_by() -> None:
    """A model whose end nobody can read is not taken for one without an end."""
    dates = {"deprecationDates": {"transcriptionDateTime": "next year"}}
    service = Scripted(lambda method, path: (200, {}, model(properties=dates)))

    async with served(service) as call:
        assert "could not be read" in await call.refusal("get_model", model=ID)


@pytest.mark.parametrize("ahead", [timedelta(hours=3), -timedelta(hours=3), YEARS])
async def test_dates_that_differ_from_the_services_are_said_where_dates_count(ahead: timedelta) -> None:
    """In the findings of a plan and of a copy, and in the note of a list that leaves out what has expired."""
    async with served(Elsewhere(ahead)) as call:
        plan = await call("plan_model", **TRAINING)
        listed = await call("list_base_models", locale="en-US")
        copy = await call.client.call_tool(
            "copy_model", {"model": STOCK, "to_resource": "emulator-westeurope", "allow_duplicate": True}
        )

    assert "clock-skew" in [finding["rule"] for finding in plan["findings"]]
    assert "This machine's clock is" in listed["note"]
    assert "This machine's clock is" in text_of(copy)


async def test_dates_that_agree_are_not_mentioned() -> None:
    """Two clocks are never quite the same; five minutes are let pass."""
    async with served(Elsewhere(timedelta(minutes=4))) as call:
        plan = await call("plan_model", **TRAINING)
        listed = await call("list_base_models", locale="en-US")

    assert "clock-skew" not in [finding["rule"] for finding in plan["findings"]]
    assert "clock" not in listed["note"]


async def test_dates_are_judged_by_the_services_clock() -> None:
    """A machine that lives three years in the past does not take what has expired for open."""
    async with served(Elsewhere(YEARS)) as call:
        every = (await call("list_base_models", locale="en-US", availability="all", limit=100))["base_models"]
        open_here = [base for base in every if day(START) < base["adaptation_until"] < day(START + YEARS)]
        refusal = await call.refusal("create_model", **TRAINING, base_model=open_here[0]["id"])
        listed = await call("list_base_models", locale="en-US")

    assert "base-model-open" in rules_of(refusal)
    assert all(base["adaptation_until"] > day(START + YEARS) for base in listed["base_models"])


def day(moment: datetime) -> str:
    """As results write it."""
    return f"{moment:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(minutes=5), None),
        (timedelta(minutes=6), "6 min behind"),
        (-timedelta(minutes=90), "90 min ahead of"),
        (timedelta(hours=30), "30 h behind"),
        (-timedelta(days=400), "400 days ahead of"),
    ],
)
def test_dates_are_told_apart_in_plain_words(ahead: timedelta, said: str | None) -> None:
    """Which is ahead, and by how much."""
    messages = [finding.message for finding in clocks_agree(ahead)]

    assert [said in message for message in messages if said] == ([True] if said else messages)


@given(st.timedeltas(min_value=-YEARS, max_value=YEARS))
def test_dates_are_never_worse_than_five_minutes_apart(ahead: timedelta) -> None:
    """The time by which dates are judged is the service's, but for what is let pass."""
    service = START + ahead

    assert abs(ServiceClock(skew=ahead).to_service_time(START) - service) <= timedelta(minutes=5)
