"""The README: what it says is so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import custom_speech_tools
from custom_speech_server.resource_config import from_file
from custom_speech_tools.runtime.agreements import RULE_OF
from support.generated_files import HOW, text_of_readme

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_readme_table_of_tools_is_the_registered_tools() -> None:
    """One row for each tool, with the first line of its file."""
    assert text_of_readme() == README, HOW


def test_readme_table_of_guardrails_is_what_the_rules_say() -> None:
    """Every rule that the code names, and no other."""
    named = set(re.findall(r"^\| `([a-z-]+-[a-z-]+)` \|", README, re.MULTILINE))
    sources = [file.read_text(encoding="utf-8") for file in Path(custom_speech_tools.__path__[0]).rglob("*.py")]

    ruled = re.findall(r'(?:rule=|\b(?:block|warn)[(,])\s*"([a-z-]+)"', "".join(sources))

    assert named == {*ruled, *RULE_OF.values()}


def test_readme_configuration_is_read(tmp_path: Path) -> None:
    """The example works as it stands, and so does each line that is commented out."""
    example = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert example
    file = tmp_path / "resources.toml"
    file.write_text(example[1], encoding="utf-8")
    assert [one.name for one in from_file(file, {"CONTOSO_TRAIN_KEY": "k"}).all] == ["train", "berlin"]

    for line in re.findall(r"^# (\w+ = .+?)  +", example[1], re.MULTILINE):
        key = "" if line.startswith(("key", "auth")) else "key = { keyring = 'berlin' }\n"
        berlin = "[resources.berlin]\nendpoint = 'https://contoso-berlin.cognitiveservices.azure.com'\n"
        file.write_text(berlin + key + line, encoding="utf-8")
        assert tomllib.loads(file.read_text(encoding="utf-8"))
        assert from_file(file, {})


def test_readme_ci_runs_its_commands() -> None:
    """Both, word for word."""
    commands = re.findall(r"^python3 -m venv .+$", README, re.MULTILINE)

    assert len(commands) == 2
    assert [command for command in commands if command not in RUN] == []


def test_readme_command_and_the_rest_of_ci_run_every_test() -> None:
    """What the README's command leaves out is the one mark that CI runs after it."""
    selections = re.findall(r"\bpytest -n auto -m ('not long'|long)$", RUN, re.MULTILINE)

    assert selections == ["'not long'", "long"]


def test_readme_first_command_shows_the_whole_job() -> None:
    """`demo`, in a process of its own: nothing fails, both mistakes are shown, no colour where there is no terminal."""
    shown = subprocess.run(
        [sys.executable, "-m", "custom_speech_server", "demo"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={"PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
    )

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "locale-match]" in shown.stdout
    assert "region-trains-audio]" in shown.stdout
    assert "\nDone: every step had the expected result.\n" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "claude mcp add --transport stdio custom-speech -- custom-speech-mcp"
    assert "\033" not in shown.stdout


DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_of_documents_name_existing_files(document: Path) -> None:
    links = re.findall(r"\]\((?![a-z]+:)([^)#]+)\)", document.read_text(encoding="utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_paths_in_documents_exist(document: Path) -> None:
    """A path in backquotes below one of the packages is that of a file or folder."""
    named = re.findall(
        r"`((?:runtime|guardrails|speech|commands|auth|tests|tools|server|bench|deploy)/[\w./-]+)`",
        document.read_text("utf-8"),
    )
    packages = [ROOT, *(ROOT / "server").iterdir(), *(ROOT / "tools").iterdir()]

    methods = {"server/discover", "tools/list", "tools/call"}  # of MCP
    example = "rename_model"  # of docs/adding-a-tool.md
    named = [path for path in named if example not in path and path not in methods]

    assert [path for path in named if not any((root / path).exists() for root in packages)] == []
