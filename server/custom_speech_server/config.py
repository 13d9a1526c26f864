"""Which Speech resources there are: from a file, from the environment, or the emulator's three."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydantic
from platformdirs import user_config_path
from pydantic import ConfigDict, Field

from custom_speech_server import emulated_resources
from custom_speech_server.credentials import CommandKey, EntraToken, EnvironmentKey, KeyringKey
from custom_speech_tools.speech import VERSIONS, Credential, SpeechResource
from custom_speech_tools.speech.addresses import is_endpoint, is_loopback, split

REGIONAL_HOST = {"usgov": "api.cognitive.microsoft.us", "china": "api.cognitive.azure.cn"}
"""Hosts of the sovereign clouds, by how their regions' names begin."""


class ConfigurationError(Exception):
    """The configuration is wrong; `str()` names the place and the mend."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The configured resources; `origin` says where they were configured.

    `in_process` ones have no address: the emulator in this process answers for them.
    """

    all: tuple[SpeechResource, ...]
    default: str
    origin: str
    in_process: bool = False
    cautions: tuple[str, ...] = ()
    """What whoever started the server should know and mend."""


class _Part(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


class _Key(_Part):
    """Where the key is; never the key itself."""

    env: str | None = None
    command: list[str] | None = Field(default=None, min_length=1)
    keyring: str | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> "_Key":
        if sum(place is not None for place in (self.env, self.command, self.keyring)) != 1:
            raise ValueError('name one place: { env = "…" }, { command = ["…"] } or { keyring = "…" }')
        return self


class _Entry(_Part):
    """One table below `resources`."""

    region: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9]{2,30}$")
    endpoint: str | None = None
    resource_id: str | None = Field(default=None, pattern=r"^/subscriptions/[^/]+/")
    key: _Key | None = None
    auth: Literal["entra"] | None = None
    api_version: Literal["2025-10-15", "v3.2", "2024-11-15"] = "2025-10-15"
    trains_audio: bool | None = None
    read_only: bool = False

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "_Entry":
        if self.region is None and self.endpoint is None:
            raise ValueError("needs region or endpoint")
        if (self.key is None) == (self.auth is None):
            raise ValueError('needs either key = { env = "…" } or auth = "entra"')
        if self.endpoint is not None and not is_endpoint(self.endpoint):
            raise ValueError("endpoint must be https on an Azure Speech host, or the emulator's loopback address")
        if self.auth == "entra" and ".cognitiveservices." not in (self.endpoint or ""):
            raise ValueError('auth = "entra" needs the custom domain as endpoint')
        return self


class _File(_Part):
    """The whole file."""

    default: str | None = None
    resources: dict[str, _Entry] = Field(min_length=1)


def load(config: Path | None, environment: Mapping[str, str]) -> Resources:
    """The resources: of the file that is named, else the user's own, else of the environment, else the emulator's.

    Raises ConfigurationError; nothing that was configured as real is ever emulated in its place.
    """
    named = config or _path(environment.get("CUSTOM_SPEECH_CONFIG"))
    file = named or user_file()
    if named or file.exists():
        return from_file(file, environment)
    return from_environment(environment) or EMULATED


EMULATED = Resources(
    emulated_resources.RESOURCES, emulated_resources.RESOURCES[0].name, "the emulator", in_process=True
)


def from_file(file: Path, environment: Mapping[str, str]) -> Resources:
    """The resources of a TOML file."""
    try:
        content = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from None
    except pydantic.ValidationError as error:
        faults = [f"  {'.'.join(map(str, fault['loc'])) or 'the file'}: {_said(fault)}" for fault in error.errors()]
        raise ConfigurationError("\n".join([f"{file} is wrong:", *faults, "Correct it and start again."])) from None
    default = content.default or next(iter(content.resources))
    if default not in content.resources:
        raise ConfigurationError(f"{file}: default: no resource is called {default!r}. Add it, or name another.")
    found = tuple(_resource(name, entry, environment, str(file)) for name, entry in content.resources.items())
    return Resources(found, default, str(file), cautions=tuple(exposed(file)))


def exposed(file: Path) -> Iterator[str]:
    """What is wrong with the file's permissions: whoever can change it can name the command that prints a key."""
    mode = 0 if os.name == "nt" else file.stat().st_mode
    if mode & 0o022:
        yield f"{file} can be changed by others (mode {mode & 0o777:o}). Run: chmod 600 '{file}'"


def from_environment(environment: Mapping[str, str]) -> Resources | None:
    """One resource from SPEECH_KEY with SPEECH_REGION or SPEECH_ENDPOINT; None where none of them is set."""
    key, region, endpoint = (environment.get(f"SPEECH_{part}") for part in ("KEY", "REGION", "ENDPOINT"))
    if not (key or region or endpoint):
        return None
    if not key or not (region or endpoint):
        missing = "SPEECH_REGION or SPEECH_ENDPOINT" if key else "SPEECH_KEY"
        raise ConfigurationError(f"environment: {missing} is not set. Set it, or unset SPEECH_KEY and the others.")
    given = {"region": region, "endpoint": endpoint, "resource_id": environment.get("SPEECH_RESOURCE_ID")}
    try:
        entry = _Entry.model_validate({**{k: v for k, v in given.items() if v}, "key": {"env": "SPEECH_KEY"}})
    except pydantic.ValidationError as error:
        faults = "; ".join(f"SPEECH_{'_'.join(map(str, f['loc'])).upper()}: {_said(f)}" for f in error.errors())
        raise ConfigurationError(f"environment: {faults}. Correct it and start again.") from None
    return Resources((_resource("speech", entry, environment, "environment"),), "speech", "the environment")


def _resource(name: str, entry: _Entry, environment: Mapping[str, str], origin: str) -> SpeechResource:
    endpoint = (entry.endpoint or _regional_endpoint(entry.region or "")).rstrip("/")
    parts = split(endpoint)
    return SpeechResource(
        name=name,
        endpoint=endpoint,
        credential=_credential(name, entry, environment, origin),
        region=entry.region,
        api_version=VERSIONS[entry.api_version],
        resource_id=entry.resource_id,
        trains_audio=entry.trains_audio,
        read_only=entry.read_only,
        emulated=parts is not None and is_loopback(parts),
    )


def _regional_endpoint(region: str) -> str:
    hosts = (host for cloud, host in REGIONAL_HOST.items() if region.startswith(cloud))
    return f"https://{region}.{next(hosts, 'api.cognitive.microsoft.com')}"


def _credential(name: str, entry: _Entry, environment: Mapping[str, str], origin: str) -> Credential:
    key = entry.key
    if key is None:
        return EntraToken(name)
    if key.command:
        return CommandKey(name, key.command)
    if key.keyring:
        return KeyringKey(name, key.keyring)
    variable = key.env or ""
    if not environment.get(variable):
        raise ConfigurationError(
            f"{origin}: resources.{name}.key: variable {variable} is not set or empty. Set it and start again."
        )
    return EnvironmentKey(name, lambda: environment[variable])


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


_MENDS = {
    "key": 'no key stands in the file; say where it is: { env = "…" }, { command = ["…"] } or { keyring = "…" }',
    "region": "is no region's name; write it as in addresses, such as eastus",
    "resource_id": "is no Azure resource id; it starts with /subscriptions/",
}
"""What to write instead of what has not even the form."""


def _said(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not known here; look for a spelling mistake"
    if fault["type"] in ("model_type", "string_pattern_mismatch") and fault["loc"][-1] in _MENDS:
        return _MENDS[fault["loc"][-1]]
    return str(fault["msg"]).removeprefix("Value error, ")


def user_file() -> Path:
    """Where the user's own configuration is looked for."""
    return user_config_path("custom-speech-mcp", appauthor=False) / "resources.toml"
