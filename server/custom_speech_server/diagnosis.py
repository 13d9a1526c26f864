"""Diagnosis of a resource: whether it answers, in which API versions, and what its user should do."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
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


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not work, or will not, and what to do about it."""

    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of doctor about a resource.

    Attributes:
        answers: For each API version that was tried, the configured one first, its error; None where it answers.
    """

    resource: SpeechResource
    answers: Mapping[str, SpeechError | None]
    problems: tuple[Problem, ...]

    @property
    def does_answer(self) -> bool:
        """True if the resource answers in its configured version."""
        return self.answers[self.resource.api_version.name] is None


async def diagnose(
    resource: SpeechResource, app: Callable[..., Any] | None = None, account: Account | None = None
) -> Diagnosis:
    """Ask a resource in every API version.

    Args:
        app: Answers in place of the network.
        account: What Azure says about the resource.
    """
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
    problems = (*_answer_problems(resource, answers, skew), *_configuration_problems(resource))
    return Diagnosis(resource, answers, (*problems, *(account_problems(resource, account) if account else ())))


def describe_answer(error: SpeechError | None) -> str:
    """Return how a resource answered."""
    if isinstance(error, AzureError):
        code = "" if error.code in (None, str(error.status)) else f" {error.code}"
        return sanitize(f"answers {error.status}{code}: {error.args[0]}", 400)
    return "answers" if error is None else sanitize(str(error), 400)


def _answer_problems(
    resource: SpeechResource, answers: Mapping[str, SpeechError | None], skew: timedelta
) -> Iterator[Problem]:
    error = answers[resource.api_version.name]
    working = [version for version, other in answers.items() if other is None]
    if error and working:
        yield Problem(
            f"It answers in {working[0]}, not in the configured version.", f'Set api_version = "{working[0]}".'
        )
    elif error:
        yield Problem("It cannot be used.", _fix(resource, error))
    if abs(skew) > CLOCK_TOLERANCE:
        late = "behind" if skew > timedelta() else "ahead of"
        minutes = f"{abs(skew) / timedelta(minutes=1):.0f} min"
        yield Problem(f"This machine's clock is {minutes} {late} the service's.", "Set the clock: signing in needs it.")


def _fix(resource: SpeechResource, error: SpeechError) -> str:
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
    return next_step_after(error)


def _configuration_problems(resource: SpeechResource) -> Iterator[Problem]:
    if resource.api_version.name == "v3.2":
        yield Problem(
            "Microsoft lists API version v3.2 as retired since 31 March 2026.",
            "Remove api_version: 2025-10-15 is the default.",
        )
    if region(resource) is None:
        yield Problem(
            "Its region is not known, so neither is whether it trains with audio.",
            "Set region; `custom-speech-mcp init --repair` adds it.",
        )
    if trains_audio(resource) is False:
        yield Problem(
            "Its region has no hardware for training with audio.",
            "Train with audio in a region that has it, then copy the model here (copy_model). Text alone trains here.",
        )
    if not resource.resource_id and not resource.api_version.copies_with_key:
        yield Problem(
            "Without resource_id no model is copied from it.",
            "Set resource_id; `custom-speech-mcp init --repair` adds it.",
        )


def account_problems(resource: SpeechResource, account: Account) -> Iterator[Problem]:
    """Return what Azure's description of the resource says against using it.

    The limits of the free tier are those of Microsoft's page on quotas and limits.
    """
    if account.tier == "F0":
        yield Problem(
            "Its tier F0 (free) takes at most 2 datasets, 200 MB of text and 1 KB of pronunciations, and has no batch "
            "transcription.",
            "Use a resource of tier S0 for more.",
        )
    if account.keys_disabled and resource.credential.has_key:
        yield Problem("Its keys are switched off.", 'Use auth = "entra" with the custom domain as endpoint, not key.')
    if account.public_access == "Disabled":
        yield Problem(
            "It is reachable through its private endpoint only.", "Run the server inside the network of that endpoint."
        )
    elif account.network_default == "Deny":
        yield Problem(
            "Its firewall admits chosen networks only.",
            "If it answers 403, its owner adds this machine's network under Networking in the Azure portal.",
        )
