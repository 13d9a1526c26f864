"""A request goes again …"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_tools.speech import (
    AzureError,
    ResponseLostError,
    SpeechError,
    UnreachableError,
    UnreadableResponseError,
)
from custom_speech_tools.speech.decoding import retry_after_seconds
from custom_speech_tools.speech.pipeline import wait_seconds
from support.scripted_service import Answer, Scripted, model, served
from support.virtual_time import BACKEND

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
GOOD: Answer = (200, {}, {"values": [model()]})


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


def after(*first: Answer) -> Scripted:
    """A service that answers so at first, and well from then on."""
    answers = chain(first, repeat(GOOD))
    return Scripted(lambda method, path: next(answers))


def refused(status: int, retry_after: float | None = None) -> AzureError:
    """An answer of a status."""
    return AzureError("no", resource="here", operation="X", status=status, retry_after=retry_after)


def lost(kind: type[SpeechError]) -> SpeechError:
    """No usable answer."""
    return kind("no")


async def test_request_is_repeated_after_the_seconds_that_the_service_asks_for() -> None:
    """And a little later, so that callers do not come back together; never earlier."""
    service = after((429, {"Retry-After": "3"}, {}))

    async with served(service) as call:
        await call("list_models")

    first, second = service.times
    assert 3.0 <= second - first <= 3.75


@pytest.mark.parametrize("wrong", [timedelta(), timedelta(hours=5), timedelta(hours=-5), timedelta(days=400)])
async def test_request_is_repeated_after_the_date_that_the_service_asks_for(wrong: timedelta) -> None:
    """By the service's own clock: it says what time it is, and this machine's may be wrong."""
    there = datetime.now(UTC) + wrong
    headers = {"Date": format_datetime(there, usegmt=True)}
    service = after((503, headers | {"Retry-After": format_datetime(there + timedelta(seconds=4), usegmt=True)}, {}))

    async with served(service) as call:
        await call("list_models")

    first, second = service.times
    assert 3.9 <= second - first <= 5.2


async def test_request_is_repeated_not_when_the_wait_is_longer_than_a_call_may_be() -> None:
    """The caller is told at once, and when to come back."""
    service = after((429, {"Retry-After": "120"}, {"code": "TooManyRequests", "message": "Slow down."}))

    async with served(service) as call:
        refusal = await call.refusal("list_models")

    assert "The same call can be repeated in 120 s." in refusal
    assert len(service.asked) == 1


async def test_request_is_repeated_with_a_word_to_a_client_that_shows_progress() -> None:
    """Why, and for how long; and the count goes up."""
    seen: list[tuple[float, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, message))

    async with served(after(*[(503, {"Retry-After": "2"}, {})] * 2)) as call:
        await call.client.call_tool("list_models", {}, progress_callback=progress)

    assert len(seen) == 2
    assert "answered 503" in str(seen[0][1])
    assert "Asking again in 2 s." in str(seen[0][1])
    assert seen[0][0] < seen[1][0]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_request_is_repeated_when_reading(status: int) -> None:
    """A second arrival changes nothing."""
    service = after((status, {}, {}))

    async with served(service) as call:
        await call("list_models")

    assert len(service.asked) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 409, 418])
async def test_request_is_repeated_not_when_the_same_would_be_answered_again(status: int) -> None:
    """Nor where another address is named."""
    service = after((status, {"Location": "https://elsewhere.example/"}, {}))

    async with served(service) as call:
        refusal = await call.refusal("list_models")

    said = f"not Azure Speech ({status})" if status < 400 else f"answered {status}"
    assert said in refusal
    assert len(service.asked) == 1


async def test_request_is_repeated_four_times_at_most() -> None:
    """Then the error is the answer."""
    service = after(*[(500, {}, {})] * 10)

    async with served(service) as call:
        await call.refusal("list_models")

    assert len(service.asked) == 4


@pytest.mark.parametrize(
    ("error", "method", "expected"),
    [
        (refused(429), "POST", True),
        (lost(UnreachableError), "POST", True),
        (refused(500), "POST", False),
        (refused(503), "POST", False),
        (lost(ResponseLostError), "POST", False),
        (lost(UnreadableResponseError), "POST", False),
        (lost(ResponseLostError), "GET", True),
        (lost(ResponseLostError), "PATCH", True),
        (refused(503), "PATCH", True),
        (lost(UnreadableResponseError), "GET", False),
    ],
)
def test_request_is_repeated_a_post_only_where_it_certainly_did_not_arrive(
    error: SpeechError, method: str, expected: bool
) -> None:
    """After 429 or without a connection; a PATCH and a GET change nothing the second time."""
    assert (wait_seconds(1, error, method, 0.5) is not None) is expected


@given(st.floats(0, 1), st.floats(0, 86_400), st.integers(1, 3))
def test_request_is_repeated_never_earlier_than_asked(chance: float, asked: float, attempt: int) -> None:
    """Whatever chance says."""
    wait = wait_seconds(attempt, refused(429, asked), "GET", chance)

    assert wait is not None
    assert asked <= wait <= asked * 1.25 + 0.1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("9" * 5000, 86_400.0),
        ("Sun, 01 Nov 2026 12:00:30 GMT", 30.0),
        ("Sunday, 01-Nov-26 12:00:30 GMT", 30.0),
        ("Sun Nov  1 12:00:30 2026", 30.0),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Jan 9999 00:00:00 GMT", 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_request_is_repeated_the_three_forms_of_a_date_and_the_seconds_are_read(
    header: str, expected: float | None
) -> None:
    """RFC 9110, 5.6.7 and 10.2.3; a wait is never longer than a day."""
    assert retry_after_seconds(header, NOW) == expected


@given(
    st.one_of(
        st.text(max_size=60), st.from_regex(r"\A\w{3}, \d{1,12} \w{3} \d{1,12} \d{1,3}:\d\d:\d\d [A-Z+0-9-]{1,9}\Z")
    )
)
def test_request_is_repeated_any_header_is_answered(header: str) -> None:
    """With a wait of at most a day, or with none."""
    wait = retry_after_seconds(header, NOW)

    assert wait is None or 0 <= wait <= 86_400
