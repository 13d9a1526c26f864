"""`docs/emulator.md` …"""

import re
from pathlib import Path

from custom_speech_emulator import ACCOUNTS
from custom_speech_emulator.control_routes import ROUTES
from custom_speech_emulator.faults.rules import Rule
from custom_speech_emulator.http.versions import VERSIONS
from custom_speech_emulator.routes import OPERATIONS
from custom_speech_emulator.undocumented import GUESSES

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
PROJECT = Path(__file__).parents[2]


def operations() -> str:
    """The table of operations as the page must have it."""
    head = "| Operation | Request | " + " | ".join(version.name for version in VERSIONS) + " |\n|---|---|---|---|---|\n"
    rows = []
    for one in OPERATIONS:
        has = " | ".join("yes" if version in one.versions else "–" for version in VERSIONS)
        rows.append(f"| {one.name} | `{one.method} {one.path}` | {has} |")
    return head + "\n".join(rows)


def guesses() -> str:
    """The table of guesses as the page must have it."""
    rows = [f"| {question} | {answer} | `{module}.py` |" for question, answer, module in GUESSES]
    return "| What is left open | What the emulator does | Where |\n|---|---|---|\n" + "\n".join(rows)


def test_emulator_page_lists_every_operation_in_every_version() -> None:
    """Exactly those that are answered."""
    assert operations() in PAGE


def test_emulator_page_lists_every_guess() -> None:
    """As the table in the source has them, each in a module that exists."""
    assert guesses() in PAGE
    missing = [
        module
        for _, _, module in GUESSES
        if not any((PROJECT / root / f"{module}.py").exists() for root in ("server/custom_speech_emulator", "tools"))
    ]
    assert missing == []


def test_emulator_page_names_every_account_with_its_key() -> None:
    """So that a program can be pointed at them."""
    for account in ACCOUNTS:
        assert f"| `{account.name}` | {account.region} | `{account.key}` |" in PAGE


def test_emulator_page_names_every_control_route() -> None:
    """And no other."""
    named = set(re.findall(r"`(?:GET|PUT|POST|DELETE) (/_emulator[/a-z]*)`", PAGE))

    assert named == {route if route != "/_emulator" else "/_emulator/" for route in ROUTES}


def test_emulator_page_explains_every_word_of_a_fault_rule() -> None:
    """Each property, and each kind of fault."""
    kinds = Rule.model_fields["fault"].annotation
    for word in (*Rule.model_fields, *getattr(kinds, "__args__", ())):
        assert f"`{word}`" in PAGE
