"""Web hooks, which are challenged and called on loopback or on allowed hosts. Events are sent once, without retries."""

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple
from functools import partial
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request

from custom_speech_emulator.http.api_versions import BY_NAME, ApiVersion, Json
from custom_speech_emulator.http.host_address import HostAddress, host_name
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import NEW_WEB_HOOK, WEB_HOOK_UPDATE, get_property, read_body
from custom_speech_emulator.http.responses import ApiResponse, invalid
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.dataset_imports import URL_OPENER, is_allowed_url
from custom_speech_emulator.resources.projects import PROJECT_CONTENTS
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time
from custom_speech_emulator.state.entity_store import StoredEntity

# Event names, and the statuses that an entity can have after the event.
_EVENTS = {
    "Creation": ("NotStarted", "Running", "Succeeded", "Failed"),
    "Processing": ("Running", "Succeeded", "Failed"),
    "Completion": ("Succeeded", "Failed"),
}


def web_hook_to_json(hook: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of a WebHook."""
    return {
        "properties": {name: document[name] for name in ("apiVersion", "secret") if document.get(name) is not None},
        "links": {"ping": version.link("webhooks", f"{hook}:ping"), "test": version.link("webhooks", f"{hook}:test")},
    }


def apply_patch(call: OperationCall, hook: StoredEntity, patch: Json) -> None:
    """Apply the secret, the events and the URL of a patch."""
    if patch.get("properties") is not None:
        # A missing or empty secret disables the signature (specification of the operation).
        hook.document["secret"] = patch["properties"].get("secret")
    if patch.get("events") is not None:
        hook.document["events"] = patch["events"]
    if patch.get("webUrl"):
        call.require_trust("webUrl", patch["webUrl"])
        if patch["webUrl"] != hook.document["webUrl"]:
            _set_url(call, hook, patch["webUrl"])


_FILTERS = ("displayName", "description", "createdDateTime", "lastActionDateTime", "status", "webUrl")
WEBHOOKS = entities.EntityKind(
    "webhooks", "web hook", web_hook_to_json, filters=_FILTERS, update=WEB_HOOK_UPDATE, apply_patch=apply_patch
)


def create(call: OperationCall) -> ApiResponse:
    """Handle WebHooks_Create. The web hook is Succeeded after its URL has answered a challenge."""
    body = read_body(call, NEW_WEB_HOOK)
    call.require_trust("webUrl", body["webUrl"])
    hook = entities.new_entity(call, WEBHOOKS, body)
    hook.document |= {"apiVersion": call.version.name, "address": astuple(call.address)}
    secret = get_property(body, "secret")
    if secret:
        hook.document["secret"] = secret
    _set_url(call, hook, body["webUrl"])
    return entities.store_created(call, WEBHOOKS, hook)


def _set_url(call: OperationCall, hook: StoredEntity, url: str) -> None:
    """Set the URL of a web hook and schedule its challenge, or raise a 400 error for an unusable URL."""
    if not host_name(url):
        raise invalid("InvalidCallbackUri", "webUrl must be an http or https address.", "webUrl")
    token, now = call.state.new_id(), format_time(call.now)
    hook.document |= {"webUrl": url, "waitsFor": token, "status": "NotStarted", "lastActionDateTime": now}
    hook.document.pop("error", None)
    message = _signed_message(hook, "challenge", {}, token)
    call.after_response.append(partial(_challenge, call.state, hook, message, token))


def _challenge(state: EmulatorState, challenged: StoredEntity, message: Request, token: str) -> None:
    """Send a challenge and set the status: Succeeded if the response is 200 with the token."""
    error = _send(message, state.settings.allow_content_hosts, expected=token)
    with state.store.transaction():
        hook = state.store.get(challenged.account, challenged.kind, challenged.id)
        if hook is not None and hook.document.get("waitsFor") == token:
            del hook.document["waitsFor"]
            hook.document |= {"status": "Succeeded", "lastActionDateTime": format_time(state.now())}
            if error:
                hook.document |= {"status": "Failed", "error": {"code": "InvalidCallbackUri", "message": error}}
            state.store.put(hook)


def ping(call: OperationCall) -> ApiResponse:
    """Handle WebHooks_Ping: send the web hook's own JSON to its URL."""
    hook = entities.get_or_404(call, WEBHOOKS)
    content = WEBHOOKS.render(hook.id, hook.document, BY_NAME[hook.document["apiVersion"]])
    message = _signed_message(hook, "ping", content)
    call.after_response.append(partial(_send, message, call.state.settings.allow_content_hosts))
    return ApiResponse(202, headers={"Retry-After": "1"})


def send_test_events(call: OperationCall) -> ApiResponse:
    """Handle WebHooks_Test: send each registered event of the newest matching entity, or return 204 without any."""
    hook = entities.get_or_404(call, WEBHOOKS)
    notifications = []
    for kind in PROJECT_CONTENTS:
        for name, statuses in _EVENTS.items():
            event = f"{kind.removesuffix('s')}{name}"
            if hook.document["events"].get(event):
                matching = [one for one in call.store.all(hook.account, kind) if one.status in statuses]
                notifications += [_notification(call.state, hook, event, one) for one in matching[-1:]]
    call.after_response += notifications
    return ApiResponse(202, headers={"Retry-After": "1"}) if notifications else ApiResponse(204)


def pending_notifications(state: EmulatorState) -> list[Callable[[], object]]:
    """Return functions that notify web hooks of the events of the current transaction."""
    is_ready = "json_extract(document, '$.status') = 'Succeeded'"
    return [
        _notification(state, hook, event, entity)
        for entity, name in state.events
        if entity.kind in PROJECT_CONTENTS
        for event in (f"{entity.kind.removesuffix('s')}{name}",)
        for hook in state.store.all(entity.account, WEBHOOKS.path, is_ready)
        if hook.document["events"].get(event)
    ]


def _notification(state: EmulatorState, hook: StoredEntity, event: str, entity: StoredEntity) -> Callable[[], object]:
    """Return a function that sends an event; receivers detect duplicates by its `invocationId`."""
    link = BY_NAME[hook.document["apiVersion"]].link(entity.kind, entity.id)
    content = {"self": link, "invocationId": state.new_id()}
    return partial(_send, _signed_message(hook, event, content), state.settings.allow_content_hosts)


def _signed_message(hook: StoredEntity, event: str, content: Json, token: str = "") -> Request:
    """Return a signed event, or a challenge whose URL contains a token that is signed instead of the body."""
    url = hook.document["webUrl"]
    body = HostAddress(*hook.document["address"]).fill_placeholders(json.dumps(content)).encode()
    if token:
        url += f"{'&' if urlsplit(url).query else '?'}validationToken={quote(token)}"
    headers = {"Content-Type": "application/json; charset=utf-8"}
    headers["X-MicrosoftSpeechServices-Event"] = event[0].upper() + event[1:]
    secret = hook.document.get("secret")
    if secret:
        digest = hmac.new(secret.encode(), token.encode() or body, hashlib.sha256).digest()
        headers["X-MicrosoftSpeechServices-Signature"] = base64.b64encode(digest).decode()
    return Request(url, body, headers, method="POST")  # noqa: S310 - `_set_url` allows only http and https


def _send(message: Request, hosts: Sequence[str], expected: str | None = None) -> str | None:
    """Send a message. Return an error, or None if the response has status 200 and the expected text."""
    if not is_allowed_url(message.full_url, hosts):
        return "The emulator calls web hooks only on loopback or on an --allow-content-host."
    try:
        with URL_OPENER.open(message, timeout=5.0) as response:
            text = response.read(4096).decode(errors="replace").strip()
            is_expected = response.status == 200 and (expected is None or text == expected)
            return None if is_expected else "The web hook did not respond with the token of the challenge."
    except HTTPError as error:
        return f"The web hook responded with status {error.code}."
    except (OSError, ValueError, http.client.HTTPException):
        return "The web hook did not respond."
