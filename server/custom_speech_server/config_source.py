"""The source of the configuration: a file, the environment, or none. Nothing heavy is imported."""

from __future__ import annotations

import os
import re
import sys

TYPE_CHECKING = False  # the module typing costs 4 ms at every start, pathlib 5; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG_VARIABLE = "CUSTOM_SPEECH_CONFIG"
ENVIRONMENT_PREFIXES = ("SPEECH", "AZURE_SPEECH")
ENVIRONMENT_RESOURCE = "speech"  # the name of the resource that the environment configures
EMULATED_NAMES = ("emulator-eastus", "emulator-westeurope", "emulator-brazilsouth")  # the last one trains no audio
_MIN_KEY = 24  # letters and digits without a break; keys of Azure have 32 or 84, names of resources rarely so many


class ConfigurationError(Exception):
    """The configuration is wrong; `str()` names the place, what is wrong and how to fix it, and shows no key."""

    def __init__(self, text: str) -> None:
        super().__init__(without_keys(text))


def may_be_key(text: str) -> bool:
    """Return whether a text holds what may be a key or token in the wrong place."""
    return any(re.search(r"\d", run) for run in re.findall(rf"[A-Za-z0-9]{{{_MIN_KEY},}}", text))


def without_keys(text: str) -> str:
    """Return the text of an error with *** for what may be a key, and with what to do about that."""
    masked = re.sub(r"[A-Za-z0-9]+", lambda run: "***" if may_be_key(run[0]) else run[0], text)
    return text if masked == text else f"{masked.rstrip('.')}. If *** stands for a key, replace that key in Azure."


def user_config_file() -> Path:
    """Return the path of the user's own configuration."""
    from platformdirs import user_config_path

    return user_config_path("custom-speech-mcp", appauthor=False) / "resources.toml"


def user_state_directory() -> Path:
    """Return the user's own state directory."""
    from platformdirs import user_state_path

    return user_state_path("custom-speech-mcp", appauthor=False)


def has_user_config(environment: Mapping[str, str]) -> bool:
    """Return whether the user's own configuration exists; on Linux without platformdirs, which costs 11 ms."""
    folder = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111  # pathlib costs 5 ms
    is_linux = sys.platform.startswith("linux")
    try:
        os.stat(f"{folder}/custom-speech-mcp/resources.toml" if is_linux else user_config_file())  # noqa: PTH116  # same
    except OSError as error:  # a file that cannot be read is reported later, and not taken for none
        return not isinstance(error, (FileNotFoundError, NotADirectoryError))
    return True


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """Return a variable; None if it is empty, or if a client left its placeholder in it unfilled."""
    value = environment.get(name) or ""
    return None if not value or re.fullmatch(r"\$\{[^}]*\}", value) else value


def config_file(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the file that configures the resources: of the option, of the environment, else the user's own if any."""
    named = variable(environment, CONFIG_VARIABLE)
    if config or named is None:
        return config or (user_config_file() if has_user_config(environment) else None)
    from pathlib import Path

    return Path(named).expanduser()


def is_configured(config: Path | None, environment: Mapping[str, str]) -> bool:
    """Return whether a file or variables configure a resource, even if wrongly; otherwise the emulator answers."""
    variables = [f"{prefix}_{name}" for prefix in ENVIRONMENT_PREFIXES for name in ("KEY", "REGION", "ENDPOINT")]
    return config_file(config, environment) is not None or any(variable(environment, name) for name in variables)


def resource_names(config: Path | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the configured resources, the default one first; none if the file cannot be used."""
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
        return ()  # every tool says what is wrong
