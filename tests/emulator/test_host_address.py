"""Hosts, regions and links in responses."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_emulator.http.host_address import HOST_PLACEHOLDER, HostAddress, parse_reference, region_placeholder
from support.emulator_service import Resource, Service

EASTUS = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}


def test_link_names_the_address_that_was_asked(service: Service) -> None:
    """Scheme, host, port and region prefix of links are those of the request."""
    url = "http://127.0.0.1:8765/eastus/speechtotext/v3.2/projects?top=1"

    page = service.send("GET", url, headers=EASTUS).json()

    assert page["@nextLink"] == "http://127.0.0.1:8765/eastus/speechtotext/v3.2/projects?skip=1&top=1"
    assert all(link.startswith("http://127.0.0.1:8765/eastus/") for link in page["values"][0]["links"].values())


@pytest.mark.parametrize("version", ["2024-11-15", "2025-10-15"])
def test_link_ends_with_the_api_version_in_dated_versions(service: Service, version: str) -> None:
    """This includes `self`, `links` and references."""
    model = service.resource(version=version).stocked("models", "finished model en-US")

    links = [model["self"], *model["links"].values(), model["baseModel"]["self"], model["datasets"][0]["self"]]

    assert all(link.endswith(f"?api-version={version}") for link in links)


@pytest.mark.parametrize(
    ("base", "other"),
    [
        ("http://eastus.localhost:8765", "http://westeurope.localhost:8765"),
        ("https://eastus.api.cognitive.microsoft.com", "https://westeurope.api.cognitive.microsoft.com"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
    ],
)
def test_link_names_another_region_in_the_same_style(base: str, other: str) -> None:
    """Links to a plain loopback address have no region."""
    parts = urlsplit(base)

    text = region_placeholder("westeurope") + "/x " + HOST_PLACEHOLDER
    assert HostAddress(parts.scheme, parts.netloc).fill_placeholders(text) == f"{other}/x {base}"


@pytest.mark.parametrize(
    "path", ["/SpeechToText/Models/Base", "/speechtotext/models/BASE/", "/EastUS/speechtotext/models/base"]
)
def test_link_is_found_in_any_letter_case(eastus: Resource, path: str) -> None:
    """Microsoft's client mixes letter cases; links in responses have only one."""
    url = f"{eastus.base}{path}?api-version={eastus.version}&top=1".replace("eastus.localhost/East", "localhost/East")

    answer = eastus.ask("GET", url)

    assert "/speechtotext/models/base/" in answer["values"][0]["self"]
    eastus.service.violations.clear()  # the specification knows its paths in one letter case only


def test_link_of_v3_2_is_found_in_any_letter_case(service: Service) -> None:
    old = service.resource(version="v3.2")
    model = old.stocked("models", "finished model en-US")["self"]

    assert old.ask("GET", model.replace("v3.2/models", "V3.2/Models").upper().replace("HTTP", "http")) == old.ask(
        "GET", model
    )


def test_link_in_any_letter_case_is_a_reference(eastus: Resource) -> None:
    base = eastus.ask("GET", "/models/base", {"filter": "locale eq 'en-US'"})["values"][-1]["self"]

    model = eastus.ask(
        "POST",
        "/models",
        json={
            "displayName": "m",
            "locale": "en-US",
            "baseModel": {"self": base.replace("/models/base/", "/Models/Base/")},
        },
    )

    assert model["baseModel"]["self"] == base


@pytest.mark.parametrize(
    "reference",
    [
        "http://eastus.localhost/speechtotext/v3.2/projects/{id}",
        "http://127.0.0.1:9999/eastus/speechtotext/projects/{id}?api-version=2025-10-15",
        "http://localhost/speechtotext/v3.1/projects/{id}",
        "https://eastus.api.cognitive.microsoft.com/speechtotext/projects/{ID}?api-version=2024-11-15",
    ],
)
def test_link_is_a_reference_in_any_style_of_the_same_region(eastus: Resource, reference: str) -> None:
    """References can have the format of any version and any host name of the emulator."""
    project = eastus.stocked("projects", "en-US")["self"].split("/projects/")[1].partition("?")[0]

    model = eastus.model(project={"self": reference.format(id=project, ID=project.upper())})

    assert model["project"]["self"] == eastus.url(f"/projects/{project}")


@pytest.mark.parametrize(
    "reference",
    [
        "https://evil.example/speechtotext/projects/{id}",
        "http://westeurope.localhost/speechtotext/projects/{id}",
        "http://eastus.localhost/speechtotext/datasets/{id}",
        "/speechtotext/projects/{id}",
        "ftp://eastus.localhost/speechtotext/projects/{id}",
        "http://[::1/speechtotext/projects/{id}",
        "{id}",
    ],
)
def test_link_is_no_reference_when_it_leads_elsewhere(eastus: Resource, reference: str) -> None:
    """Another host, region or kind, or text that is not a URL: the recorded `InvalidPayload`."""
    project = eastus.stocked("projects", "en-US")["self"].split("/projects/")[1].partition("?")[0]
    body = {"displayName": "x", "locale": "en-US", "project": {"self": reference.format(id=project)}}

    assert eastus.refusal("POST", "/models", json=body) == (400, "InvalidPayload")


@given(st.text())
def test_link_never_breaks_on_any_text(text: str) -> None:
    """A reference can be any text."""
    assert parse_reference(text, "eastus", "emulator-eastus", HostAddress("http", "eastus.localhost")) is None


def test_link_cannot_be_written_by_a_caller(eastus: Resource) -> None:
    """Placeholders for hosts cannot occur in text of a caller."""
    assert eastus.model(displayName="@here-0@ \x00 {HERE}")["displayName"] == "@here-0@ \x00 {HERE}"
