"""One configured Speech resource as the contract tests ask it: raw requests, decisions side by side, and a record."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from custom_speech_tools.speech import SpeechResource

DEADLINE = 3600.0
"""Seconds until something that was started must have ended; training with text takes minutes."""

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^/\s\"']+(?P<path>[^\s\"'?]*)(?P<query>\?[^\s\"']*)?")
_RESOURCE_ID = re.compile(r"/subscriptions/[^\s\"'?]*", re.IGNORECASE)
_NAMES = frozenset({"displayName", "description", "email", "name", "foundryProjectName"})
_KEPT_PARAMETERS = frozenset({"api-version", "skip", "top", "filter", "$filter", "sasLifetimeMinutes"})


class Redaction:
    """Replaces hosts, ids and names, each by the same stand-in wherever it occurs."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}

    def of(self, value: Any, key: str = "") -> Any:
        """Return a JSON value without anything that names a subscription, a resource, a person or a key."""
        match value:
            case dict():
                is_free = key == "customProperties"
                return {name: self.of(part, "displayName" if is_free else name) for name, part in value.items()}
            case list():
                return [self.of(part, key) for part in value]
            case str():
                return self._stand_in("name", value) if key in _NAMES else self.text(value)
        return value

    def text(self, text: str) -> str:
        """Return a text without hosts, signatures, ids and resource ids."""
        text = _ADDRESS.sub(lambda found: f"https://host{found['path']}{self._query(found['query'])}", text)
        text = _RESOURCE_ID.sub("/subscriptions/replaced", text)
        return _GUID.sub(lambda found: self._stand_in("id", found[0].lower()), text)

    def _query(self, query: str | None) -> str:
        parts = [part for part in (query or "")[1:].split("&") if part.partition("=")[0] in _KEPT_PARAMETERS]
        return f"?{'&'.join(parts)}" if parts else ""

    def _stand_in(self, kind: str, value: str) -> str:
        return self._stand_ins.setdefault(value, f"{kind}-{len(self._stand_ins) + 1}")


@dataclass
class Decision:
    """One row of docs/emulator.md: what the emulator does, and what the service did."""

    row: str
    expected: str
    found: str

    @property
    def agrees(self) -> bool:
        """True if the service does as the emulator."""
        return self.found == self.expected


@dataclass
class LiveService:
    """One resource; every exchange is kept, without its credential."""

    resource: SpeechResource
    decisions: list[Decision]
    exchanges: list[dict[str, Any]]
    made: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, body: Any = None, *, query: str = "", content: bytes | None = None) -> Any:
        """Send a request to a path below the version's, such as `/datasets`."""
        version = self.resource.api_version
        url = self.resource.endpoint + version.path + path
        query = "&".join(filter(None, (version.query, query)))
        headers = anyio.run(self.resource.credential.headers)
        response = httpx.request(
            method,
            f"{url}?{query}" if query else url,
            json=body,
            content=content,
            headers=headers | ({"Content-Type": "application/octet-stream"} if content is not None else {}),
            timeout=60,
        )
        self.exchanges.append(
            {
                "request": {"method": method, "path": path, "query": query, "body": body},
                "response": {"status": response.status_code, "body": _json(response), "headers": _told(response)},
            }
        )
        return response

    def create(self, path: str, body: dict[str, Any]) -> Any:
        """Create something that `delete_everything` will delete; return the response."""
        response = self.send("POST", path, body)
        if response.status_code in (201, 202):
            self.made.append(_path_of(str(response.json()["self"]), path.partition(":")[0]))
        return response

    def wait(self, path: str) -> dict[str, Any]:
        """Return an entity when it has ended.

        Raises:
            TimeoutError: It has not ended within an hour.
        """
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            response = self.send("GET", path)
            entity = dict(response.raise_for_status().json())
            if entity["status"] in ("Succeeded", "Failed"):
                return entity
            time.sleep(min(10.0, float(response.headers.get("Retry-After", 5))))
        raise TimeoutError(f"{path} has not ended within {DEADLINE:.0f} s")

    def decide(self, row: str, expected: str, found: str) -> None:
        """Note what the service did, beside what the emulator does by that row of docs/emulator.md."""
        self.decisions.append(Decision(row, expected, found))

    def delete_everything(self) -> list[str]:
        """Delete what was made, the last first; return the paths of what could not be deleted."""
        left = []
        for path in reversed(self.made):
            if self.send("DELETE", path).status_code == 409:
                self.wait(path)
                self.send("DELETE", path)
            if self.send("GET", path).status_code != 404:
                left.append(path)
        return left


@contextmanager
def cleaned_up(*services: LiveService) -> Iterator[None]:
    """Delete at the end everything that the services made, whatever happened.

    Raises:
        AssertionError: Something could not be deleted; its path is named.
    """
    try:
        yield
    finally:
        left = [path for service in services for path in service.delete_everything()]
        assert left == [], f"delete these by hand: {left}"


def outcome(response: httpx.Response) -> str:
    """Return the status of an answer, with the codes of an error."""
    body = _json(response)
    if response.status_code < 400 or not isinstance(body, dict):
        return str(response.status_code)
    error = body.get("error", body)
    inner = error.get("innerError") or error.get("innererror") or {}
    codes = " / ".join(str(part["code"]) for part in (error, inner) if part.get("code"))
    return f"{response.status_code} {codes}"


def write_record(file: Path, exchanges: list[dict[str, Any]]) -> None:
    """Write the exchanges of a run with hosts, ids and names replaced."""
    file.write_text(json.dumps(Redaction().of(exchanges), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _json(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError:
        return response.text[:1000]


def _told(response: httpx.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in ("Retry-After", "Content-Type") if name in response.headers}


def _path_of(link: str, collection: str) -> str:
    found = _GUID.search(link.rpartition(collection)[2])
    assert found, link
    return f"{collection}/{found[0]}"
