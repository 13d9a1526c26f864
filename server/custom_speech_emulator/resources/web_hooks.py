"""Web hooks: registered, challenged, and really called on loopback (or on hosts that were allowed).

The headers of a message have its event and its signature. A message is sent once and not repeated.
"""

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple
from functools import partial
from urllib.parse import quote, urlsplit
from urllib.request import Request

from custom_speech_emulator.http.api_versions import VERSIONS, Json, Version
from custom_speech_emulator.http.links import Address, host_of
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NEW_WEB_HOOK, WEB_HOOK_UPDATE, read, setting
from custom_speech_emulator.http.responses import Answer, invalid
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.dataset_imports import OPENER, allowed
from custom_speech_emulator.state.emulator_state import EmulatorState, stamp
from custom_speech_emulator.state.entity_store import Entity

_ENDED = ("Succeeded", "Failed")
# The statuses that an entity can have after an event.
_STATUSES = {"Creation": ("NotStarted", "Running", *_ENDED), "Processing": ("Running", *_ENDED), "Completion": _ENDED}


def shape(hook: str, document: Json, version: Version) -> Json:
    """Return a WebHook."""
    return {
        "properties": {name: document[name] for name in ("apiVersion", "secret") if document.get(name) is not None},
        "links": {"ping": version.link("webhooks", f"{hook}:ping"), "test": version.link("webhooks", f"{hook}:test")},
    }


def change(call: Call, hook: Entity, patch: Json) -> None:
    """Apply the secret, events and address of a patch."""
    if patch.get("properties") is not None:
        # Left out or empty, the signature ends: so says the operation's description.
        hook.document["secret"] = patch["properties"].get("secret")
    if patch.get("events") is not None:
        hook.document["events"] = patch["events"]
    if patch.get("webUrl"):
        call.require_trust("webUrl", patch["webUrl"])
        if patch["webUrl"] != hook.document["webUrl"]:
            _register(call, hook, patch["webUrl"])


_FILTERS = ("displayName", "description", "createdDateTime", "lastActionDateTime", "status", "webUrl")
WEBHOOKS = entities.Kind("webhooks", "web hook", "InvalidPayload", shape, _FILTERS, WEB_HOOK_UPDATE, change)


def create(call: Call) -> Answer:
    """WebHooks_Create; it becomes usable when its address has answered a challenge."""
    body = read(call, NEW_WEB_HOOK)
    call.require_trust("webUrl", body["webUrl"])
    hook = entities.new(call, WEBHOOKS, body)
    hook.document |= {"apiVersion": call.version.name, "base": astuple(call.address)}
    secret = setting(body, "secret")
    if secret:
        hook.document["secret"] = secret
    _register(call, hook, body["webUrl"])
    return entities.created(call, WEBHOOKS, hook)


def _register(call: Call, hook: Entity, url: str) -> None:
    """Set the address of a web hook, which is then challenged; 400 if it cannot be called."""
    if not host_of(url):
        raise invalid("InvalidCallbackUri", "webUrl must be an http or https address.", "webUrl")
    token = call.state.new_id()
    hook.document |= {"webUrl": url, "waits": token, "status": "NotStarted", "lastActionDateTime": stamp(call.now)}
    hook.document.pop("error", None)
    message = _message(hook, "challenge", {}, token)
    call.later.append(partial(_challenge, call.state, hook, message, token))


def _challenge(state: EmulatorState, registered: Entity, message: Request, token: str) -> None:
    """Send the challenge: the hook is usable when the token comes back with status 200."""
    why = _send(message, state.settings.allow_content_hosts, expected=token)
    with state.store.transaction():
        hook = state.store.get(registered.account, registered.kind, registered.id)
        if hook is not None and hook.document.get("waits") == token:
            del hook.document["waits"]
            hook.document |= {"status": "Failed" if why else "Succeeded", "lastActionDateTime": stamp(state.now())}
            if why:
                hook.document["error"] = {"code": "InvalidCallbackUri", "message": why}
            state.store.put(hook)


def ping(call: Call) -> Answer:
    """WebHooks_Ping: send the web hook itself, as a GET has it."""
    hook = entities.found(call, WEBHOOKS)
    message = _message(hook, "ping", WEBHOOKS.written(hook.id, hook.document, _version(hook)))
    call.later.append(partial(_send, message, call.state.settings.allow_content_hosts))
    return Answer(202, headers={"Retry-After": "1"})


def test(call: Call) -> Answer:
    """WebHooks_Test: send a request for each registered event that some entity has had; 204 without any."""
    hook = entities.found(call, WEBHOOKS)
    sending = []
    for kind in entities.CONTENT:
        for name, statuses in _STATUSES.items():
            event = f"{kind.removesuffix('s')}{name}"
            if hook.document["events"].get(event):
                fitting = [one for one in call.store.all(hook.account, kind) if one.status in statuses]
                sending += [_notification(call.state, hook, event, one) for one in fitting[-1:]]
    call.later += sending
    return Answer(202, headers={"Retry-After": "1"}) if sending else Answer(204)


def notifications(state: EmulatorState) -> list[Callable[[], object]]:
    """Return the calls that notify web hooks of the events of this transaction."""
    is_ready = "json_extract(document, '$.status') = 'Succeeded'"
    return [
        _notification(state, hook, event, entity)
        for entity, name in state.events
        if entity.kind in entities.CONTENT
        for event in (f"{entity.kind.removesuffix('s')}{name}",)
        for hook in state.store.all(entity.account, WEBHOOKS.path, is_ready)
        if hook.document["events"].get(event)
    ]


def _notification(state: EmulatorState, hook: Entity, event: str, entity: Entity) -> Callable[[], object]:
    """Return the call that sends an event; by its `invocationId` receivers recognize duplicates."""
    content = {"self": _version(hook).link(entity.kind, entity.id), "invocationId": state.new_id()}
    return partial(_send, _message(hook, event, content), state.settings.allow_content_hosts)


def _version(hook: Entity) -> Version:
    return next(one for one in VERSIONS if one.name == hook.document["apiVersion"])


def _message(hook: Entity, event: str, content: Json, token: str = "") -> Request:
    """Return a message, signed; a challenge has a token in its address and is signed by that."""
    url, body = hook.document["webUrl"], Address(*hook.document["base"]).write(json.dumps(content)).encode()
    if token:
        url += f"{'&' if urlsplit(url).query else '?'}validationToken={quote(token)}"
    headers = {"Content-Type": "application/json; charset=utf-8"}
    headers["X-MicrosoftSpeechServices-Event"] = event[0].upper() + event[1:]
    secret = hook.document.get("secret")
    if secret:
        digest = hmac.new(secret.encode(), token.encode() or body, hashlib.sha256).digest()
        headers["X-MicrosoftSpeechServices-Signature"] = base64.b64encode(digest).decode()
    return Request(url, body, headers, method="POST")  # noqa: S310 - http or https by `_register`


def _send(message: Request, hosts: Sequence[str], expected: str | None = None) -> str | None:
    """Send a message and return why it was not taken, None if it was."""
    if not allowed(message.full_url, hosts):
        return "The emulator calls web hooks only on loopback, or on hosts that it was started with."
    try:
        with OPENER.open(message, timeout=5.0) as answer:
            said = answer.read(4096).decode(errors="replace").strip()
            fits = answer.status == 200 and (expected is None or said == expected)
            return None if fits else "The web hook did not answer the challenge with its token."
    except (OSError, ValueError, http.client.HTTPException):
        return "The web hook did not answer."
