"""Addresses …"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from custom_speech_tools.speech import KeyCredential, SpeechResource
from custom_speech_tools.speech.service_urls import entity_of, is_trusted_endpoint, is_within, region_of

ID = "827712a5-f942-4997-91c3-7c6cde35600b"


@pytest.mark.parametrize(
    "address",
    [
        "https://eastus.api.cognitive.microsoft.com",
        "https://contoso-train.cognitiveservices.azure.com",
        "https://usgovvirginia.api.cognitive.microsoft.us",
        "https://chinaeast2.api.cognitive.azure.cn",
        "http://127.0.0.1:8765",
        "http://localhost:8765/eastus",
        "http://eastus.localhost",
        "http://[::1]:8765",
    ],
)
def test_addresses_a_key_may_go_to_azure_speech_and_to_this_machine(address: str) -> None:
    """Public, government and Chinese hosts, and loopback."""
    assert is_trusted_endpoint(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://eastus.api.cognitive.microsoft.com",
        "https://eastus.api.cognitive.microsoft.com.evil.example",
        "https://evil.example/eastus.api.cognitive.microsoft.com",
        "https://eastus.api.cognitive.microsoft.com@evil.example",
        "https://user:pass@eastus.api.cognitive.microsoft.com",
        "https://eastus.api.cognitive.microsoft.com:8443",
        "https://eastus.api.cognitive.microsoft.com.",
        "https://a.b.cognitiveservices.azure.com",
        "https://.cognitiveservices.azure.com",
        "https://cognitiveservices.azure.com",
        "https://eastus.api.cognitive.microsoft.com?x=1",
        "https://eastus.api.cognitive.microsoft.com#x",
        "https://eastus.api.cognitive.microsoft.com\\@evil.example",
        "https://ea\tstus.api.cognitive.microsoft.com",
        "https://eаstus.api.cognitive.microsoft.com",
        "https://xn--estus-2ve.evil.example",
        "http://2130706433:8765",
        "http://0x7f000001",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0:8765",
        "ftp://127.0.0.1",
        "http://127.0.0.1:99999",
        "eastus",
        "",
    ],
)
def test_addresses_a_key_goes_nowhere_else(address: str) -> None:
    """Look-alikes, other ports, user names, other spellings of numbers."""
    assert not is_trusted_endpoint(address)


@pytest.mark.parametrize("version", ["/v3.2", ""])
@pytest.mark.parametrize("query", ["", "?api-version=2025-10-15"])
@pytest.mark.parametrize("kind", ["models", "models/base", "projects", "datasets", "operations/models/copy"])
def test_addresses_an_id_is_read_from_the_path(version: str, query: str, kind: str) -> None:
    """With and without the query, in any case of letters."""
    found = entity_of(f"https://eastus.api.cognitive.microsoft.com/speechtotext{version}/{kind}/{ID.upper()}{query}")

    assert found
    assert (found.kind, found.id) == (kind, ID)


@pytest.mark.parametrize(
    "path",
    [
        f"models/{ID}/files",
        f"models/{ID}:copy",
        f"models/../{ID}",
        f"models/%2e%2e/{ID}",
        f"models/{ID}%2f..",
        "models/",
        "models/base",
        f"nothing/{ID}",
    ],
)
def test_addresses_what_names_no_single_entity_has_no_id(path: str) -> None:
    """Nor does a path that climbs."""
    assert entity_of(f"https://eastus.api.cognitive.microsoft.com/speechtotext/{path}") is None


def resource(endpoint: str, region: str | None = None) -> SpeechResource:
    """Return a resource at the endpoint."""
    return SpeechResource("here", endpoint, KeyCredential(SecretStr("k")), region)


def test_addresses_a_link_between_azure_hosts_may_be_read() -> None:
    """A resource has a regional host and a custom domain."""
    regional, custom = "https://eastus.api.cognitive.microsoft.com", "https://contoso.cognitiveservices.azure.com"

    other_region = "https://westeurope.api.cognitive.microsoft.com"

    assert resource(custom, "eastus").is_own_link(f"{regional}/speechtotext/models/{ID}")
    assert resource(regional).is_own_link(f"{custom}/speechtotext/models/{ID}")
    assert not resource(custom, "eastus").is_own_link(f"{other_region}/speechtotext/models/{ID}")
    assert not resource(regional).is_own_link(f"https://evil.example/speechtotext/models/{ID}")
    assert not resource("http://127.0.0.1:1").is_own_link(f"http://127.0.0.1:2/speechtotext/models/{ID}")


def test_addresses_only_a_regional_host_shows_its_region() -> None:
    """A custom domain does not."""
    assert region_of("https://westeurope.api.cognitive.microsoft.com") == "westeurope"
    assert region_of("https://contoso.cognitiveservices.azure.com") is None


@given(st.text(max_size=80))
def test_addresses_any_text_is_answered(text: str) -> None:
    """Nothing that a caller or an answer writes raises."""
    for asked in (text, f"https://{text}", f"http://127.0.0.1/{text}"):
        assert is_trusted_endpoint(asked) in (True, False)
        assert is_within("http://127.0.0.1", asked) in (True, False)
        entity_of(asked)
