"""list_projects …"""

import pytest

from conftest import Connect
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio


async def test_list_projects_lists_the_projects_of_a_locale(call: Caller) -> None:
    """A model can be connected to a project of its own locale only."""
    found = await call("list_projects", locale="de-de")

    assert [project["display_name"] for project in found["projects"]] == ["Contoso de-DE"]


async def test_list_projects_says_when_the_api_version_has_none(connect: Connect) -> None:
    """2024-11-15 has no projects; the error says which version has them."""
    async with connect(version="2024-11-15") as call:
        refusal = await call.refusal("list_projects")

    assert rules_of(refusal) == ["project-supported"]
    assert "2025-10-15" in refusal
