"""Every published file names the same project, the same version and only what exists, everywhere."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from custom_speech_server import __version__
from custom_speech_server.app import ICON, WEBSITE

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text("utf-8"))
MANIFEST: dict[str, Any] = json.loads((ROOT / "deploy" / "mcpb" / "manifest.json").read_text("utf-8"))


def test_published_versions_are_one() -> None:
    package = SERVER["packages"][0]

    assert {SERVER["version"], package["version"], MANIFEST["version"]} == {__version__}
    assert (package["identifier"], MANIFEST["name"]) == (PROJECT["name"], PROJECT["name"])


def test_published_addresses_are_one() -> None:
    addresses = [SERVER["websiteUrl"], SERVER["repository"]["url"], MANIFEST["repository"]["url"], WEBSITE]

    assert {PROJECT["urls"]["Homepage"]} == set(addresses)
    assert all(address.startswith(WEBSITE) for address in PROJECT["urls"].values())
    assert (ROOT / ICON.partition("/main/")[2]).is_file()


def test_published_name_in_the_registry_is_the_readmes() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert f"mcp-name: {SERVER['name']} " in readme
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", SERVER["name"])
    assert 1 <= len(SERVER["description"]) <= 100


def test_published_configuration_is_read_and_keys_are_secret() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "server").rglob("*.py"))
    variables = {one["name"] for one in SERVER["packages"][0]["environmentVariables"]}
    variables |= MANIFEST["server"]["mcp_config"]["env"].keys()

    for name in variables:
        assert name in sources or name.removeprefix("SPEECH_") in ("KEY", "REGION", "ENDPOINT")
    assert {one["name"] for one in SERVER["packages"][0]["environmentVariables"] if one.get("isSecret")} == {
        "SPEECH_KEY"
    }
    assert [name for name, option in MANIFEST["user_config"].items() if option.get("sensitive")] == ["speech_key"]


@pytest.mark.parametrize("file", sorted((ROOT / ".github").rglob("*.y*ml")), ids=lambda file: str(file.name))
def test_published_repository_forms_are_valid(file: Path, tmp_path: Path) -> None:
    import importlib.util
    import subprocess
    import sys

    workflow, issues = "vendor.github-workflows", "vendor.github-issue-config"
    schemas = {
        "ci.yaml": workflow,
        "release.yaml": workflow,
        "dependabot.yml": "vendor.dependabot",
        "config.yml": issues,
    }
    assert yaml.safe_load(file.read_text("utf-8"))
    if importlib.util.find_spec("check_jsonschema") is None:
        pytest.skip("needs check-jsonschema")
    schema = schemas.get(file.name, "vendor.github-issue-forms")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_published_workflow_runs_the_projects_own_checks() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yaml").read_text("utf-8")

    assert "bash .ci/run" in workflow
    assert {"macos-latest", "windows-latest"} <= set(re.findall(r"[\w-]+-latest", workflow))


def test_published_icons_exist_in_their_forms() -> None:
    icons = {ROOT / icon["src"].partition("/main/")[2]: (icon["mimeType"], icon["sizes"]) for icon in SERVER["icons"]}
    png = (ROOT / "docs" / "icon.png").read_bytes()

    assert icons == {
        ROOT / "docs" / "icon.png": ("image/png", ["512x512"]),
        ROOT / "docs" / "icon.svg": ("image/svg+xml", ["any"]),
    }
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (512, 512)
    assert MANIFEST["icon"] == "icon.png"
    assert "docs/icon.png deploy/mcpb/manifest.json" in (ROOT / ".ci" / "package").read_text("utf-8")


def test_pre_commit_calls_the_checks_of_the_ci() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    ci = (ROOT / ".ci" / "run").read_text("utf-8")

    assert all(f".venv/bin/{hook['entry']}" in ci for hook in hooks)
