"""The emulated resources, used if no resource is configured, and the emulator in this process."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from pydantic import SecretStr

from custom_speech_server.config_source import EMULATED_NAMES, user_state_directory
from custom_speech_server.console import notice
from custom_speech_tools.speech import KeyCredential, NotAllowedError, SpeechResource

IN_MEMORY = ":memory:"
EMULATOR_STATE_VARIABLE = "CUSTOM_SPEECH_EMULATOR_STATE"

EMULATED_RESOURCES = tuple(
    SpeechResource(
        name=name,
        endpoint=f"http://{region}.localhost",
        credential=KeyCredential(SecretStr(f"{name}-key")),
        region=region,
        resource_id="/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator/providers/"
        f"Microsoft.CognitiveServices/accounts/{name}",
        emulated=True,
    )
    for name in EMULATED_NAMES
    for region in [name.removeprefix("emulator-")]
)


def emulator_state_file() -> Path | None:
    """Return the state file of the emulator in this process, or None if it stores its state in memory."""
    named = os.environ.get(EMULATOR_STATE_VARIABLE)
    if named:
        return None if named == IN_MEMORY else Path(named)
    file = user_state_directory() / "emulator.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=file.parent):  # a read-only file system shows only on writing
            return file if not file.exists() or os.access(file, os.W_OK) else None
    except OSError:
        return None


@cache
def in_process_emulator() -> Callable[..., Any]:
    """Return the emulator in this process, created on the first call; raises NotAllowedError if that fails."""
    from custom_speech_emulator import StateUnusableError, emulator

    file = emulator_state_file()
    if file is None and os.environ.get(EMULATOR_STATE_VARIABLE) != IN_MEMORY:
        notice("caution: the state directory cannot be written, so the emulator keeps its state in memory.", "text")
    try:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        return emulator(state=file)
    except (StateUnusableError, OSError) as error:
        raise NotAllowedError(f"The emulator cannot start: {error}") from None
