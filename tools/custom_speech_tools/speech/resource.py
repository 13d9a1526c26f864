"""A Speech resource, as configured."""

from dataclasses import dataclass, field
from decimal import Decimal

from custom_speech_tools.speech.credential import Credential
from custom_speech_tools.speech.versions import VERSIONS, ApiVersion


@dataclass(frozen=True, slots=True)
class Prices:
    """What the operator pays per hour of training, of an endpoint and of transcribed audio; None where unknown."""

    currency: str
    training_per_hour: Decimal | None = None
    hosting_per_hour: Decimal | None = None
    transcription_per_hour: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SpeechResource:
    """One Azure Speech resource: its endpoint, its credential and what the configuration says about it."""

    name: str
    endpoint: str
    """`https://host` or, for the emulator, `http://loopback`, without a slash at the end."""
    credential: Credential = field(repr=False)
    region: str | None = None
    """None where it is not configured: a custom domain does not show its region."""
    api_version: ApiVersion = VERSIONS["2025-10-15"]
    resource_id: str | None = None
    """The Azure resource id (`/subscriptions/…`), which copying by authorization needs."""
    trains_audio: bool | None = None
    """Overrules the dated list of regions."""
    read_only: bool = False
    require_evaluation: bool = False
    """True if a deployment needs an evaluation that shows that the model is not worse than its predecessor."""
    emulated: bool = False
    prices: Prices | None = None
    """None where nobody configured them."""

    @property
    def identity(self) -> str:
        """A text that tells the resource from others; many resources share the endpoint of a region."""
        return (self.resource_id or self.name).lower()
