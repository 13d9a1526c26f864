"""Messages to web hooks: the entity as JSON, the event and the signature in headers. Sent once, not repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from custom_speech_emulator.http.links import Address
from custom_speech_emulator.http.versions import VERSIONS
from custom_speech_emulator.resources.dataset_imports import OPENER, allowed
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.endpoints import ENDPOINTS
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.evaluations import EVALUATIONS
from custom_speech_emulator.resources.models import MODELS
from custom_speech_emulator.state.store import Entity

if TYPE_CHECKING:
    from custom_speech_emulator.state.emulator_state import EmulatorState, Event

_KINDS = {"dataset": DATASETS, "model": MODELS, "evaluation": EVALUATIONS, "endpoint": ENDPOINTS}
_WORDS = {kind.path: word for word, kind in _KINDS.items()}
_STATES = {"Creation": "", "Processing": "Running", "Completion": "Succeeded"}
_TIMEOUT = 5.0


@dataclass(frozen=True)
class Message:
    """A POST to a web hook."""

    url: str
    headers: dict[str, str]
    body: bytes


def message(hook: Entity, event: str, kind: Kind, entity: Entity) -> Message:
    """Return the message about an entity, in the API version and with the addresses of the registration."""
    version = next(one for one in VERSIONS if one.name == hook.document["apiVersion"])
    shape = {
        name: value for name, value in kind.shape(entity.id, entity.document, version).items() if value is not None
    }
    return _signed(
        hook, hook.document["webUrl"], event, Address(*hook.document["base"]).write(json.dumps(shape)).encode()
    )


def challenge(hook: Entity, token: str) -> Message:
    """Return the request that a new address must answer with the token."""
    url = hook.document["webUrl"]
    joint = "&" if urlsplit(url).query else "?"
    return _signed(hook, f"{url}{joint}validationToken={quote(token)}", "challenge", b"{}")


def _signed(hook: Entity, url: str, event: str, body: bytes) -> Message:
    headers = {"Content-Type": "application/json; charset=utf-8", "X-MicrosoftSpeechServices-Event": event}
    secret = hook.document.get("secret")
    if secret:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        headers["X-MicrosoftSpeechServices-Signature"] = base64.b64encode(digest).decode()
    return Message(url, headers, body)


def of_events(state: EmulatorState, events: Sequence[Event]) -> list[Message]:
    """Return what the web hooks of the accounts are to be told of what has just happened."""
    messages = []
    for event in events:
        kind = _KINDS.get(_WORDS.get(event.entity.kind, ""))
        name = f"{_WORDS.get(event.entity.kind)}{event.name}"
        ready = state.store.all(event.entity.account, "webhooks", "json_extract(document, '$.status') = 'Succeeded'")
        hooks = [hook for hook in ready if hook.document["events"].get(name)] if kind else []
        if hooks and kind:
            messages += [message(hook, name, kind, event.entity) for hook in hooks]
    return messages


def last_of_each(state: EmulatorState, hook: Entity) -> list[Message]:
    """Return a message for each registered event, about the last entity of which it could have told."""
    messages = []
    for word, kind in _KINDS.items():
        for name, status in _STATES.items():
            if not hook.document["events"].get(f"{word}{name}"):
                continue
            every = state.store.all(hook.account, kind.path)
            fitting = [entity for entity in every if not status or entity.status == status]
            messages += [message(hook, f"{word}{name}", kind, entity) for entity in fitting[-1:]]
    return messages


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
