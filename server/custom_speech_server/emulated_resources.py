"""The emulator's resources, which are there when nothing is configured."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_state_path
from pydantic import SecretStr

from custom_speech_tools.speech import KeyCredential, SpeechResource, UnreachableError

IN_MEMORY = ":memory:"

_ACCOUNTS = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
    "/providers/Microsoft.CognitiveServices/accounts"
)

RESOURCES = tuple(
    SpeechResource(
        name=f"emulator-{region}",
        endpoint=f"http://{region}.localhost",
        credential=KeyCredential(SecretStr(f"emulator-{region}-key")),
        region=region,
        resource_id=f"{_ACCOUNTS}/emulator-{region}",
        emulated=True,
    )
    for region in ("eastus", "westeurope", "brazilsouth")
)


def state_file() -> Path | None:
    """Where the emulator keeps its state; None keeps it in memory."""
    named = os.environ.get("CUSTOM_SPEECH_EMULATOR_STATE")
    if named == IN_MEMORY:
        return None
    return Path(named) if named else user_state_path("custom-speech-mcp", appauthor=False) / "emulator.sqlite"


@cache
def emulator() -> Callable[..., Any]:
    """The emulator in this process, imported and opened when it is first needed; raises UnreachableError."""
    from custom_speech_emulator import StateUnusable
    from custom_speech_emulator import emulator as opened

    file = state_file()
    try:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        return opened(state=file, training="seconds:4")
    except (StateUnusable, OSError) as error:
        raise UnreachableError(f"The emulator cannot start: {error}", resource="emulator", operation="any") from None
