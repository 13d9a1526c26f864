"""Projects."""

import pytest

from support.emulator_service import Resource, Service, id_of


def test_project_holds_what_is_connected_to_it(eastus: Resource) -> None:
    """The lists of a project contain its own datasets and models."""
    project = eastus.stocked("projects", "en-US")

    names = [value["displayName"] for value in eastus.ask("GET", project["links"]["datasets"])["values"]]

    assert len(names) == 6
    assert all(name.endswith("en-US") for name in names)
    assert len(eastus.ask("GET", project["links"]["models"])["values"]) == 1
    assert eastus.ask("GET", project["links"]["transcriptions"])["values"] == []


def test_project_counts_what_it_holds_in_v3_2(service: Service) -> None:
    """The counts appear in a single project, in a list, and after a change."""
    old = service.resource(version="v3.2")
    project = old.stocked("projects", "en-US")

    assert project["properties"]["datasetCount"] == 6
    assert old.ask("GET", project["self"])["properties"]["modelCount"] == 1
    assert old.ask("PATCH", project["self"], json={"description": "x"})["properties"]["endpointCount"] == 0


def test_project_belongs_to_a_foundry_project_in_2025_10_15_only(service: Service) -> None:
    body = {"displayName": "a", "locale": "en-US", "foundryProjectName": "lab"}
    new, old = service.resource(), service.resource(version="v3.2")

    project = new.ask("POST", "/projects", json=body)

    assert new.ask("GET", "/projects", {"filter": "foundryProjectName eq 'lab'"})["values"] == [project]
    assert "foundryProjectName" not in old.ask("GET", f"/projects/{id_of(project)}")
    assert old.refusal("POST", "/projects", json=body) == (400, "InvalidPayload")


def test_project_does_not_exist_in_2024_11_15(service: Service) -> None:
    """2024-11-15 has neither operations of projects nor references to projects."""
    resource = service.resource(version="2024-11-15")
    reference = {"project": {"self": "http://localhost/speechtotext/projects/x"}}

    assert resource.refusal("GET", "/projects")[0] == 404
    assert "project" not in resource.stocked("datasets", "plain text en-US")
    assert resource.refusal("POST", "/models", json={"displayName": "x", "locale": "en-US", **reference})[0] == 400


def test_project_leaves_its_content_when_it_is_deleted(eastus: Resource) -> None:
    """The contents are kept without a project."""
    project = eastus.stocked("projects", "en-US")

    assert eastus.send("DELETE", project["self"]).status_code == 204
    assert "project" not in eastus.stocked("datasets", "plain text en-US")
    assert eastus.send("DELETE", project["self"]).status_code == 204


def test_project_is_changed_by_a_merge_patch(eastus: Resource) -> None:
    """Missing properties are kept, null removes a property, and custom properties are merged."""
    body = {"displayName": "a", "locale": "en-US", "description": "d", "customProperties": {"k": "v", "old": "1"}}
    project = eastus.ask("POST", "/projects", json=body)

    patch = {"description": None, "customProperties": {"old": None, "new": "2"}}
    changed = eastus.ask("PATCH", project["self"], json=patch, headers={"Content-Type": "application/merge-patch+json"})

    assert changed["displayName"] == "a"
    assert "description" not in changed
    assert changed["customProperties"] == {"k": "v", "new": "2"}


@pytest.mark.parametrize(
    "properties",
    [{str(n): "" for n in range(11)}, {"k" * 65: ""}, {"k": "v" * 257}, {"k": 1}, {"k": None}, [], "x"],
)
def test_project_refuses_custom_properties_beyond_the_limits(eastus: Resource, properties: object) -> None:
    """The limits are ten entries, keys of 64 and values of 256 characters; all values are strings."""
    body = {"displayName": "a", "locale": "en-US", "customProperties": properties}

    assert eastus.refusal("POST", "/projects", json=body) == (400, "InvalidPayload")


def test_project_refuses_an_eleventh_custom_property_by_patch(eastus: Resource) -> None:
    """The limit applies to the merged properties."""
    body = {"displayName": "a", "locale": "en-US", "customProperties": {str(n): "" for n in range(10)}}
    project = eastus.ask("POST", "/projects", json=body)

    assert eastus.refusal("PATCH", project["self"], json={"customProperties": {"x": ""}}) == (400, "InvalidPayload")
