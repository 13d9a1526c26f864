"""The plugin: its manifests say the same, in the forms that clients read."""

import json
import re
from pathlib import Path
from typing import Any

from custom_speech_server import __version__
from custom_speech_server.app import WEBSITE
from custom_speech_server.mcp_resources import SKILL_FILE

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "server" / "custom_speech_server" / "plugin"
SERVER = {"command": "uvx", "args": ["custom-speech-mcp"]}


def read(*path: str) -> dict[str, Any]:
    """Return the content of a JSON file of the plugin."""
    return dict(json.loads(PLUGIN.joinpath(*path).read_text("utf-8")))


def test_plugin_has_the_files_of_agent_plugins() -> None:
    """`plugin.json`, `mcp.json` and `skills/*/SKILL.md`, with the fields of version 1.0.0 and no others."""
    manifest, mcp = read("plugin.json"), read("mcp.json")
    fields = {"$schema", "name", "version", "description", "author", "homepage", "repository", "license", "keywords"}

    assert set(manifest) == fields
    assert manifest["$schema"] == "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", manifest["name"])
    assert (manifest["version"], manifest["homepage"]) == (__version__, WEBSITE)
    assert mcp == {
        "$schema": "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json",
        "mcpServers": {"custom-speech": {"type": "stdio"} | SERVER},
    }
    assert list(PLUGIN.glob("skills/*/SKILL.md")) == [ROOT / SKILL_FILE.relative_to(ROOT)]


def test_plugin_of_claude_code_says_the_same() -> None:
    portable, claude = read("plugin.json"), read(".claude-plugin", "plugin.json")

    del portable["$schema"]
    assert claude == portable | {"mcpServers": {"custom-speech": SERVER}}


def test_marketplace_names_the_plugin() -> None:
    marketplace = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text("utf-8"))
    (entry,) = marketplace["plugins"]

    assert set(marketplace) == {"name", "owner", "plugins"}
    assert marketplace["owner"]["name"]
    assert (ROOT / entry["source"]).samefile(PLUGIN)
    assert entry["name"] == read("plugin.json")["name"]
    page = (ROOT / "docs" / "clients.md").read_text("utf-8")
    assert f"claude plugin install {entry['name']}@{marketplace['name']}" in page
