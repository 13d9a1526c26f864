"""docs/clients.md: its configurations can be read, its links lead to them, and its examples run where they can."""

import base64
import json
import re
import tomllib
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from custom_speech_server.resource_config import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
HTTP = (ROOT / ".ci" / "http").read_text(encoding="utf-8")


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


@pytest.mark.parametrize("command", [line for block in blocks("sh") for line in block.splitlines() if "--env" in line])
def test_clients_page_commands_configure_a_resource(command: str) -> None:
    """A region without a key is a configuration error, which every tool would answer with."""
    environment = dict(re.findall(r"--env (\w+)=(\S+)", command.replace("…", "k")))

    assert [(one.name, one.region) for one in load(None, environment).all] == [("speech", "eastus")]


def test_clients_page_names_every_client() -> None:
    headings = re.findall(r"^##+ (.+)$", PAGE, re.MULTILINE)

    assert {
        "Claude Code", "Claude Desktop", "VS Code", "Cursor", "Codex", "Gemini CLI", "Copilot CLI", "JetBrains IDEs",
        "Zed", "Windsurf", "Cline", "openai-agents", "google-adk", "LangChain", "pydantic-ai", "Semantic Kernel",
        "Mastra", "AI SDK",
    } <= set(headings)  # fmt: skip


def test_clients_page_links_install_the_published_package() -> None:
    wanted = {"command": "uvx", "args": ["custom-speech-mcp"]}
    page = PAGE + README
    cursor = re.findall(
        r"\((?:cursor://anysphere\.cursor-deeplink/mcp/install|https://cursor\.com/en/install-mcp)\?([^)]+)\)", page
    )
    vscode = re.search(r"\(vscode:mcp/install\?([^)]+)\)", PAGE)
    redirect = re.search(r"\(https://vscode\.dev/redirect/mcp/install\?([^)]+)\)", README)
    assert vscode
    assert redirect

    assert len(cursor) == 2
    for link in cursor:
        query = urllib.parse.parse_qs(link)
        assert (query["name"], json.loads(base64.b64decode(query["config"][0]))) == (["custom-speech"], wanted)
    assert json.loads(urllib.parse.unquote(vscode[1])) == wanted | {"name": "custom-speech", "type": "stdio"}
    query = urllib.parse.parse_qs(redirect[1])
    assert (query["name"], json.loads(query["config"][0])) == (["custom-speech"], wanted | {"type": "stdio"})


_EXAMPLE = re.compile(r"^### (.+?)\n.*?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = dict(_EXAMPLE.findall(PAGE))


@pytest.mark.parametrize("name", EXAMPLES)
def test_clients_page_examples_are_python(name: str) -> None:
    """.ci/http runs them where their framework is installed."""
    compile(EXAMPLES[name], name, "exec")


_FRAMEWORK = re.compile(r"^### (.+?)\n\n`(?:pip|npm) install (.+?)`", re.MULTILINE)


def test_clients_page_frameworks_name_versions_that_ci_installs() -> None:
    named = dict(_FRAMEWORK.findall(PAGE))
    packages = [package.strip("'") for name in named for package in named[name].split() if package != "mcp"]

    assert set(named) == set(re.findall(r"^### (.+)$", PAGE, re.MULTILINE))
    assert [package for package in packages if not re.fullmatch(r"[\w@/\[\]-]+(==|@)[\d.*]+", package)] == []
    assert {package for package in packages if package not in HTTP} == {
        "google-adk==2.13.*",
        "semantic-kernel[mcp]==1.45.*",
    }
