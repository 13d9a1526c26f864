"""A Speech resource as configured: its endpoint, its version of the REST API, its credential and its prices."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from pydantic import Field, SecretStr

from custom_speech_tools.speech.service_urls import is_speech_host, is_within, region_of, split

KEY_HEADER = "Ocp-Apim-Subscription-Key"

AS_OF = "2026-10-07"  # date of the service's page on regions that this list was taken from
_TRAINING_REGIONS = (
    "australiaeast canadacentral centralindia eastasia eastus eastus2 francecentral japaneast koreacentral northeurope "
    "southcentralus southeastasia switzerlandnorth uksouth westeurope westus westus2 westus3"
)
TRAINING_REGIONS = frozenset(_TRAINING_REGIONS.split())


class Credential(Protocol):
    """Authorizes requests to one resource."""

    has_key: bool  # True if a key authorizes requests, rather than a token of Entra ID

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """Return the headers of one request, renewed after a 401 to those returned before; raises NoCredentialError."""

    async def key(self) -> SecretStr:
        """Return the resource's key; only called if `has_key` is true."""


@dataclass(slots=True)
class KeyCredential:
    """A constant key."""

    value: SecretStr
    has_key: bool = True

    async def headers(self, *, renew: bool = False) -> dict[str, str]:  # noqa: ARG002  # a constant key
        """Return the header with the key."""
        return {KEY_HEADER: self.value.get_secret_value()}

    async def key(self) -> SecretStr:
        """Return the key."""
        return self.value


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """Every difference between the versions of the REST API (sources: its specification, the migration guides)."""

    name: Literal["2025-10-15", "v3.2", "2024-11-15"]
    path: str  # between the endpoint and an operation's path
    query: str  # of every request
    has_projects: bool  # 2024-11-15 has neither project operations nor project properties
    copies_with_key: bool  # may copy with the target's key, as in the article `Train a custom speech model`

    @property
    def is_dated(self) -> bool:
        """True for the versions named by a date, which have fast transcription; v3.2 has not."""
        return bool(self.query)

    @property
    def has_phrase_lists(self) -> bool:
        """True if fast transcription takes a phrase list and the address of a recording."""
        return self.name == "2025-10-15"


VERSIONS: dict[str, ApiVersion] = {
    version.name: version
    for version in (
        ApiVersion("2025-10-15", "/speechtotext", "api-version=2025-10-15", has_projects=True, copies_with_key=False),
        ApiVersion("v3.2", "/speechtotext/v3.2", "", has_projects=True, copies_with_key=True),
        ApiVersion("2024-11-15", "/speechtotext", "api-version=2024-11-15", has_projects=False, copies_with_key=False),
    )
}


Price = Annotated[Decimal, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Prices:
    """The operator's prices per hour of training, of an endpoint and of transcribed audio; None if unknown."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    training_per_hour: Price | None = None
    hosting_per_hour: Price | None = None
    transcription_per_hour: Price | None = None


@dataclass(frozen=True, slots=True)
class SpeechResource:
    """One Azure Speech resource."""

    name: str
    endpoint: str  # `https://host` or, for the emulator, `http://loopback`, without a slash at the end
    credential: Credential = field(repr=False)
    region: str | None = None  # as configured; a custom domain does not show its region
    api_version: ApiVersion = VERSIONS["2025-10-15"]
    resource_id: str | None = None  # `/subscriptions/…`, which copying by authorization needs
    trains_audio: bool | None = None  # overrules the dated list of regions
    read_only: bool = False
    require_evaluation: bool = False  # deploy only a model that an evaluation shows to be no worse than its predecessor
    emulated: bool = False
    prices: Prices | None = None

    @property
    def identity(self) -> str:
        """A text that tells the resource from others; many resources share the endpoint of a region."""
        return (self.resource_id or self.name).lower()

    @property
    def known_region(self) -> str | None:
        """The region as configured, else as the host shows it."""
        return self.region or region_of(self.endpoint)

    @property
    def can_train_audio(self) -> bool | None:
        """True if it can train with audio, None if its region is not known."""
        if self.trains_audio is not None:  # the configuration overrules the list, because the list changes
            return self.trains_audio
        return None if self.known_region is None else self.known_region in TRAINING_REGIONS

    @property
    def can_copy(self) -> bool:
        """True if models can be copied from it: by its resource id, in v3.2 by the target's key."""
        return bool(self.resource_id) or self.api_version.copies_with_key

    def url(self, path: str, query: str = "") -> str:
        """Return the address of an operation, or the `self` URI of an entity, as the API version has it."""
        query = "&".join(filter(None, (query, self.api_version.query)))
        return f"{self.endpoint}{self.api_version.path}{path}" + (f"?{query}" if query else "")

    def is_own_link(self, link: str) -> bool:
        """Return whether an id may be taken from a link in a response of this resource.

        The link must have the resource's own address or the other name of its host: a custom domain responds with links
        of its region's host. The link itself is never followed.
        """
        own, other = split(self.endpoint), split(link)
        if own is None or other is None or not (is_speech_host(own) and is_speech_host(other)):
            return is_within(self.endpoint, link)
        return len({self.known_region, region_of(link)} - {None}) <= 1
