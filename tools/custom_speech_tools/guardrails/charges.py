"""Charges: estimates from the operator's prices, as the API states none, and the charge for hosting."""

from decimal import Decimal
from typing import Literal

from custom_speech_tools.runtime.agreements import ConfirmationPolicy, Effect, agreement_finding
from custom_speech_tools.runtime.polling import AUDIO_HOURS_PER_DAY, MAX_AUDIO_HOURS
from custom_speech_tools.runtime.results import EstimatedCharge, Finding
from custom_speech_tools.speech import Speech, SpeechResource
from custom_speech_tools.speech.sanitize import quote

ChargeKind = Literal["training", "hosting", "transcription"]

HOURS_PER_MONTH = 730
PRICE_LIST = "https://azure.microsoft.com/pricing/details/cognitive-services/speech-services/"


def estimate_charge(resource: SpeechResource, kind: ChargeKind, audio_hours: float = 0.0) -> EstimatedCharge | None:
    """Return the estimated charge of training, a month of hosting or transcription, or None without a price.

    Training with text alone has no estimate, because it takes only minutes.
    """
    prices = resource.prices
    if prices is None:
        return None
    training_hours = min(audio_hours, MAX_AUDIO_HOURS) / AUDIO_HOURS_PER_DAY * 24
    priced: dict[ChargeKind, tuple[Decimal | None, float, str]] = {
        "training": (prices.training_per_hour, training_hours, "training"),
        "hosting": (prices.hosting_per_hour, HOURS_PER_MONTH, "hosting a month for each endpoint"),
        "transcription": (prices.transcription_per_hour, audio_hours, "audio"),
    }
    price, hours, unit = priced[kind]
    if price is None or not hours:
        return None
    amount = price * Decimal(str(round(hours, 2)))
    shown = f"{amount:.0f}" if amount >= 100 else f"{amount:.2f}"
    basis = f"about {round(hours, 1):g} h of {unit}, about {shown} {prices.currency} at your configured price of "
    basis += f"{price:f} {prices.currency} per hour"
    return EstimatedCharge(amount=float(round(amount, 2)), currency=prices.currency, basis=basis)


def charge_sentence(resource: SpeechResource, kind: ChargeKind, audio_hours: float = 0.0) -> str:
    """Return a sentence with the estimated charge, or with the address of the price list."""
    if charge := estimate_charge(resource, kind, audio_hours):
        return f"That is {charge.basis}."
    prices = resource.prices
    if kind == "training" and prices and prices.training_per_hour is not None:
        price = f"{prices.training_per_hour:f} {prices.currency}"
        return f"Text alone trains in minutes; your configured price is {price} per hour."
    return f"The API does not state the price; see {PRICE_LIST}."


def charge_notice(subject: str, details: str, *speeches: Speech) -> str:
    """Return a sentence saying that something is charged, or would be if the resources were not emulated."""
    charged = [speech.resource.name for speech in speeches if not speech.is_emulated]
    if charged:
        return f"{subject} is charged to your Azure subscription (resource {', '.join(charged)}). {details}".strip()
    emulated = "this resource is emulated" if len(speeches) == 1 else "these resources are emulated"
    return f"{subject} would be charged on Azure; {emulated}, so nothing is charged. {details}".strip()


def hosting_effect(speech: Speech, request_digest: str, model: str) -> Effect:
    """Return the effect of creating an endpoint, bound to the id of its model and the digest of the request."""
    cost = charge_sentence(speech.resource, "hosting")
    description = charge_notice("Hosting an endpoint", f"It runs around the clock. {cost}", speech)
    return Effect("hosting", speech.resource, request_digest, (model, cost), description)


def hosting_is_charged(speech: Speech, name: str, policy: ConfirmationPolicy) -> Finding:
    """Return the finding that a new endpoint is charged."""
    cost = f"It runs around the clock and cannot be paused. {charge_sentence(speech.resource, 'hosting')}"
    message = charge_notice(f"Hosting new endpoint {quote(name)}", cost, speech)
    free = "On a free (F0) resource it is deleted after seven days."
    instead = "An existing endpoint can take the model instead, and keeps its id."
    return agreement_finding("hosting", policy, f"{message} {free}", instead)
