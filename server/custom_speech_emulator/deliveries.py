"""What is sent to web hooks: the entity as JSON, the event and the signature in headers. Sent once, not repeated."""

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

from custom_speech_emulator.datasets import DATASETS
from custom_speech_emulator.endpoints import ENDPOINTS
from custom_speech_emulator.entities import Kind
from custom_speech_emulator.evaluations import EVALUATIONS
from custom_speech_emulator.imports import OPENER, allowed
from custom_speech_emulator.links import Address
from custom_speech_emulator.models import MODELS
from custom_speech_emulator.store import Entity
from custom_speech_emulator.versions import VERSIONS

if TYPE_CHECKING:
    from custom_speech_emulator.world import Event, World

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
    """What a hook is told of an entity, in the API version and with the addresses that it was registered with."""
    version = next(one for one in VERSIONS if one.name == hook.document["apiVersion"])
    shape = {
        name: value for name, value in kind.shape(entity.id, entity.document, version).items() if value is not None
    }
    return _signed(
        hook, hook.document["webUrl"], event, Address(*hook.document["base"]).write(json.dumps(shape)).encode()
    )


def challenge(hook: Entity, token: str) -> Message:
    """The request that a new address must answer with the token."""
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


def of_events(world: World, events: Sequence[Event]) -> list[Message]:
    """What the web hooks of the accounts are to be told of what has just happened."""
    messages = []
    for event in events:
        kind = _KINDS.get(_WORDS.get(event.entity.kind, ""))
        name = f"{_WORDS.get(event.entity.kind)}{event.name}"
        ready = world.store.all(event.entity.account, "webhooks", "json_extract(document, '$.status') = 'Succeeded'")
        hooks = [hook for hook in ready if hook.document["events"].get(name)] if kind else []
        if hooks and kind:
            messages += [message(hook, name, kind, event.entity) for hook in hooks]
    return messages


def last_of_each(world: World, hook: Entity) -> list[Message]:
    """A message for each registered event, about the last entity of which it could have told."""
    messages = []
    for word, kind in _KINDS.items():
        for name, state in _STATES.items():
            if not hook.document["events"].get(f"{word}{name}"):
                continue
            every = world.store.all(hook.account, kind.path)
            fitting = [entity for entity in every if not state or entity.status == state]
            messages += [message(hook, f"{word}{name}", kind, entity) for entity in fitting[-1:]]
    return messages


def send(message: Message, hosts: Sequence[str], expected: str | None = None) -> str | None:
    """Sends a message; None when it was taken, else why not."""
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
