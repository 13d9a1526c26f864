"""The fault matrix, in short: every seventeenth seed of the thousand that `tests/e2e/fault_matrix.py` runs."""

from typing import Any, get_args, get_type_hints

import pytest

from custom_speech_emulator.faults import FaultRule
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.runtime.tool import Annotations
from e2e.fault_matrix import FAULTS, MADE_BY, TOOLS, Run, one, report
from support.virtual_time import BACKEND

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


@pytest.mark.long
@pytest.mark.parametrize("seed", range(0, 1000, 17))
async def test_fault_matrix_a_run_is_as_promised(seed: int) -> None:
    """One entity a request, under 50 s, no secret, no other host, no unhandled error."""
    run = await one(seed)

    assert not run.failed, run


def test_fault_matrix_has_every_fault_of_the_emulator_and_those_that_the_safety_page_names() -> None:
    emulated = set(get_args(get_type_hints(FaultRule)["fault"]))

    assert emulated <= set(FAULTS)
    assert set(FAULTS) - emulated == {"429 with a date", "echoed key", "client gives up", "several"}


def test_fault_matrix_a_thousand_runs_are_every_combination() -> None:
    """Tools, faults and API versions, each with each."""
    assert len(TOOLS) * len(FAULTS) * 2 <= 1000


@pytest.mark.parametrize(
    "wrong", [{"made": 2}, {"made": 0}, {"secrets": 1}, {"elsewhere": 1}, {"unhandled": ["x"]}, {"seconds": [50.1]}]
)
def test_fault_matrix_whatever_is_not_as_promised_is_reported_with_its_seed(wrong: dict[str, Any]) -> None:
    """No figure is printed that could not also be a bad one."""
    run = Run(417, "copy_model", "429", "v3.2", **{"seconds": [1.0]} | wrong)

    assert run.failed
    assert "seed 417" in report([run])


def test_fault_matrix_counts_the_entities_of_every_tool_that_creates_some() -> None:
    assert {tool.name for tool in registered_tools() if tool.annotations is Annotations.CREATE} <= MADE_BY.keys()
