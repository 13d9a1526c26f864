"""Errors in answers: refusals with their findings, and advice for other errors."""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from custom_speech_tools import speech
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech.sanitize import sanitize

MAX_FAULTS = 20  # invalid arguments that one answer lists

_DOCTOR = "`custom-speech-mcp doctor`"
_ROLE = "it needs Cognitive Services Speech Contributor on the resource. Ask its owner."

# Advice by status and by a pattern in the gateway's error body; the first matching pattern counts.
_ADVICE: dict[int, dict[str, str]] = {
    400: {
        "subdomain|custom domain": "Tokens of Entra ID need the custom domain of the resource: configure it as "
        "endpoint.",
    },
    401: {
        "subscription key|wrong API endpoint": f"The key is not of this region or endpoint: check both with {_DOCTOR}.",
        "PermissionDenied|lacks|principal": f"The identity lacks a role: {_ROLE}",
        "": f"Check the key and the region of the resource with {_DOCTOR}.",
    },
    403: {
        "virtual network|firewall": "The resource's firewall does not admit this machine: its owner must add this "
        "network, or the server must run inside it.",
        "public access|private endpoint": "The resource is reachable through its private endpoint only: run the server "
        "inside that network.",
        "AuthenticationTypeDisabled|key based authentication": "Keys are switched off for this resource: configure "
        'auth = "entra" for it.',
        "quota|call volume": "The quota is used up: wait for the next period, or ask the owner for a higher tier.",
        "": f"The identity lacks a role for custom speech: {_ROLE}",
    },
    404: {
        r"^(\d+ )?resource not found|^not found\.?$": "This may not be the address of a Speech resource: check "
        f"endpoint and region with {_DOCTOR}.",
    },
}


class Refused(Exception):
    """A guardrail refused the call; `str()` is the complete text of the answer.

    Args:
        not_done: A sentence such as "Nothing was created."
        next_step: Advice, if the findings do not contain it.
        is_transient: The same call may succeed later; also set if all blocking findings can be waited for.
    """

    def __init__(
        self, not_done: str, findings: Iterable[Finding], next_step: str | None = None, *, is_transient: bool = False
    ) -> None:
        self.not_done = not_done
        self.findings = tuple(findings)
        self.next_step = next_step = next_step_when_blocked(self.findings) if next_step is None else next_step
        self.is_transient = is_transient or _remedies(self.findings) == {"wait"}
        lines = [f"- [{one.level}: {one.rule}] {one.message} {one.fix}" for one in self.findings]
        super().__init__("\n".join([not_done, *lines, next_step]))


def next_step_when_blocked(findings: Iterable[Finding]) -> str:
    """Return the advice for blocking findings: wait, give up, or correct the request."""
    remedies = _remedies(findings)
    if "none" in remedies:
        return "This request cannot be carried out; tell your user."
    if remedies == {"wait"}:
        return "Nothing needs to be corrected: call again when that is finished."
    return "Correct every finding of level block, then call again."


def _remedies(findings: Iterable[Finding]) -> set[str]:
    return {finding.remedy for finding in findings if finding.level == "block"}


def next_step_after(error: speech.SpeechError) -> str:
    """Return the advice for the caller after an error of the service."""
    match error:
        case speech.AzureError(status=429 | 500 | 502 | 503 | 504, retry_after=wait):
            return f"The same call can be repeated in {wait or 10:.0f} s."
        case speech.AzureError(status=status, code=code, service_message=message):
            body = f"{code or ''} {message}".strip()
            advice = (one for pattern, one in _ADVICE.get(status, {}).items() if re.search(pattern, body, re.I))
            return next(advice, "The same call will fail again; first correct what the message names.")
        case speech.InterceptedResponseError():
            remedy = "Sign in to the network, or let the proxy pass requests to the resource's endpoint"
            return f"{remedy}; then call again. {_DOCTOR} shows whether it answers."
        case speech.UnreachableError():
            return f"Check endpoint and network with {_DOCTOR}; the same call can be repeated."
        case speech.NoCredentialError() | speech.NotAllowedError():
            return "Nothing was sent; the same call can be repeated once that is fixed."
        case speech.ResponseLostError() | speech.UnreadableResponseError():
            return "The same call can be repeated; nothing is created twice."
    return f"Repeat the call once; if it fails again, run {_DOCTOR}."


def invalid_arguments(tool: str, parameters: Iterable[str], error: ValidationError) -> str:
    """Return an error text that lists the invalid arguments and the parameters of the tool."""
    lines = [f"{tool} was not run: invalid arguments."]
    for fault in error.errors()[:MAX_FAULTS]:
        # A fault in several arguments together has no location.
        place = f"{sanitize('.'.join(map(str, fault['loc'])), 80)}: " if fault["loc"] else ""
        is_unknown = fault["type"] == "extra_forbidden"
        lines.append(f"- {place}{'unknown argument' if is_unknown else fault['msg'].removeprefix('Value error, ')}")
    takes = f"It takes {', '.join(parameters) or 'no arguments'}. Correct all of this, then call again."
    return "\n".join([*lines, takes])
