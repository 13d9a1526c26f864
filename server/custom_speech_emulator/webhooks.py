"""Web hooks: registered, challenged, and really called on loopback (or on hosts that were allowed)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from custom_speech_emulator import deliveries, entities
from custom_speech_emulator.bodies import NewWebHook, WebHookUpdate, read
from custom_speech_emulator.call import Answer, Call
from custom_speech_emulator.clock import stamp
from custom_speech_emulator.entities import FILTERS, Kind
from custom_speech_emulator.errors import invalid
from custom_speech_emulator.store import Entity
from custom_speech_emulator.versions import Json, Version

if TYPE_CHECKING:
    from custom_speech_emulator.world import World


def shape(hook: str, document: Json, version: Version) -> Json:
    """A WebHook."""
    properties = {
        "apiVersion": document["apiVersion"],
        "secret": document.get("secret"),
        "error": document.get("error"),
    }
    return {
        "self": version.link("webhooks", hook),
        "displayName": document["displayName"],
        "description": document.get("description"),
        "customProperties": document.get("customProperties"),
        "properties": {name: value for name, value in properties.items() if value is not None},
        "webUrl": document["webUrl"],
        "events": document["events"],
        "createdDateTime": document["createdDateTime"],
        "lastActionDateTime": document["lastActionDateTime"],
        "status": document["status"],
        "links": {"ping": version.link("webhooks", f"{hook}:ping"), "test": version.link("webhooks", f"{hook}:test")},
    }


WEBHOOKS = Kind(
    "webhooks", "web hook", "InvalidPayload", shape, (*(name for name in FILTERS if name != "locale"), "webUrl")
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
    hook.document |= {"status": "NotStarted", "lastActionDateTime": stamp(call.now), "waits": call.world.new_id()}
    hook.document.pop("error", None)
    call.later.append(partial(challenged, call.world, call.account.name, hook.id))


def challenged(world: World, account: str, hook_id: str) -> None:
    """Sends the challenge: the hook is usable when the token comes back with status 200."""
    with world.store.transaction():
        hook = world.store.get(account, WEBHOOKS.path, hook_id)
    token = hook.document.get("waits") if hook else None
    if hook is None or token is None:
        return
    message = deliveries.challenge(hook, token)
    why = deliveries.send(message, world.settings.allow_content_hosts, expected=token)
    with world.store.transaction():
        hook = world.store.get(account, WEBHOOKS.path, hook_id)
        if hook is not None and hook.document.get("waits") == token:
            del hook.document["waits"]
            hook.document |= {"status": "Failed" if why else "Succeeded", "lastActionDateTime": stamp(world.now())}
            hook.document |= {"error": {"code": "InvalidCallbackUri", "message": why}} if why else {}
            world.store.put(hook)


def get(call: Call) -> Answer:
    """WebHooks_Get."""
    return entities.get(call, WEBHOOKS)


def list_all(call: Call) -> Answer:
    """WebHooks_List."""
    return entities.listed(call, WEBHOOKS)


def update(call: Call) -> Answer:
    """WebHooks_Update; another address is challenged again."""
    hook, patch = entities.found(call, WEBHOOKS), read(call, WebHookUpdate)
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
    return entities.changed(call, WEBHOOKS, hook, patch)


def delete(call: Call) -> Answer:
    """WebHooks_Delete."""
    return entities.removed(call, WEBHOOKS)


def ping(call: Call) -> Answer:
    """WebHooks_Ping."""
    hook = entities.found(call, WEBHOOKS)
    message = deliveries.message(hook, "ping", WEBHOOKS, hook)
    call.later.append(partial(deliveries.send, message, call.world.settings.allow_content_hosts))
    return Answer(202, headers={"Retry-After": "1"})


def test(call: Call) -> Answer:
    """WebHooks_Test: one request for each registered event of which there is an entity; 204 when there is none."""
    hook = entities.found(call, WEBHOOKS)
    messages = deliveries.last_of_each(call.world, hook)
    for message in messages:
        call.later.append(partial(deliveries.send, message, call.world.settings.allow_content_hosts))
    return Answer(202, headers={"Retry-After": "1"}) if messages else Answer(204)
