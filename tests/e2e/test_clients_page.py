"""docs/clients.md: its configurations can be read, its links lead to them, and its examples run where they can."""

import base64
import json
import re
import tomllib
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def servers(document: dict[str, Any]) -> dict[str, Any]:
    """Return the servers of a client's configuration, whatever it calls them."""
    names = ("mcpServers", "servers", "context_servers", "mcp_servers")
    return next(dict(document[name]) for name in names if name in document)


CONFIGURATIONS = [*map(json.loads, blocks("json")), *map(tomllib.loads, blocks("toml"))]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_clients_page_shows_configurations_with_path_and_variables(configuration: dict[str, Any]) -> None:
    server = servers(configuration)["custom-speech"]

    assert server["command"] == "/home/ada/.venv/bin/custom-speech-mcp"
    assert server["env"]["SPEECH_REGION"] == "eastus"
    assert "SPEECH_KEY" in server["env"] or "SPEECH_KEY" in server["env_vars"]


def test_clients_page_names_every_client() -> None:
    headings = re.findall(r"^##+ (.+)$", PAGE, re.MULTILINE)

    assert {
        "Claude Code", "Claude Desktop", "VS Code", "Cursor", "Codex", "Gemini CLI", "Copilot CLI", "JetBrains IDEs",
        "Zed", "Windsurf", "Cline", "openai-agents", "google-adk", "LangChain", "pydantic-ai", "Semantic Kernel",
        "Mastra", "AI SDK",
    } <= set(headings)  # fmt: skip


def test_clients_page_links_install_the_published_package() -> None:
    wanted = {"command": "uvx", "args": ["custom-speech-mcp"]}
    cursor = re.search(r"\(cursor://anysphere\.cursor-deeplink/mcp/install\?([^)]+)\)", PAGE)
    vscode = re.search(r"\(vscode:mcp/install\?([^)]+)\)", PAGE)
    assert cursor
    assert vscode

    query = urllib.parse.parse_qs(cursor[1])
    assert json.loads(base64.b64decode(query["config"][0])) == wanted
    assert query["name"] == ["custom-speech"]
    assert json.loads(urllib.parse.unquote(vscode[1])) == wanted | {"name": "custom-speech", "type": "stdio"}


_EXAMPLE = re.compile(r"^### (.+?)\n.*?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = dict(_EXAMPLE.findall(PAGE))


@pytest.mark.parametrize("name", EXAMPLES)
def test_clients_page_examples_are_python(name: str) -> None:
    """.ci/http runs them where their framework is installed."""
    compile(EXAMPLES[name], name, "exec")
