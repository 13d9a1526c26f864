"""Tokens of the token service."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_emulator import emulator
from custom_speech_emulator.http.authentication import authenticate
from custom_speech_emulator.http.responses import ServiceError
from support.emulator_service import Service

BASE = "http://127.0.0.1:8765/eastus"
STATE = emulator(stock=False).state.emulator.state
KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}


def token(service: Service, path: str = "sts/v1.0/issueToken?scope=speechservicesmanagement") -> str:
    """A token for the account in eastus."""
    response = service.send("POST", f"{BASE}/{path}", headers=KEY)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain; charset=us-ascii")
    return response.text


def asked(service: Service, bearer: str, base: str = BASE, path: str = "v3.2/models") -> httpx.Response:
    """A request with a token instead of a key."""
    return service.send("GET", f"{base}/speechtotext/{path}", headers={"Authorization": f"Bearer {bearer}"})


@pytest.mark.parametrize("path", ["sts/v1.0/issueToken?scope=speechservicesmanagement", "sts/v1.0/issuetoken"])
def test_token_stands_for_the_key_in_v3_2(service: Service, path: str) -> None:
    """Only the specification of v3.2 allows tokens; clients use both letter cases of the path."""
    assert asked(service, token(service, path)).status_code == 200


def test_token_ends_after_ten_minutes(service: Service) -> None:
    """The token expires by the emulator's clock."""
    one = token(service)
    service.control("POST", "clock", {"advance": "PT9M"})
    assert asked(service, one).status_code == 200

    service.control("POST", "clock", {"advance": "PT2M"})
    assert asked(service, one).status_code == 401


def test_token_opens_no_other_region_and_no_dated_version(service: Service) -> None:
    """The response is 401, as for a key of another region; the dated versions accept only keys."""
    one = token(service)

    assert asked(service, one, "http://westeurope.localhost").status_code == 401
    assert asked(service, one, path="models?api-version=2025-10-15").status_code == 401


def test_token_is_given_only_for_a_key_of_the_region_and_on_post(service: Service) -> None:
    """No token is issued for a wrong key or for GET."""
    url = "http://westeurope.localhost/sts/v1.0/issueToken"

    assert service.send("POST", url, headers=KEY).status_code == 401
    assert service.send("GET", url).status_code == 405


@given(st.text() | st.text().map("Bearer {}.ü".format) | st.from_regex(r"[Bb]earer [\w=-]*\.[\w=-]*\.[\w=-]*"))
def test_token_cannot_be_made_up(authorization: str) -> None:
    """No header authenticates without a valid token or key."""
    with pytest.raises(ServiceError):
        authenticate(STATE, {"authorization": authorization}, None, accept_token=True)
