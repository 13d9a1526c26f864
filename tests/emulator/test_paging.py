"""Lists and their pages."""

from typing import Any

import pytest

from support.emulator_service import VERSIONS, Resource, Service


def pages(resource: Resource, path: str, query: dict[str, Any]) -> list[list[str]]:
    """The display names on all pages, following the links."""
    found = []
    link: str | None = resource.url(path, query)
    while link:
        page = resource.ask("GET", link)
        found.append([value["displayName"] for value in page["values"]])
        link = page.get("@nextLink")
    return found


def test_list_shows_the_hundred_oldest_when_nothing_is_said(eastus: Resource) -> None:
    """As in the service, the newest base models are on the last page."""
    first, *others = pages(eastus, "/models/base", {})

    assert len(first) == 100
    assert sum(map(len, others)) > 0
    assert max(others[-1]) > max(first)


@pytest.mark.parametrize("version", VERSIONS)
def test_list_is_whole_however_it_is_cut(service: Service, version: str) -> None:
    """The pages of any size together are the whole list."""
    resource = service.resource(version=version)
    query = {"filter": "locale eq 'en-US' or locale eq 'de-DE'"}

    whole = pages(resource, "/datasets", query)

    for top in (1, 3, 7, 14, 1000):
        cut = pages(resource, "/datasets", {**query, "top": top})
        assert [name for page in cut for name in page] == whole[0]
        assert all(len(page) <= top for page in cut)


def test_list_keeps_the_filter_in_its_link(eastus: Resource) -> None:
    """The filter is encoded in the link."""
    name = "ß 'quoted' & #1 100% 日本"
    for _ in range(3):
        eastus.ask("POST", "/projects", json={"displayName": name, "locale": "en-US"})

    found = pages(eastus, "/projects", {"top": 1, "filter": "displayName eq '" + name.replace("'", "''") + "'"})

    assert found == [[name], [name], [name]]


@pytest.mark.parametrize(
    "query",
    [{"top": 0}, {"top": -1}, {"top": "x"}, {"top": 2**31}, {"skip": -1}, {"skip": ""}, {"skip": "١"}, {"skip": "1.0"}],
)
def test_list_refuses_numbers_that_are_none(eastus: Resource, query: dict[str, Any]) -> None:
    """The response is 400, not an empty page."""
    assert eastus.refusal("GET", "/models", query) == (400, "InvalidParameterValue")


@pytest.mark.parametrize("query", ["wat=1", "top=1&top=2", "Top=1", "orderby=name", "sasLifetimeMinutes=1"])
def test_list_refuses_parameters_that_it_does_not_know(eastus: Resource, query: str) -> None:
    """Unknown parameters, and repeated known parameters."""
    url = f"{eastus.base}/speechtotext/models?api-version={eastus.version}&{query}"

    assert eastus.refusal("GET", url) == (400, "InvalidParameter")


def test_list_says_when_to_read_again_while_something_runs(eastus: Resource) -> None:
    """Lists have `Retry-After` only if they contain an unfinished entity."""
    assert eastus.send("GET", "/datasets").headers["retry-after"] == "1"
    assert "retry-after" not in eastus.send("GET", "/datasets", {"filter": "status eq 'Failed'"}).headers
    assert "retry-after" not in eastus.send("GET", "/models/base").headers
