"""The source of the configuration: a file or environment variables, found without heavy imports."""

from __future__ import annotations

import os
import re
import sys

TYPE_CHECKING = False  # importing typing takes 4 ms at every start; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG_VARIABLE = "CUSTOM_SPEECH_CONFIG"
ENVIRONMENT_PREFIXES = ("SPEECH", "AZURE_SPEECH")
STATE_KEY_VARIABLE = "CUSTOM_SPEECH_STATE_KEY"
ENVIRONMENT_RESOURCE = "speech"  # the name of the resource that the environment configures
# The accounts of custom_speech_emulator, which is too slow to import at the start.
EMULATED_NAMES = ("emulator-eastus", "emulator-westeurope", "emulator-brazilsouth")
_MIN_KEY = 24  # consecutive letters and digits: Azure keys have 32 or 84, resource names rarely more than 20


class ConfigurationError(Exception):
    """The configuration is invalid; `str()` gives the location, the reason and the fix, with possible keys masked."""

    def __init__(self, text: str) -> None:
        super().__init__(without_keys(text))


def may_be_key(text: str) -> bool:
    """Return whether a text contains something that looks like a key or token."""
    return any(re.search(r"\d", run) for run in re.findall(rf"[A-Za-z0-9]{{{_MIN_KEY},}}", text))


def without_keys(text: str) -> str:
    """Mask possible keys in a message with *** and, if there are any, advise replacing them."""
    masked = re.sub(r"[A-Za-z0-9]+", lambda run: "***" if may_be_key(run[0]) else run[0], text)
    return text if masked == text else f"{masked.rstrip('.')}. If *** stands for a key, replace that key in Azure."


def user_config_file() -> Path:
    """Return the path of the user's configuration file, whether or not it exists."""
    from platformdirs import user_config_path

    return user_config_path("custom-speech-mcp", appauthor=False) / "resources.toml"


def user_state_directory() -> Path:
    """Return the path of the user's state directory, whether or not it exists."""
    from platformdirs import user_state_path

    return user_state_path("custom-speech-mcp", appauthor=False)


def has_user_config(environment: Mapping[str, str]) -> bool:
    """Return whether the user's configuration file exists. On Linux, platformdirs is not imported (11 ms)."""
    folder = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111  # pathlib costs 5 ms
    is_linux = sys.platform.startswith("linux")
    try:
        os.stat(f"{folder}/custom-speech-mcp/resources.toml" if is_linux else user_config_file())  # noqa: PTH116  # same
    except OSError as error:  # an unreadable file counts as present, so that load() reports it
        return not isinstance(error, (FileNotFoundError, NotADirectoryError))
    return True


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """Return an environment variable, or None if it is empty or an unexpanded `${…}` placeholder of a client."""
    value = environment.get(name) or ""
    return None if not value or re.fullmatch(r"\$\{[^}]*\}", value) else value


def config_file(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the configuration file: from `--config`, from the environment, or the user's file if it exists."""
    named = variable(environment, CONFIG_VARIABLE)
    if config or named is None:
        return config or (user_config_file() if has_user_config(environment) else None)
    from pathlib import Path

    return Path(named).expanduser()


def is_configured(config: Path | None, environment: Mapping[str, str]) -> bool:
    """Return whether a file or variables configure a resource, whether or not they are valid."""
    variables = [f"{prefix}_{name}" for prefix in ENVIRONMENT_PREFIXES for name in ("KEY", "REGION", "ENDPOINT")]
    return config_file(config, environment) is not None or any(variable(environment, name) for name in variables)


def resource_names(config: Path | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the configured resources, the default first, or an empty tuple if the file is invalid."""
    file = config_file(config, environment)
    if file is None:
        return (ENVIRONMENT_RESOURCE,)
    import tomllib

    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        if any(map(may_be_key, content["resources"])):
            return ()
        default = content.get("default") or next(iter(content["resources"]))
        return tuple(sorted(content["resources"], key=lambda name: bool(name != default)))
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return ()  # every tool reports the reason
