"""Errors of the service and its gateway, and the advice that follows from what they say."""

from typing import Any

import pytest

from custom_speech_tools.speech import AzureError
from support.scripted_service import Scripted, served

pytestmark = pytest.mark.anyio

DOCTOR = "`custom-speech-mcp doctor`"


def gateway(status: int, message: str, code: str | None = None) -> tuple[int, dict[str, Any]]:
    """Return an answer of the gateway."""
    return status, {"error": {"code": code or str(status), "message": message}}


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (
            gateway(401, "Access denied due to invalid subscription key or wrong API endpoint."),
            f"The key is not of this region or endpoint: check both with {DOCTOR}.",
        ),
        (gateway(401, "The principal lacks the required data action", "PermissionDenied"), "The identity lacks a role"),
        (
            gateway(403, "Access denied due to Virtual Network/Firewall rules."),
            "The resource's firewall",
        ),
        (gateway(403, "Public access is disabled. Please configure private endpoint."), "private endpoint only"),
        (
            gateway(403, "Key based authentication is disabled.", "AuthenticationTypeDisabled"),
            'auth = "entra"',
        ),
        (gateway(403, "Out of call volume quota."), "The quota is used up"),
        (gateway(400, "Please provide a custom subdomain for token authentication."), "configure it as endpoint"),
        (gateway(404, "Resource not found"), f"check endpoint and region with {DOCTOR}"),
        ((401, {"statusCode": 401, "message": "Access denied due to invalid subscription key"}), "The key is not of"),
        ((403, {"code": "Forbidden", "message": "No."}), "The identity lacks a role for custom speech"),
        ((400, {"code": "InvalidRequest", "message": "No."}), "first correct what the message names"),
    ],
)
async def test_advice_follows_the_body_of_the_answer(answer: tuple[int, dict[str, Any]], advice: str) -> None:
    status, body = answer
    async with served(Scripted(lambda method, path: (status, {}, body))) as call:
        refusal = await call.refusal("list_projects")

    error = body.get("error", body)
    assert f'"{error["message"]}"' in refusal
    assert advice in refusal


async def test_status_that_the_gateway_repeats_as_code_is_shown_once() -> None:
    error = AzureError("No.", resource="here", operation="Models_Get", status=403, code="403")

    assert str(error) == 'here answered 403 to Models_Get: "No."'


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"error": "x"}', b'{"error": {"code": {}}}'])
async def test_body_in_an_unknown_form_leaves_the_status(body: bytes) -> None:
    async with served(Scripted(lambda method, path: (418, {}, body))) as call:
        refusal = await call.refusal("list_projects")

    assert refusal.startswith("list_projects: emulator-eastus answered 418 to Projects_List: no reason given")


async def test_throttled_requests_are_repeated_as_long_as_the_call_may_take() -> None:
    """Six times 429 with five seconds each, then the answer."""
    answers = iter([429] * 6 + [200])

    def answer(method: str, path: str) -> Any:
        return next(answers), {"retry-after": "0"}, {"values": []}

    async with served(Scripted(answer)) as call:
        assert (await call("list_projects"))["projects"] == []


@pytest.mark.parametrize(
    "properties",
    [
        {"acceptedLineCount": 10**400},
        {"durationMilliseconds": 10**400},
        {"durationMilliseconds": -(10**30)},
        {"duration": "P99999999999D"},
    ],
)
async def test_numbers_that_cannot_be_true_are_not_read(properties: dict[str, Any]) -> None:
    address = "http://eastus.localhost/speechtotext/datasets/827712a5-f942-4997-91c3-7c6cde35600b"
    dataset = {"self": address, "displayName": "d", "locale": "en-US", "kind": "Language", "status": "Succeeded"}
    body = {"values": [dataset | {"properties": properties}]}
    async with served(Scripted(lambda method, path: (200, {}, body))) as call:
        listed = (await call("list_datasets"))["datasets"][0]

    assert [listed[name] for name in ("lines", "rejected_lines", "audio_hours")] == [None, None, None]
    assert listed["display_name"] == "d"


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "nonsense"])
async def test_date_header_that_cannot_be_true_is_not_believed(date: str) -> None:
    async with served(Scripted(lambda method, path: (200, {"date": date}, {"values": []}))) as call:
        assert (await call("list_models"))["models"] == []
