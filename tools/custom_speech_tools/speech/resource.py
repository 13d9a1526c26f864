"""A configured Speech resource: endpoint, API version, credential and prices."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from pydantic import Field, SecretStr

from custom_speech_tools.speech.service_urls import is_speech_host, is_within, parse_url, region_of

KEY_HEADER = "Ocp-Apim-Subscription-Key"

AS_OF = "2026-10-07"  # date of the service's page on regions, the source of the list
_TRAINING_REGIONS = (
    "australiaeast canadacentral centralindia eastasia eastus eastus2 francecentral japaneast koreacentral northeurope "
    "southcentralus southeastasia switzerlandnorth uksouth westeurope westus westus2 westus3"
)
TRAINING_REGIONS = frozenset(_TRAINING_REGIONS.split())


class Credential(Protocol):
    """A credential that authorizes requests to one resource."""

    has_key: bool  # True for a key, False for a token of Entra ID

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """Return the headers that authorize a request; `renew` is set after a 401. Raises NoCredentialError."""

    async def key(self) -> SecretStr:
        """Return the key of the resource; only called if `has_key` is true."""


@dataclass(slots=True)
class KeyCredential:
    """A credential with a constant key."""

    value: SecretStr
    has_key: bool = True

    async def headers(self, *, renew: bool = False) -> dict[str, str]:  # noqa: ARG002  # the key never changes
        """Return the header with the key."""
        return {KEY_HEADER: self.value.get_secret_value()}

    async def key(self) -> SecretStr:
        """Return the key."""
        return self.value


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """A version of the REST API and its differences from the others (sources: specification, migration guides)."""

    name: Literal["2025-10-15", "v3.2", "2024-11-15"]
    path: str  # between the endpoint and the path of an operation
    query: str  # part of every request
    is_dated: bool = True  # named by a date; only these versions have fast transcription
    has_phrase_lists: bool = False  # fast transcription accepts a phrase list and the URL of a recording
    has_projects: bool = True  # project operations and properties
    copies_with_key: bool = False  # copies models with the target's key (article on training)


VERSIONS: dict[str, ApiVersion] = {
    version.name: version
    for version in (
        ApiVersion("2025-10-15", "/speechtotext", "api-version=2025-10-15", has_phrase_lists=True),
        ApiVersion("v3.2", "/speechtotext/v3.2", "", is_dated=False, copies_with_key=True),
        ApiVersion("2024-11-15", "/speechtotext", "api-version=2024-11-15", has_projects=False),
    )
}


Price = Annotated[Decimal, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Prices:
    """The operator's prices per hour of training, endpoint hosting and transcribed audio; None if unknown."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    training_per_hour: Price | None = None
    hosting_per_hour: Price | None = None
    transcription_per_hour: Price | None = None


@dataclass(frozen=True, slots=True)
class SpeechResource:
    """An Azure Speech resource with its configuration."""

    name: str
    endpoint: str  # https, or http on this machine for the emulator; without a trailing slash
    credential: Credential = field(repr=False)
    region: str | None = None  # as configured; the host name of a custom domain does not contain it
    api_version: ApiVersion = VERSIONS["2025-10-15"]
    resource_id: str | None = None  # `/subscriptions/…`; required to copy models by authorization
    trains_audio: bool | None = None  # overrides the dated list of regions
    read_only: bool = False
    require_evaluation: bool = False  # deploy a model only if it was evaluated as no worse than its predecessor
    emulated: bool = False
    prices: Prices | None = None

    known_region: str | None = field(init=False)  # as configured, or from the host name
    can_train_audio: bool | None = field(init=False)  # None if the region is not known
    can_copy: bool = field(init=False)  # models can be copied from this resource
    identity: str = field(init=False)  # distinguishes resources, many of which share the endpoint of their region

    def __post_init__(self) -> None:
        region, trains_audio = self.region or region_of(self.endpoint), self.trains_audio
        if trains_audio is None and region is not None:
            trains_audio = region in TRAINING_REGIONS
        can_copy = bool(self.resource_id) or self.api_version.copies_with_key
        object.__setattr__(self, "known_region", region)  # the only way to set a field of a frozen dataclass
        object.__setattr__(self, "can_train_audio", trains_audio)
        object.__setattr__(self, "can_copy", can_copy)
        object.__setattr__(self, "identity", (self.resource_id or self.name).lower())

    def is_own_link(self, link: str) -> bool:
        """Return whether an id may be taken from a link, which itself is never requested."""
        # A custom domain responds with links to the host of its region.
        own, other = parse_url(self.endpoint), parse_url(link)
        if own is None or other is None or not (is_speech_host(own) and is_speech_host(other)):
            return is_within(self.endpoint, link)
        return len({self.known_region, region_of(link)} - {None}) <= 1

    def url(self, path: str, query: str = "") -> str:
        """Return the URL of an operation or the `self` URI of an entity in the resource's API version."""
        query = "&".join(filter(None, (query, self.api_version.query)))
        return f"{self.endpoint}{self.api_version.path}{path}" + (f"?{query}" if query else "")
