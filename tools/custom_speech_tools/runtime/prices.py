"""What the operator pays: the API does not state prices, so amounts come from the configuration alone."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in a currency, each per hour: of training, of hosting an endpoint, of transcribed audio."""

    currency: str
    training_per_hour: Decimal | None = None
    hosting_per_hour: Decimal | None = None
    transcription_per_hour: Decimal | None = None
