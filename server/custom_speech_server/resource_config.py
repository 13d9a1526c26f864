"""The configured Speech resources, from a file or the environment, or else the emulated ones."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import AfterValidator, Field, ValidationInfo

from custom_speech_server import config_source
from custom_speech_server.credentials import CommandKey, EntraToken, EnvironmentKey, KeyringKey
from custom_speech_server.emulated_resources import EMULATED_RESOURCES
from custom_speech_server.toml_file import (
    Hints,
    Section,
    describe_validation_error,
    exposure_warnings,
    parse_toml,
    read_toml_text,
)
from custom_speech_tools.speech import VERSIONS, Credential, SpeechResource
from custom_speech_tools.speech.resource import Prices
from custom_speech_tools.speech.service_urls import is_speech_host, is_trusted_endpoint, parse_url, region_of

# Hosts of the sovereign clouds, by the prefix of the region names.
_SOVEREIGN_HOSTS = {"usgov": "api.cognitive.microsoft.us", "china": "api.cognitive.azure.cn"}
_RETIREMENT = "Microsoft announced the end of API version v3.2 for 31 March 2026. Remove api_version to use 2025-10-15."


@dataclass(frozen=True, slots=True)
class Resources:
    """The configured resources and the source of their configuration."""

    all: tuple[SpeechResource, ...]
    default: str
    origin: str
    in_process: bool = False  # True if the emulator in this process serves the resources
    warnings: tuple[str, ...] = ()  # problems for the operator to fix
    data_dirs: tuple[Path, ...] = ()  # folders from which local files may be read

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the resources, the default first."""
        return tuple(sorted((one.name for one in self.all), key=lambda name: name != self.default))


EMULATED = Resources(EMULATED_RESOURCES, config_source.EMULATED_NAMES[0], "the emulator", in_process=True)


def regional_endpoint(region: str) -> str:
    """Return the endpoint shared by all resources of a region."""
    hosts = (host for prefix, host in _SOVEREIGN_HOSTS.items() if region.startswith(prefix))
    return f"https://{region}.{next(hosts, 'api.cognitive.microsoft.com')}"


def normalize_endpoint(endpoint: str) -> str:
    """Return the endpoint with a lower-case scheme and host, without default port and trailing slash.

    Raises ValueError, which suggests the correct endpoint, if no key must be sent to this one.
    """
    parts = parse_url(endpoint.strip())
    if parts is None:
        raise ValueError(f"is not a URL; write {_suggested_endpoint(endpoint)}")
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(scheme)) else f":{parts.port}"
    origin, path = f"{scheme}://{shown}{port}", parts.path.rstrip("/")
    if is_speech_host(urlsplit(origin)):
        if path or parts.query or parts.fragment:
            raise ValueError(f"must not have a path: write {origin}")
        return origin
    normalized = origin + path
    if parts.query or parts.fragment or not is_trusted_endpoint(normalized):
        raise ValueError(f"is not a host of Azure Speech over https: write {_suggested_endpoint(endpoint)}")
    return normalized


def _suggested_endpoint(endpoint: str) -> str:
    """Return the correct endpoint for the host, or the general forms of endpoints if the host is unknown."""
    address = endpoint.strip().lower()
    host = (address.partition("://")[2] or address).partition("/")[0]
    if name := re.fullmatch(r"([a-z0-9-]{2,64})\.(?:services\.ai|openai|cognitiveservices)\.azure\.com", host):
        return f"https://{name[1]}.cognitiveservices.azure.com"
    regional = r"([a-z]{3,20}\d?)\.(?:\w+\.speech|customvoice\.api\.speech|api\.cognitive)\.microsoft\.com"
    if region := re.fullmatch(regional, host):
        return regional_endpoint(region[1])
    return "https://REGION.api.cognitive.microsoft.com or https://NAME.cognitiveservices.azure.com"


class _Key(Section):
    """The reference to a key, never the key itself."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")] | None = None
    command: list[str] | None = Field(default=None, min_length=1)
    keyring: str | None = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self, info: ValidationInfo) -> "_Key":
        if len(self.model_fields_set) != 1:
            raise ValueError('name one source: { env = "…" }, { command = ["…"] } or { keyring = "…" }')
        if self.env and not (info.context or {}).get(self.env):  # the environment
            raise ValueError(f"variable {self.env} is not set or empty. Set it and start again.")
        return self


class _Resource(Section):
    """A table `[resources.NAME]`."""

    region: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9]{2,30}$")
    endpoint: Annotated[str, AfterValidator(normalize_endpoint)] | None = None
    resource_id: str | None = Field(default=None, pattern=r"^/subscriptions/[^/]+/")
    key: _Key | None = None
    auth: Literal["entra"] | None = None
    tenant: str | None = Field(
        default=None, pattern=r"^([0-9A-Fa-f]+(-[0-9A-Fa-f]+){4}|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)$"
    )
    api_version: Literal["2025-10-15", "v3.2", "2024-11-15"] = "2025-10-15"
    trains_audio: bool | None = None
    read_only: bool = False
    require_evaluation: bool = False

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> "_Resource":
        shown = region_of(self.endpoint or "")
        if self.region is None and self.endpoint is None:
            raise ValueError("requires region or endpoint; `custom-speech-mcp init --repair` adds the region")
        if self.region and shown and not shown.endswith("localhost") and self.region != shown:
            raise ValueError(f"region is {self.region}, but endpoint is in {shown}: remove the wrong one")
        if (self.key is None) == (self.auth is None):
            raise ValueError('requires either key = { env = "…" } or auth = "entra"')
        if self.tenant and self.auth is None:
            raise ValueError('tenant requires auth = "entra"')
        if self.auth == "entra" and ".cognitiveservices." not in (self.endpoint or ""):
            domain = (
                "https://NAME.cognitiveservices.azure.com, which the Azure portal shows on the page Keys and Endpoint"
            )
            raise ValueError(f'auth = "entra" requires the custom domain as endpoint: {domain}')
        return self

    def as_resource(self, name: str, environment: Mapping[str, str], prices: Prices | None = None) -> SpeechResource:
        """Return the resource, with a credential that is read on demand."""
        credential: Credential = EntraToken(name, self.tenant)
        if self.key and self.key.command:
            credential = CommandKey(name, self.key.command)
        elif self.key and self.key.keyring:
            credential = KeyringKey(name, self.key.keyring)
        elif self.key:
            variable_name = self.key.env or ""
            credential = EnvironmentKey(name, lambda: environment[variable_name])
        same = {"region", "resource_id", "trains_audio", "read_only", "require_evaluation"}
        return SpeechResource(
            name=name,
            endpoint=self.endpoint or regional_endpoint(self.region or ""),
            credential=credential,
            api_version=VERSIONS[self.api_version],
            prices=prices,
            **self.model_dump(include=same),
        )


def _without_key(name: str) -> str:  # every answer shows the name
    if config_source.may_be_key(name):
        raise ValueError("must be a short name")
    return name


_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$"), AfterValidator(_without_key)]


class _File(Section):
    """The schema of resources.toml."""

    data_dirs: list[str] = Field(default=[])
    prices: Prices | None = None
    resources: dict[_Name, _Resource] = Field(min_length=1)
    default: str | None = None  # declared last, because its validator reads `resources`

    @pydantic.field_validator("default")
    @classmethod
    def _is_a_resource(cls, name: str, info: ValidationInfo) -> str:
        known = info.data.get("resources", {name})
        if name not in known:
            raise ValueError(f"is not a resource of the file. Use one of: {', '.join(known)}.")
        return name


def _region_hint(value: object) -> str:
    """Explain how to write a region; a value that may be a key is not repeated."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2,16}( [A-Za-z]{2,16}){0,3} ?\d?", value):
        return f'is not a region name; write it as in host names: region = "{value.replace(" ", "").lower()}"'
    return "is not a region name; write it as in host names, such as eastus"


# Advice by field name.
_HINTS: Hints = {
    "resources": "the file has no table [resources.NAME]; `custom-speech-mcp init` writes one for each Speech resource",
    "key": 'must be a reference, not the key itself: { env = "…" }, { command = ["…"] } or { keyring = "…" }',
    "env": "must be the name of an environment variable",
    "tenant": "must be the id or domain of a tenant",
    "region": _region_hint,
    "resource_id": "is not an Azure resource id, which starts with /subscriptions/. Remove the line, then run "
    "`custom-speech-mcp init --repair`, which adds it",
    "[key]": "must be a short name of letters, digits, dots, hyphens and underscores",
    "currency": 'must be a currency code, such as "USD"',
}


def load(config: Path | None, environment: Mapping[str, str]) -> Resources:
    """Return the resources of the named file, the user's file or the environment, or else the emulated resources.

    Raises ConfigurationError for an invalid configuration, which the emulated resources never replace.
    """
    file = config_source.config_file(config, environment)
    return from_file(file, environment) if file else from_environment(environment) or EMULATED


def from_file(file: Path, environment: Mapping[str, str]) -> Resources:
    """Return the resources of a TOML file; raises ConfigurationError, which lists every problem."""
    content = parse_toml(file, read_toml_text(file), _File, _HINTS, environment)
    found = tuple(entry.as_resource(name, environment, content.prices) for name, entry in content.resources.items())
    data_dirs = tuple(Path(folder).expanduser() for folder in content.data_dirs)
    missing = [folder for folder in data_dirs if not folder.is_dir()]
    retiring = [name for name, entry in content.resources.items() if entry.api_version == "v3.2"]
    warnings = (
        *exposure_warnings(file),
        *(config_source.without_keys(f"{file}: data_dirs: {folder} is not a folder.") for folder in missing),
        *(f"{file}: resources.{name}: {_RETIREMENT}" for name in retiring),
    )
    return Resources(found, content.default or found[0].name, str(file), warnings=warnings, data_dirs=data_dirs)


def from_environment(environment: Mapping[str, str]) -> Resources | None:
    """Return the resource configured by SPEECH_KEY with SPEECH_REGION or SPEECH_ENDPOINT, or None if none is set.

    The same variables with the prefix AZURE_ work, too. Raises ConfigurationError if they are incomplete or invalid.
    """
    names = ("KEY", "REGION", "ENDPOINT", "RESOURCE_ID")
    for prefix in config_source.ENVIRONMENT_PREFIXES:
        given = {name: value for name in names if (value := config_source.variable(environment, f"{prefix}_{name}"))}
        if given.keys() - {"RESOURCE_ID"}:
            break
    else:
        return None
    if "KEY" not in given or not ("REGION" in given or "ENDPOINT" in given):
        missing = f"{prefix}_REGION or {prefix}_ENDPOINT" if "KEY" in given else f"{prefix}_KEY"
        raise config_source.ConfigurationError(
            f"environment: {missing} is not set. Set it, or unset the other {prefix}_ variables."
        )
    table = {name.lower(): value for name, value in given.items()} | {"key": {"env": f"{prefix}_KEY"}}
    try:
        entry = _Resource.model_validate(table, context=environment)
    except pydantic.ValidationError as error:
        errors = "; ".join(
            "_".join([prefix, *map(str, detail["loc"])]).upper() + f": {describe_validation_error(detail, _HINTS)}"
            for detail in error.errors()
        )
        raise config_source.ConfigurationError(f"environment: {errors}. Correct it and start again.") from None
    resource = entry.as_resource(config_source.ENVIRONMENT_RESOURCE, environment)
    return Resources((resource,), resource.name, "the environment")
