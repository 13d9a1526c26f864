"""Answers of a proxy, a gateway or a sign-in page in place of the service's."""

import pytest

from custom_speech_server.resource_config import EMULATED
from support.scripted_service import Answer, Scripted, served

pytestmark = pytest.mark.anyio

SIGN_IN = b'<!DOCTYPE html><html><head><title>Contoso &amp; Co "sign-in"</title></head><body></body></html>'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"content-type": "text/html"}, SIGN_IN), '(200, a page titled "Contoso & Co \\"sign-in\\"")'),
        ((302, {"location": "https://login.example/"}, b""), "(302)"),
        ((403, {}, b"\r\n<html>blocked</html>"), "(403, a page without a title)"),
        ((404, {}, SIGN_IN), "(404, a page titled "),
        ((407, {}, b""), "(407). The proxy wants credentials: HTTPS_PROXY="),
    ],
    ids=lambda part: str(part[0]) if isinstance(part, tuple) else None,
)
async def test_page_in_place_of_an_answer_is_not_taken_for_the_services(answer: Answer, said: str) -> None:
    service = Scripted(lambda method, path: answer)
    async with served(service, resources=EMULATED) as call:
        refusal = await call.refusal("list_models")

    assert "A proxy or gateway answered Models_ListCustomModels for" in refusal
    assert said in refusal
    assert "Sign in to the network, or let the proxy pass requests" in refusal
    assert "role" not in refusal


@pytest.mark.usefixtures("no_retry_waits")
async def test_page_of_the_services_own_front_door_is_repeated_as_a_server_error() -> None:
    service = Scripted(lambda method, path: (502, {}, SIGN_IN))
    async with served(service, resources=EMULATED) as call:
        assert "answered 502" in await call.refusal("list_models")
