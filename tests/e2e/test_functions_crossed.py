"""The functions of the product that one call crosses, and a reader with it; the emulator's are left out."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from support.tool_client import Caller

pytestmark = pytest.mark.anyio

PACKAGES = Path(__file__).parents[2]
SERVICE = PACKAGES / "server" / "custom_speech_emulator"


@contextmanager
def crossed() -> Iterator[set[CodeType]]:
    """Collect the product's functions with a name that run in this thread."""
    ran, functions, before = set[CodeType](), set[CodeType](), sys.getprofile()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            ran.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield functions
    finally:
        sys.setprofile(before)
        functions.update(code for code in ran if is_named_function(code) and is_product(Path(code.co_filename)))


def is_named_function(code: CodeType) -> bool:
    """Say whether code is a function, and neither a class, a lambda nor a comprehension."""
    return bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_name.startswith("<")


def is_product(file: Path) -> bool:
    """Say whether a file belongs to the server, its tools or the readers of data."""
    ours = any(file.is_relative_to(PACKAGES / name) for name in ("server", "tools"))
    return ours and not file.is_relative_to(SERVICE)


async def test_create_model_crosses_at_most_150_functions(call: Caller) -> None:
    with crossed() as functions:
        await call(
            "create_model",
            display_name="Calls",
            locale="en-US",
            datasets=["Contoso plain text en-US"],
            project="Contoso en-US",
        )

    assert len(functions) <= 150, sorted(code.co_qualname for code in functions)


async def test_roll_out_crosses_at_most_230_functions(call: Caller) -> None:
    await call(
        "create_model", display_name="Calls", locale="en-US", datasets=["Contoso plain text en-US"], wait_seconds=20
    )
    target = {"resource": "emulator-westeurope", "project": "Contoso en-US", "endpoint": "Live"}
    with crossed() as functions:
        for _ in range(4):
            answer = await call(
                "roll_out",
                model="Calls",
                targets=[target],
                test_dataset="Contoso audio with transcripts en-US",
                wait_seconds=45,
            )

    assert answer["finished"]
    assert len(functions) <= 230, sorted(code.co_qualname for code in functions)
