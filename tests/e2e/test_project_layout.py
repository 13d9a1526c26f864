"""The layout of the project and the form of its files."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest

from custom_speech_tools.runtime.results import Level

ROOT = Path(__file__).parents[2]
SOURCES = sorted(file for root in ("server", "tools") for file in (ROOT / root).rglob("*.py"))


def test_each_root_holds_its_packages_only() -> None:
    """A file put beside them would be importable in an editable install alone."""
    roots = {root: {file.name for file in (ROOT / root).iterdir()} - {"__pycache__"} for root in ("server", "tools")}

    assert roots == {
        "server": {"custom_speech_server", "custom_speech_emulator"},
        "tools": {"custom_speech_tools", "custom_speech_data"},
    }


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A name says what the module holds."""
    odd = {"utils", "helpers", "common", "manager", "base", "misc", "util", "helper"}

    assert [file for file in SOURCES if file.stem in odd] == []


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_file_has_a_docstring_and_at_most_300_lines(file: Path) -> None:
    """One sentence at the top, at most 300 lines."""
    text = file.read_text(encoding="utf-8")

    assert text.startswith('"""')
    assert text.count("\n") <= 300


def test_nothing_committed_names_a_registry_or_a_machine() -> None:
    """Not even the constraints."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    hosts = re.compile("|".join((r"py" + r"pi\.org", r"pythonhosted" + r"\.org", r"npm" + r"js\.(org|com)")))

    texts = {name: (ROOT / name).read_bytes().decode(errors="ignore") for name in listed.stdout.split()}
    assert [name for name, text in texts.items() if hosts.search(text)] == []
    assert "uv.lock" not in texts


def test_the_constraints_are_names_and_versions() -> None:
    """One pin a line."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert len(lines) > 40
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+-]+", line)] == []


def test_documents_name_only_modules_and_folders_that_exist() -> None:
    """A path stands below the root, a package or the tests; pages on adding something may name what is added."""
    roots = [ROOT, ROOT / "tests", ROOT / "server", ROOT / "tools", *(file.parent for file in SOURCES)]
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/decisions").glob("*.md")]
    named = {
        (document.name, path)
        for document in documents
        for path in re.findall(r"`([a-z_][a-z_/]*(?:\.py|/))`", document.read_text(encoding="utf-8"))
        if "rename_model" not in path
    }

    assert len(named) > 30
    assert sorted(one for one in named if not any((root / one[1]).exists() for root in roots)) == []


def test_tool_on_the_page_about_adding_a_tool_can_be_imported() -> None:
    """The other parts of the page are followed by test_adding_a_tool."""
    page = (ROOT / "docs/adding-a-tool.md").read_text(encoding="utf-8")
    module: dict[str, Any] = {"__name__": "custom_speech_tools.rename_model"}
    exec(page.partition("```python\n")[2].partition("```")[0], module)  # noqa: S102  # the page's own code

    assert module["tool"].name == "rename_model"


def test_context_variables_are_those_that_the_architecture_page_names() -> None:
    """Everything else that a function needs is passed to it."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    sentence = re.search(r"travel in context variables (.*)", page)
    package = ROOT / "server/custom_speech_server"
    holders = {file for file in SOURCES if "ContextVar(" in file.read_text(encoding="utf-8")}

    assert sentence
    assert holders == {package / path for path in re.findall(r"`([\w/]+\.py)`", sentence[1])}


def test_glossary_explains_every_level_of_a_finding() -> None:
    """As the findings have them."""
    row = re.search(r"\| level \| (.*) \|", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"))

    assert row
    assert re.findall(r"`(\w+)`:", row[1]) == list(get_args(Level))


def test_no_chain_of_imports_between_guardrails_is_longer_than_five_modules() -> None:
    """Facts, rules and plans: whoever reads a plan crosses at most four other modules."""
    folder = ROOT / "tools/custom_speech_tools/guardrails"
    pattern = re.compile(r"^from custom_speech_tools\.guardrails(?:\.(\w+))? import (\w+)", re.MULTILINE)
    imports = {
        file.stem: {module or name for module, name in pattern.findall(file.read_text(encoding="utf-8"))}
        for file in folder.glob("*.py")
    }

    def longest_chain(module: str) -> list[str]:
        return [module, *max(map(longest_chain, imports[module]), key=len, default=[])]

    assert [chain for chain in map(longest_chain, imports) if len(chain) > 5] == []


def test_presenters_read_nothing_from_the_service() -> None:
    """They are synchronous: what they present was read before."""
    folder = ROOT / "tools/custom_speech_tools/presenters"
    asynchronous = re.compile(r"^\s*async |\bawait ", re.MULTILINE)

    assert [file.name for file in folder.glob("*.py") if asynchronous.search(file.read_text(encoding="utf-8"))] == []
