"""Invalid input."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.emulator_service import Resource, Service

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EmptyRequest"),
        (b"   ", "EmptyRequest"),
        (b"{", "InvalidRequestBodyFormat"),
        (b"{'a': 1}", "InvalidRequestBodyFormat"),
        (b'{"displayName": NaN}', "InvalidRequestBodyFormat"),
        (b"\xff\xfe{}", "InvalidRequestBodyFormat"),
        (b'{"displayName": "\\ud800", "locale": "en-US"}', "InvalidRequestBodyFormat"),
        (b"[" * 100_000, "InvalidRequestBodyFormat"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "InvalidRequestBodyFormat"),
        (b'{"displayName": ' + b"9" * 5000 + b"}", "InvalidRequestBodyFormat"),
        (b"null", "InvalidPayload"),
        (b"[]", "InvalidPayload"),
        (b'"text"', "InvalidPayload"),
        (b"5", "InvalidPayload"),
    ],
)
def test_bad_input_that_is_no_json_object_is_refused(eastus: Resource, content: bytes, code: str) -> None:
    """The response is 400 with a specific code for every depth of nesting."""
    assert eastus.refusal("POST", "/models", content=content, headers=JSON) == (400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/jsonx", "multipart/form-data"])
def test_bad_input_that_is_not_sent_as_json_is_refused(eastus: Resource, kind: str) -> None:
    """The response is 415; parameters of `application/json` are allowed."""
    headers = {"Content-Type": kind}
    good = b'{"displayName": "x", "locale": "en-US"}'

    assert eastus.refusal("POST", "/models", content=good, headers=headers)[0] == 415
    utf8 = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert eastus.send("POST", "/models", content=good, headers=utf8).status_code == 201


def test_bad_input_that_is_too_large_is_refused(eastus: Resource) -> None:
    """The response is 413 above 1 MiB of JSON and above the limit for all bodies."""
    for size in (1024 * 1024, 9 * 1024 * 1024):
        content = b'{"displayName": "' + b"x" * size + b'", "locale": "en-US"}'
        assert eastus.refusal("POST", "/models", content=content, headers=JSON)[0] == 413


@pytest.mark.parametrize("path", ["/models/x", "/models/none:copy", "/models/..", "/models//files", "/Nothing"])
def test_bad_input_that_leads_nowhere_is_not_found(eastus: Resource, path: str) -> None:
    """An unknown entity is a 404 of the service, an unknown path a 404 of the gateway."""
    assert eastus.refusal("GET", path)[0] in (404, 405)


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("PUT", "/models", "GET, POST"), ("DELETE", "/models:authorizecopy", "POST")]
)
def test_bad_input_that_uses_another_method_is_not_allowed(
    eastus: Resource, method: str, path: str, allowed: str
) -> None:
    """The 405 response contains the allowed methods."""
    response = eastus.send(method, path)

    assert (response.status_code, response.headers["allow"], response.json()["code"]) == (405, allowed, "NotAllowed")


@pytest.mark.parametrize(
    "query", ["", "?api-version=2023-01-01", "?api-version=", "?api-version=2025-10-15&api-version=x"]
)
def test_bad_input_that_names_no_api_version_is_refused(eastus: Resource, query: str) -> None:
    """A missing or unknown version is 400, an unknown version in the path 404. With v3.2, `api-version` is ignored."""
    base = f"{eastus.base}/speechtotext"

    assert eastus.send("GET", f"{base}/models{query}").status_code == 400
    assert eastus.send("GET", f"{base}/v3.1/models").status_code == 404
    assert eastus.service.resource(version="v3.2").send("GET", f"{base}/v3.2/models?api-version=x").status_code == 200
    eastus.service.violations.clear()  # no specification has that parameter there


@pytest.mark.parametrize("host", ["a b", "x<script>", "localhost:99x", 'x"y', "[::1"])
def test_bad_input_that_names_no_host_is_refused(eastus: Resource, host: str) -> None:
    """A valid Host header is used in all links, an invalid one in none."""
    response = eastus.send("GET", "/models", headers={"Host": host})

    assert response.status_code == 400
    assert host not in response.text


@pytest.mark.parametrize(
    "name", ["x" * 10_000, "123", "{}", "true", "\x00\x1f", "'; DROP TABLE entity", "日本 ß 🎤", "\u202e"]
)
def test_bad_input_that_is_an_odd_name_stays_what_it_is(eastus: Resource, name: str) -> None:
    """Text is returned unchanged and can be found with a filter."""
    model = eastus.model(displayName=name)

    assert model["displayName"] == name
    if "\x00" not in name and len(name) < 1000:
        found = eastus.ask("GET", "/models", {"filter": "displayName eq '" + name.replace("'", "''") + "'"})
        assert found["values"] == [model]


@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"]), st.binary(max_size=40), st.binary(max_size=60))
def test_bad_input_that_is_random_never_gets_a_500(service: Service, method: str, path: bytes, content: bytes) -> None:
    """Arbitrary bytes as path and body."""
    url = f"http://eastus.localhost/speechtotext/v3.2/models/{path.hex(' ', 1).replace(' ', '%')}"
    headers = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key", **JSON}

    assert service.send(method, url, content=content, headers=headers).status_code < 500
