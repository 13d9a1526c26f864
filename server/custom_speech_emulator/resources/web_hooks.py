"""Web hooks: registered, challenged, and really called on loopback (or on hosts that were allowed)."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NewWebHook, WebHookUpdate, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities, web_hook_deliveries
from custom_speech_emulator.resources.entities import FILTERS, Kind
from custom_speech_emulator.state.clock import stamp
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity


def shape(hook: str, document: Json, version: Version) -> Json:
    """Return a WebHook."""
    properties = {
        "apiVersion": document["apiVersion"],
        "secret": document.get("secret"),
    }
    return {
        "properties": {name: value for name, value in properties.items() if value is not None},
        "webUrl": document["webUrl"],
        "events": document["events"],
        "links": {"ping": version.link("webhooks", f"{hook}:ping"), "test": version.link("webhooks", f"{hook}:test")},
    }


def _change(call: Call, hook: Entity, patch: WebHookUpdate) -> None:
    """Take an update over; another address is challenged again."""
    if patch.properties is not None:
        # Left out or empty, the signature ends: so says the operation's description.
        hook.document["secret"] = patch.properties.secret
    if patch.events is not None:
        hook.document["events"] = patch.events
    if patch.webUrl:
        call.require_trust("webUrl", patch.webUrl)
    if patch.webUrl and patch.webUrl != hook.document["webUrl"]:
        hook.document["webUrl"] = _callable(patch.webUrl)
        _challenge(call, hook)


WEBHOOKS = Kind(
    "webhooks",
    "web hook",
    "InvalidPayload",
    shape,
    (*(name for name in FILTERS if name != "locale"), "webUrl"),
    update=WebHookUpdate,
    change=_change,
)


def create(call: Call) -> Answer:
    """WebHooks_Create; it becomes usable when its address has answered a challenge."""
    body = read(call, NewWebHook)
    call.require_trust("webUrl", body.webUrl)
    hook = entities.new(call, WEBHOOKS, body)
    hook.document |= {
        "webUrl": _callable(body.webUrl),
        "events": body.events,
        "apiVersion": call.version.name,
        "base": [call.address.scheme, call.address.host, call.address.prefix],
    }
    if body.properties and body.properties.secret:
        hook.document["secret"] = body.properties.secret
    _challenge(call, hook)
    return entities.created(call, WEBHOOKS, hook)


def _callable(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise invalid("InvalidCallbackUri", "webUrl must be an http or https address.", "webUrl")
    return url


def _challenge(call: Call, hook: Entity) -> None:
    hook.document |= {"status": "NotStarted", "lastActionDateTime": stamp(call.now), "waits": call.state.new_id()}
    hook.document.pop("error", None)
    call.later.append(partial(challenged, call.state, call.account.name, hook.id))


def challenged(state: EmulatorState, account: str, hook_id: str) -> None:
    """Send the challenge: the hook is usable when the token comes back with status 200."""
    with state.store.transaction():
        hook = state.store.get(account, WEBHOOKS.path, hook_id)
    token = hook.document.get("waits") if hook else None
    if hook is None or token is None:
        return
    message = web_hook_deliveries.challenge(hook, token)
    why = web_hook_deliveries.send(message, state.settings.allow_content_hosts, expected=token)
    with state.store.transaction():
        hook = state.store.get(account, WEBHOOKS.path, hook_id)
        if hook is not None and hook.document.get("waits") == token:
            del hook.document["waits"]
            hook.document |= {"status": "Failed" if why else "Succeeded", "lastActionDateTime": stamp(state.now())}
            hook.document |= {"error": {"code": "InvalidCallbackUri", "message": why}} if why else {}
            state.store.put(hook)


def ping(call: Call) -> Answer:
    """WebHooks_Ping."""
    hook = entities.found(call, WEBHOOKS)
    message = web_hook_deliveries.ping(hook, WEBHOOKS)
    call.later.append(partial(web_hook_deliveries.send, message, call.state.settings.allow_content_hosts))
    return Answer(202, headers={"Retry-After": "1"})


def test(call: Call) -> Answer:
    """WebHooks_Test: one request for each registered event of which there is an entity; 204 when there is none."""
    hook = entities.found(call, WEBHOOKS)
    messages = web_hook_deliveries.last_of_each(call.state, hook)
    for message in messages:
        call.later.append(partial(web_hook_deliveries.send, message, call.state.settings.allow_content_hosts))
    return Answer(202, headers={"Retry-After": "1"}) if messages else Answer(204)
