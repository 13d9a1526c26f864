"""list_resources …"""

import pytest

from support.tool_client import Caller

pytestmark = pytest.mark.anyio


async def test_list_resources_shows_what_each_resource_can_do(call: Caller) -> None:
    """Without configuration, the emulator's three are there, one of which does not train with audio."""
    found = await call("list_resources")

    assert found["total"] == 3
    assert found["resources"][2] == {
        "name": "emulator-brazilsouth",
        "region": "brazilsouth",
        "api_version": "2025-10-15",
        "emulated": True,
        "read_only": False,
        "trains_audio": False,
        "has_projects": True,
        "can_copy": True,
        "is_default": False,
    }
