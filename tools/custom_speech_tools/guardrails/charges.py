"""Charges in words and in effects; amounts come from the operator's own prices, as the API states none."""

from decimal import Decimal

from custom_speech_tools.runtime.confirmation_policy import ConfirmationPolicy, Effect, agreement_finding
from custom_speech_tools.runtime.polling import AUDIO_HOURS_PER_DAY, MAX_AUDIO_HOURS
from custom_speech_tools.runtime.results import Finding, Result
from custom_speech_tools.speech import Speech, SpeechResource
from custom_speech_tools.speech.sanitize import quote

HOURS_PER_MONTH = 730
UNITS = {"training": "training", "hosting": "hosting a month for each endpoint", "transcription": "audio"}

PRICE_LIST = "https://azure.microsoft.com/pricing/details/cognitive-services/speech-services/"


class EstimatedCharge(Result):
    """An amount in a currency, and what it is based on."""

    amount: float
    currency: str
    basis: str


def training_charge(resource: SpeechResource, audio_hours: float) -> EstimatedCharge | None:
    """Return the charge of a training; None without a price, and for text alone, which trains in minutes."""
    hours = min(audio_hours, MAX_AUDIO_HOURS) / AUDIO_HOURS_PER_DAY * 24
    return estimated_charge(resource, "training", hours) if hours else None


def training_cost(resource: SpeechResource, audio_hours: float) -> str:
    """Return in a sentence what a training costs."""
    price = resource.prices and resource.prices.training_per_hour
    if resource.prices and price is not None and not audio_hours:
        return f"Text alone trains in minutes; your configured price is {price:f} {resource.prices.currency} per hour."
    return cost_in_words(training_charge(resource, audio_hours))


def hosting_cost(resource: SpeechResource) -> str:
    """Return in a sentence what a month of an endpoint costs."""
    return cost_in_words(estimated_charge(resource, "hosting", HOURS_PER_MONTH))


def cost_in_words(charge: EstimatedCharge | None) -> str:
    """Return in a sentence what is charged, or the address of the price list."""
    return f"That is {charge.basis}." if charge else f"The API does not state the price; see {PRICE_LIST}."


def charged(speech: Speech, what: str, cost: str) -> str:
    """Return in words that something is charged to a resource, or would be if the resource were not emulated."""
    if speech.is_emulated:
        return f"{what} would be charged on Azure; this resource is emulated, so nothing is charged. {cost}"
    return f"{what} is charged to your Azure subscription (resource {speech.resource.name}). {cost}"


def hosting_of(speech: Speech, request: str, model: str) -> Effect:
    """Return the charge of a new endpoint for the model of an id; `request` is the digest of the exact request."""
    cost = hosting_cost(speech.resource)
    words = charged(speech, "Hosting an endpoint", f"It runs around the clock. {cost}")
    return Effect("hosting", speech.resource, request, (model, cost), words)


def hosting_is_charged(speech: Speech, name: str, policy: ConfirmationPolicy) -> Finding:
    """Return the finding about a new endpoint; another model in an existing one costs nothing more."""
    cost = f"It runs around the clock and cannot be paused. {hosting_cost(speech.resource)}"
    message = charged(speech, f"Hosting new endpoint {quote(name)}", cost)
    free = "On a free (F0) resource it is deleted after seven days."
    instead = "An existing endpoint can take the model instead, and keeps its id."
    return agreement_finding("hosting", policy, f"{message} {free}", instead)


def estimated_charge(resource: SpeechResource, kind: str, hours: float) -> EstimatedCharge | None:
    """Return the charge of so many hours of a kind in UNITS; None without a price."""
    price: Decimal | None = getattr(resource.prices, f"{kind}_per_hour", None)
    if resource.prices is None or price is None:
        return None
    amount, currency = price * Decimal(str(round(hours, 2))), resource.prices.currency
    shown = f"{amount:.0f}" if amount >= 100 else f"{amount:.2f}"
    rate = f"{price:f} {currency} per hour"
    basis = f"about {round(hours, 1):g} h of {UNITS[kind]}, about {shown} {currency} at your configured price of {rate}"
    return EstimatedCharge(amount=float(round(amount, 2)), currency=currency, basis=basis)
