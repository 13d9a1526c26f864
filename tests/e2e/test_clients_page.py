"""docs/clients.md: its configurations can be read, its links lead to them, and its examples run where they can."""

import base64
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


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
MODULES = {
    "openai-agents": "agents",
    "pydantic-ai": "pydantic_ai",
    "LangChain": "langchain_mcp_adapters",
    "google-adk": "google.adk",
    "Semantic Kernel": "semantic_kernel",
}


def is_installed(module: str) -> bool:
    """Return whether a framework is there."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("name", MODULES)
def test_clients_page_examples_run_as_they_stand(name: str, tmp_path: Path) -> None:
    compile(EXAMPLES[name], name, "exec")
    if not is_installed(MODULES[name]):
        pytest.skip(f"needs {name}")
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "XDG_STATE_HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES[name]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "emulator-eastus" in done.stdout or "list_resources" in done.stdout
