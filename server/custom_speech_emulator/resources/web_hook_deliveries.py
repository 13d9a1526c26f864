"""Messages to web hooks: which entity, with the event and the signature in headers. Sent once, not repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from custom_speech_emulator.http.api_versions import VERSIONS, Json, Version
from custom_speech_emulator.http.links import Address
from custom_speech_emulator.resources.dataset_imports import OPENER, allowed
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.endpoints import ENDPOINTS
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.evaluations import EVALUATIONS
from custom_speech_emulator.resources.models import MODELS
from custom_speech_emulator.resources.transcriptions import TRANSCRIPTIONS
from custom_speech_emulator.state.emulator_state import EmulatorState, Event
from custom_speech_emulator.state.entity_store import Entity

_KINDS = {kind.path: kind for kind in (DATASETS, MODELS, EVALUATIONS, ENDPOINTS, TRANSCRIPTIONS)}
_STATUSES = {
    "Creation": ("NotStarted", "Running", "Succeeded", "Failed"),
    "Processing": ("Running", "Succeeded", "Failed"),
    "Completion": ("Succeeded", "Failed"),
}
"""The statuses of an entity of which a web hook has been notified by an event."""

_TIMEOUT = 5.0


@dataclass(frozen=True)
class Message:
    """A POST to a web hook."""

    url: str
    headers: dict[str, str]
    body: bytes


def challenge(hook: Entity, token: str) -> Message:
    """Return the request that a new address must answer with the token; the signature is that of the token."""
    url = hook.document["webUrl"]
    joint = "&" if urlsplit(url).query else "?"
    return _signed(hook, f"{url}{joint}validationToken={quote(token)}", "challenge", b"{}", token.encode())


def ping(hook: Entity, kind: Kind) -> Message:
    """Return a message that holds the web hook, as a GET has it."""
    return _message(hook, "ping", kind.written(hook.id, hook.document, _version(hook)))


def of_events(state: EmulatorState, events: Sequence[Event]) -> list[Message]:
    """Return what the web hooks of the accounts are notified of, after these events."""
    messages = []
    for event in events:
        kind = _KINDS.get(event.entity.kind)
        if kind is None:
            continue
        ready = state.store.all(event.entity.account, "webhooks", "json_extract(document, '$.status') = 'Succeeded'")
        name = f"{kind.word}{event.name}"
        messages += [
            _notification(state, hook, name, event.entity) for hook in ready if hook.document["events"].get(name)
        ]
    return messages


def last_of_each(state: EmulatorState, hook: Entity) -> list[Message]:
    """Return a message for each registered event, about the last entity of which it has notified."""
    messages = []
    for kind in _KINDS.values():
        for event, statuses in _STATUSES.items():
            if hook.document["events"].get(f"{kind.word}{event}"):
                fitting = [one for one in state.store.all(hook.account, kind.path) if one.status in statuses]
                messages += [_notification(state, hook, f"{kind.word}{event}", one) for one in fitting[-1:]]
    return messages


def _notification(state: EmulatorState, hook: Entity, event: str, entity: Entity) -> Message:
    """Return the message of an event; `invocationId` tells apart what a receiver gets twice."""
    return _message(hook, event, {"self": _version(hook).link(entity.kind, entity.id), "invocationId": state.new_id()})


def _version(hook: Entity) -> Version:
    return next(one for one in VERSIONS if one.name == hook.document["apiVersion"])


def _message(hook: Entity, event: str, content: Json) -> Message:
    """Return a message with the addresses of the registration."""
    body = Address(*hook.document["base"]).write(json.dumps(content)).encode()
    return _signed(hook, hook.document["webUrl"], event, body, body)


def _signed(hook: Entity, url: str, event: str, body: bytes, signed: bytes) -> Message:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-MicrosoftSpeechServices-Event": event[0].upper() + event[1:],
    }
    secret = hook.document.get("secret")
    if secret:
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
        headers["X-MicrosoftSpeechServices-Signature"] = base64.b64encode(digest).decode()
    return Message(url, headers, body)


def send(message: Message, hosts: Sequence[str], expected: str | None = None) -> str | None:
    """Send a message; None when it was taken, else why not."""
    if not allowed(message.url, hosts):
        return "The emulator calls web hooks only on loopback, or on hosts that it was started with."
    try:
        request = urllib.request.Request(message.url, message.body, message.headers, method="POST")  # noqa: S310 - http or https by `allowed` and `webhooks`
        with OPENER.open(request, timeout=_TIMEOUT) as answer:
            said = answer.read(4096).decode(errors="replace").strip()
            fits = answer.status == 200 and (expected is None or said == expected)
            return None if fits else "The web hook did not answer the challenge with its token."
    except (OSError, ValueError, http.client.HTTPException):
        return "The web hook did not answer."
