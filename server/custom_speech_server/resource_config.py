"""The configured Speech resources: of a file, of the environment, or the emulator's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import AfterValidator, ConfigDict, Field

from custom_speech_server import emulated_resources
from custom_speech_server.config_source import (
    ENVIRONMENT_PREFIXES,
    ENVIRONMENT_RESOURCE,
    ConfigurationError,
    named_file,
    user_config_file,
    variable,
)
from custom_speech_server.credentials import CommandKey, EntraToken, EnvironmentKey, KeyringKey
from custom_speech_server.endpoint_normalization import normalize_endpoint, regional_endpoint
from custom_speech_server.toml_file import (
    Hints,
    describe_fault,
    exposure_warnings,
    line_at,
    lines_of,
    may_be_key,
    parse_toml,
    read_toml_text,
)
from custom_speech_tools.speech import VERSIONS, Credential, SpeechResource
from custom_speech_tools.speech.addresses import region_of
from custom_speech_tools.speech.resource import Prices

__all__ = ["EMULATED", "ConfigurationError", "Resources", "load"]


@dataclass(frozen=True, slots=True)
class Resources:
    """The configured resources.

    Attributes:
        origin: Where they were configured.
        in_process: The emulator in this process answers for them.
        warnings: What the operator should fix.
        data_dirs: Folders from which local files may be read.
    """

    all: tuple[SpeechResource, ...]
    default: str
    origin: str
    in_process: bool = False
    warnings: tuple[str, ...] = ()
    data_dirs: tuple[Path, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the resources, the default one first."""
        return tuple(sorted((one.name for one in self.all), key=lambda name: name != self.default))


V3_2_RETIRED = (
    "Microsoft announced the retirement of API version v3.2 for 31 March 2026. Remove api_version: 2025-10-15 is the "
    "default."
)


class _Section(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


class _Key(_Section):
    """The place of a key; never the key itself."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")] | None = None
    command: list[str] | None = Field(default=None, min_length=1)
    keyring: str | None = None

    @pydantic.model_validator(mode="after")
    def _names_one_place(self) -> "_Key":
        if sum(place is not None for place in (self.env, self.command, self.keyring)) != 1:
            raise ValueError('name one place: { env = "…" }, { command = ["…"] } or { keyring = "…" }')
        return self


class _Resource(_Section):
    """One table below `resources`."""

    region: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9]{2,30}$")
    endpoint: Annotated[str, AfterValidator(normalize_endpoint)] | None = None
    resource_id: str | None = Field(default=None, pattern=r"^/subscriptions/[^/]+/")
    key: _Key | None = None
    auth: Literal["entra"] | None = None
    tenant: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]{1,100}$")
    api_version: Literal["2025-10-15", "v3.2", "2024-11-15"] = "2025-10-15"
    trains_audio: bool | None = None
    read_only: bool = False
    require_evaluation: bool = False

    @property
    def is_retired(self) -> bool:
        """True if Microsoft has announced the end of the API version."""
        return self.api_version == "v3.2"

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> "_Resource":
        shown = region_of(self.endpoint or "")
        if self.region is None and self.endpoint is None:
            raise ValueError("needs region or endpoint; `custom-speech-mcp init --repair` adds what Azure knows")
        if self.region and shown and not shown.endswith("localhost") and self.region != shown:
            raise ValueError(f"region is {self.region}, and endpoint is an address of {shown}: remove the wrong one")
        if (self.key is None) == (self.auth is None):
            raise ValueError('needs either key = { env = "…" } or auth = "entra"')
        if self.tenant and self.auth is None:
            raise ValueError('tenant goes with auth = "entra"')
        if self.auth == "entra" and ".cognitiveservices." not in (self.endpoint or ""):
            raise ValueError(
                'auth = "entra" needs the custom domain as endpoint: https://NAME.cognitiveservices.azure.com, which '
                "the Azure portal shows on the page Keys and Endpoint"
            )
        return self


class _Prices(_Section):
    """What the operator pays, from the price list or the contract; the API does not state it."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    training_per_hour: Decimal | None = Field(default=None, ge=0)
    hosting_per_hour: Decimal | None = Field(default=None, ge=0)
    transcription_per_hour: Decimal | None = Field(default=None, ge=0)


def _name(text: str) -> str:
    """Return the name of a resource, which every answer shows."""
    if may_be_key(text):
        raise ValueError("must be a short name; if this is a key, rotate it")
    return text


_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$"), AfterValidator(_name)]


class _File(_Section):
    """The whole file."""

    default: str | None = None
    data_dirs: list[str] = []
    prices: _Prices | None = None
    resources: dict[_Name, _Resource] = Field(min_length=1)


def _region_hint(value: object) -> str:
    """Return how a region is written; a value that may be a key is not repeated."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2,16}( [A-Za-z]{2,16}){0,3} ?\d?", value):
        return f'is not the name of a region; write it as in addresses: region = "{value.replace(" ", "").lower()}"'
    return "is not the name of a region; write it as in addresses, such as eastus"


_HINTS: Hints = {
    "resources": "the file has no table [resources.NAME]; `custom-speech-mcp init` writes one for each Speech resource",
    "key": 'no key stands in the file; say where it is: { env = "…" }, { command = ["…"] } or { keyring = "…" }',
    "env": "must be the name of an environment variable; if this is the key itself, rotate it",
    "region": _region_hint,
    "resource_id": "is not an Azure resource id; it starts with /subscriptions/. Remove the line, then run "
    "`custom-speech-mcp init --repair`, which adds it",
    "[key]": "must be a short name of letters, digits, dots, hyphens and underscores",
    "currency": 'must be the code of a currency, such as "USD"',
}
"""Hints about values of the wrong form."""


def load(config: Path | None, environment: Mapping[str, str]) -> Resources:
    """Return the configured resources.

    The first of these that exists: the named file, the user's own file, the environment, the emulator's resources.
    What was configured as real is never replaced by emulated resources.

    Raises:
        ConfigurationError: The configuration is wrong.
    """
    named = named_file(config, environment)
    file = named or user_config_file()
    if named or file.exists():
        return from_file(file, environment)
    return from_environment(environment) or EMULATED


EMULATED = Resources(emulated_resources.RESOURCES, emulated_resources.RESOURCES[0].name, "the emulator", True)


def from_file(file: Path, environment: Mapping[str, str]) -> Resources:
    """Return the resources of a TOML file.

    Raises:
        ConfigurationError: The file cannot be used; every fault is listed, and no value.
    """
    text = read_toml_text(file)
    content = parse_toml(file, text, _File, _HINTS)
    lines = lines_of(text)
    default = content.default or next(iter(content.resources))
    if default not in content.resources:
        known = ", ".join(content.resources)
        raise ConfigurationError(
            f"{file}: line {line_at(lines, ('default',))}, default: names no resource of the file. Use one of: {known}."
        )
    found = tuple(
        _resource(name, entry, environment, f"{file}: line {line_at(lines, ('resources', name, 'key'))}, ")
        for name, entry in content.resources.items()
    )
    if content.prices:
        prices = Prices(**dict(content.prices))
        found = tuple(replace(one, prices=prices) for one in found)
    data_dirs = tuple(Path(folder).expanduser() for folder in content.data_dirs)
    missing = [f"{file}: data_dirs: {folder} is not a folder." for folder in data_dirs if not folder.is_dir()]
    old = [f"{file}: resources.{name}: {V3_2_RETIRED}" for name, one in content.resources.items() if one.is_retired]
    warnings = (*exposure_warnings(file), *missing, *old)
    return Resources(found, default, str(file), warnings=warnings, data_dirs=data_dirs)


def from_environment(environment: Mapping[str, str]) -> Resources | None:
    """Return the resource of SPEECH_KEY with SPEECH_REGION or SPEECH_ENDPOINT; None where none of them is set.

    AZURE_SPEECH_KEY, AZURE_SPEECH_REGION and AZURE_SPEECH_ENDPOINT are understood as well.

    Raises:
        ConfigurationError: The variables are incomplete or wrong.
    """
    names = ("KEY", "REGION", "ENDPOINT", "RESOURCE_ID")
    for prefix in ENVIRONMENT_PREFIXES:
        given = {name: variable(environment, f"{prefix}_{name}") for name in names}
        if given["KEY"] or given["REGION"] or given["ENDPOINT"]:
            return _from_variables(prefix, {name: value for name, value in given.items() if value}, environment)
    return None


def _from_variables(prefix: str, given: Mapping[str, str], environment: Mapping[str, str]) -> Resources:
    if "KEY" not in given or not ("REGION" in given or "ENDPOINT" in given):
        missing = f"{prefix}_REGION or {prefix}_ENDPOINT" if "KEY" in given else f"{prefix}_KEY"
        raise ConfigurationError(f"environment: {missing} is not set. Set it, or unset the other {prefix}_ variables.")
    settings = {name.lower(): value for name, value in given.items() if name != "KEY"}
    try:
        entry = _Resource.model_validate({**settings, "key": {"env": f"{prefix}_KEY"}})
    except pydantic.ValidationError as error:
        faults = "; ".join(
            "_".join([prefix, *map(str, fault["loc"])]).upper() + f": {describe_fault(fault, _HINTS)}"
            for fault in error.errors()
        )
        raise ConfigurationError(f"environment: {faults}. Correct it and start again.") from None
    found = (_resource(ENVIRONMENT_RESOURCE, entry, environment, "environment: "),)
    return Resources(found, ENVIRONMENT_RESOURCE, "the environment")


def _resource(name: str, entry: _Resource, environment: Mapping[str, str], origin: str) -> SpeechResource:
    return SpeechResource(
        name=name,
        endpoint=entry.endpoint or regional_endpoint(entry.region or ""),
        credential=_credential(name, entry, environment, origin),
        region=entry.region,
        api_version=VERSIONS[entry.api_version],
        resource_id=entry.resource_id,
        trains_audio=entry.trains_audio,
        read_only=entry.read_only,
        require_evaluation=entry.require_evaluation,
    )


def _credential(name: str, entry: _Resource, environment: Mapping[str, str], origin: str) -> Credential:
    key = entry.key
    if key is None:
        return EntraToken(name, entry.tenant)
    if key.command:
        return CommandKey(name, key.command)
    if key.keyring:
        return KeyringKey(name, key.keyring)
    variable = key.env or ""
    if not environment.get(variable):
        shown = "(a name like a key; if it is one, rotate it)" if may_be_key(variable) else variable
        raise ConfigurationError(
            f"{origin}resources.{name}.key: variable {shown} is not set or empty. Set it and start again."
        )
    return EnvironmentKey(name, lambda: environment[variable])
