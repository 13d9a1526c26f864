"""Diagnosis of a resource: whether it answers, in which API versions, and what its user should do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from custom_speech_server.azure_cli import Account
from custom_speech_tools.runtime.errors import next_step_after
from custom_speech_tools.runtime.resources import region, trains_audio
from custom_speech_tools.speech import (
    VERSIONS,
    AzureError,
    NoCredentialError,
    RequestPipeline,
    Speech,
    SpeechError,
    SpeechResource,
    UnreachableError,
    UnreadableAnswerError,
)
from custom_speech_tools.speech.sanitize import sanitize
from custom_speech_tools.speech.service_clock import CLOCK_TOLERANCE
from custom_speech_tools.speech.transport import proxy_of

_PORTAL = "both stand in the Azure portal, on the resource's page Keys and Endpoint"


class Problem(NamedTuple):
    """Something that does not work, or will not, and what to do about it."""

    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of doctor about a resource."""

    resource: SpeechResource
    answers: Mapping[str, SpeechError | None]  # by API version, the configured one first; None if it answers in it
    problems: list[Problem]

    @property
    def does_answer(self) -> bool:
        """True if the resource answers in its configured version."""
        return self.answers[self.resource.api_version.name] is None


async def diagnose(
    resource: SpeechResource, app: Callable[..., Any] | None = None, account: Account | None = None
) -> Diagnosis:
    """Ask a resource in every API version; `app` answers in place of the network, `account` is what Azure says."""
    configured = resource.api_version.name
    answers: dict[str, SpeechError | None] = {}
    skew = timedelta()
    for version in (configured, *(name for name in VERSIONS if name != configured)):
        if isinstance(answers.get(configured), (UnreachableError, NoCredentialError)):
            break
        speech = Speech(RequestPipeline(replace(resource, api_version=VERSIONS[version]), app))
        try:
            await speech.models_list_supported_locales()
            answers[version] = None
        except SpeechError as error:
            answers[version] = error
        finally:
            skew = max(skew, speech.clock.skew, key=abs)
            await speech.close()
    return Diagnosis(resource, answers, _problems(resource, answers, skew, account))


def describe_answer(error: SpeechError | None) -> str:
    """Return how a resource answered."""
    if isinstance(error, AzureError):
        code = "" if error.code in (None, str(error.status)) else f" {error.code}"
        return sanitize(f"answers {error.status}{code}: {error.args[0]}", 400)
    return "answers" if error is None else sanitize(str(error), 400)


def _fix(resource: SpeechResource, error: SpeechError | None) -> str:
    match error:
        case AzureError(status=401) if resource.credential.has_key:
            return (
                "Its key is of another region or resource, or was replaced. `custom-speech-mcp init` takes both from "
                f"Azure; {_PORTAL}."
            )
        case AzureError(status=404) | UnreadableAnswerError():
            return f"Its endpoint is not that of a Speech resource, or a proxy answers in its place; {_PORTAL}."
        case UnreachableError():
            proxy = urlsplit(proxy_of(resource.endpoint) or "")
            through = f" Requests go through the proxy {proxy.hostname}; see NO_PROXY." if proxy.hostname else ""
            return f"Check that endpoint and region are right, and that this network reaches the address.{through}"
        case NoCredentialError():
            own = "Run its key command in a terminal; if that is `az`, sign in: az login."
            return own if resource.credential.has_key else "Install what is missing, or sign in: az login."
    return next_step_after(error) if error else ""


def _problems(
    resource: SpeechResource, answers: Mapping[str, SpeechError | None], skew: timedelta, account: Account | None
) -> list[Problem]:
    """Return what the answers show, what the configuration lacks, then what Azure says against using the resource."""
    error = answers[resource.api_version.name]
    working = next((version for version, other in answers.items() if other is None), None)
    late = f"{abs(skew) / timedelta(minutes=1):.0f} min {'behind' if skew > timedelta() else 'ahead of'}"
    set_clock = "Set the clock: signing in needs it."
    repair = "`custom-speech-mcp init --repair` adds it."
    add_region, add_id = (f"Set {name}; {repair}" for name in ("region", "resource_id"))
    elsewhere = (
        "Train with audio in a region that has it, then copy the model here (copy_model). Text alone trains here."
    )
    # The limits of F0 stand on Microsoft's page on quotas and limits.
    free = "takes at most 2 datasets, 200 MB of text and 1 KB of pronunciations, and has no batch transcription."
    by_identity = 'Use auth = "entra" with the custom domain as endpoint, not key.'
    admit = "If it answers 403, its owner adds this machine's network under Networking in the Azure portal."
    is_private = account is not None and account.public_access == "Disabled"
    has_firewall = account is not None and account.network_default == "Deny" and not is_private
    has_no_keys = account is not None and account.keys_disabled and resource.credential.has_key
    is_whole = resource.resource_id or resource.api_version.copies_with_key
    checks = [
        (
            error and working,
            f"It answers in {working}, not in the configured version.",
            f'Set api_version = "{working}".',
        ),
        (error and not working, "It cannot be used.", _fix(resource, error)),
        (abs(skew) > CLOCK_TOLERANCE, f"This machine's clock is {late} the service's.", set_clock),
        (region(resource) is None, "Its region is not known, so neither is whether it trains with audio.", add_region),
        (trains_audio(resource) is False, "Its region has no hardware for training with audio.", elsewhere),
        (not is_whole, "Without resource_id no model is copied from it.", add_id),
        (account and account.tier == "F0", f"Its tier F0 (free) {free}", "Use a resource of tier S0 for more."),
        (has_no_keys, "Its keys are switched off.", by_identity),
        (is_private, "It is reachable through its private endpoint only.", "Run the server inside that network."),
        (has_firewall, "Its firewall admits chosen networks only.", admit),
    ]
    return [Problem(message, fix) for holds, message, fix in checks if holds]
