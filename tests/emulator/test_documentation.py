"""Check that `docs/emulator.md` is complete."""

import re
from pathlib import Path

from custom_speech_emulator import ACCOUNTS
from custom_speech_emulator.control_routes import CONTROL_ROUTES
from custom_speech_emulator.faults import FaultRule
from custom_speech_emulator.http.api_versions import VERSIONS
from custom_speech_emulator.routes import ROUTES

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
PROJECT = Path(__file__).parents[2]
TABLE = PAGE.partition("## Evidence for each behaviour")[2]
BEHAVIOURS = [
    row.groupdict()
    for row in re.finditer(
        r"^\| (?P<behaviour>[^|]+) \| [^|]+ "
        r"\| (?P<evidence>specified|documented|recorded|guessed) \| (?P<source>[^|]+) \| `(?P<module>[^`]+)` \|$",
        TABLE,
        re.MULTILINE,
    )
]


def operations() -> str:
    """The expected table of operations."""
    head = "| Operation | Request | " + " | ".join(version.name for version in VERSIONS) + " |\n|---|---|---|---|---|\n"
    rows = []
    for one in ROUTES:
        has = " | ".join("yes" if version in one.versions else "–" for version in VERSIONS)
        rows.append(f"| {one.name} | `{one.method} {one.path}` | {has} |")
    return head + "\n".join(rows)


def test_emulator_page_lists_every_operation_in_every_version() -> None:
    assert operations() in PAGE


def test_emulator_page_states_evidence_and_module_of_every_behaviour() -> None:
    """Each row has one of the four kinds of evidence, a source, and an existing module."""
    roots = (PROJECT / "server/custom_speech_emulator", PROJECT / "tools")
    missing = [row for row in BEHAVIOURS if not any((root / row["module"]).exists() for root in roots)]

    assert missing == []
    assert [row for row in BEHAVIOURS if row["source"] == "–" and row["evidence"] != "guessed"] == []
    assert {row["evidence"] for row in BEHAVIOURS} == {"specified", "documented", "recorded", "guessed"}
    assert len({row["behaviour"] for row in BEHAVIOURS}) == len(BEHAVIOURS) == TABLE.count("\n| ") - 1


def test_every_error_code_of_the_emulator_has_its_evidence() -> None:
    """A new error code fails this test until the table contains its evidence."""
    sources = "".join(file.read_text("utf-8") for file in (PROJECT / "server/custom_speech_emulator").rglob("*.py"))
    codes = set(re.findall(r'(?:invalid|conflict)\(\s*"(\w+)"', sources))

    assert [code for code in sorted(codes) if code.removesuffix("Value") not in TABLE] == []


def test_emulator_page_names_every_account_with_its_key() -> None:
    for account in ACCOUNTS:
        assert f"| `{account.name}` | {account.region} | `{account.key}` |" in PAGE


def test_emulator_page_names_every_control_route() -> None:
    """The page names no other routes."""
    named = set(re.findall(r"`(?:GET|PUT|POST|DELETE) (/_emulator[/a-z]*)`", PAGE))

    assert named == {route if route != "/_emulator" else "/_emulator/" for route in CONTROL_ROUTES}


def test_emulator_page_explains_every_word_of_a_fault_rule() -> None:
    """Each property and each kind of fault."""
    kinds = FaultRule.model_fields["fault"].annotation
    for word in (*FaultRule.model_fields, *getattr(kinds, "__args__", ())):
        assert f"`{word}`" in PAGE
