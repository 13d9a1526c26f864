"""docs/adding-a-tool.md, followed in a copy of the project: two files and one command, and every check passes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-tool.md").read_text(encoding="utf-8")
TOOL, TEST = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
GENERATED = [
    "tests/e2e/test_readme.py::test_readme_table_of_tools_is_the_registered_tools",
    "tests/server/test_front.py::test_front_answers_are_those_of_the_server",
    "tests/tools/runtime/test_registry.py::test_registry_what_a_model_reads_is_reviewed[rename_model]",
]
SUITES = [
    *("tests/e2e/test_fault_matrix.py", "tests/e2e/test_project_layout.py", "tests/e2e/test_readme.py"),
    *("tests/server/test_front.py", "tests/server/test_instructions.py", "tests/server/test_mcp_resources.py"),
    *("tests/server/test_prompts.py", "tests/tools/runtime/test_registry.py", "tests/tools/test_every_tool.py"),
    *("tests/tools/test_offered_tools.py", "tests/tools/test_unread_resources.py", "tests/tools/test_rename_model.py"),
]
"""The files of fast tests whose results depend on the list of tools."""
DEMO = "tests/e2e/test_readme.py::test_readme_first_command_shows_the_whole_job"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the two files of the page."""
    ignored = shutil.ignore_patterns("__pycache__", ".git", ".venv", ".*_cache", "*.egg-info", "dist", "build")
    shutil.copytree(ROOT, tmp_path, ignore=ignored, dirs_exist_ok=True)
    (tmp_path / "tools" / "custom_speech_tools" / "rename_model.py").write_text(TOOL, encoding="utf-8")
    (tmp_path / "tests" / "tools" / "test_rename_model.py").write_text(TEST, encoding="utf-8")
    return tmp_path


def output_of(project: Path, *command: str) -> tuple[int, str]:
    """Run a Python module or script on the copy, which comes before the installed project on the path."""
    path = os.pathsep.join(str(project / name) for name in ("server", "tools"))
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=project,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.returncode, done.stdout + done.stderr


def failures_of(project: Path, *selected: str) -> list[str]:
    """Run tests of the copy and return those that fail."""
    _, shown = output_of(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rf", *selected)
    assert re.search(r"^\d+ (passed|failed)", shown, re.MULTILINE), shown
    return re.findall(r"^FAILED (\S+)", shown, re.MULTILINE)


@pytest.mark.long
def test_adding_a_tool_takes_two_files_and_one_command(project: Path) -> None:
    suites = [*SUITES, "-m", "not long", "--deselect", DEMO]
    assert sorted(failures_of(project, *suites)) == GENERATED

    assert output_of(project, "tests/regenerate.py") == (0, "")

    assert failures_of(project, *suites) == []
    assert output_of(project, "-m", "ruff", "check", "-q", ".") == (0, "")
    assert output_of(project, "-m", "ruff", "format", "-q", "--check", ".") == (0, "")
    assert output_of(project, "-c", "from importlinter.cli import lint_imports_command as lint; lint()")[0] == 0
