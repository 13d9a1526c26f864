"""What docs/safety.md promises is what tests prove."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(test_\w+\.py)::(test_\w+)`", TEXT)
PROMISES = [part for part in TEXT.split("\n## ")[1:] if not part.startswith("What is not promised")]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_that_is_named_exists(file: str, test: str) -> None:
    """A promise whose test was renamed or removed fails here."""
    source = next((ROOT / "tests").rglob(file)).read_text(encoding="utf-8")

    assert re.search(rf"^ *(async )?def {test}\(", source, re.MULTILINE)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.partition("\n")[0])
def test_every_promise_names_its_tests(promise: str) -> None:
    """Several each."""
    assert len(re.findall(r"`test_\w+\.py::test_\w+`", promise)) >= 3


def test_every_file_of_safety_tests_is_named() -> None:
    """None is proved in silence."""
    files = {
        "retry",
        "time_limits",
        "idempotency",
        "confirmation_flow",
        "read_only",
        "key_destination",
        "secrets",
        "hostile_text",
        "audit_log",
        "clock",
    }

    assert {f"test_{name}.py" for name in files} <= {file for file, _ in NAMED}
