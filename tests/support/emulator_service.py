"""The emulator as its tests speak to it: plain requests to its resources, each judged by the specification."""

import asyncio
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from custom_speech_emulator import ACCOUNTS, emulator
from support.specification import specifications

FOLDER = os.environ.get("AZURE_SPEECH_SPECS")
_JUDGE = specifications(Path(FOLDER)) if FOLDER else None
LATEST = "2025-10-15"
VERSIONS = ("v3.2", "2024-11-15", LATEST)


class Service:
    """One emulator in this process, and what of its answers the specification does not allow."""

    def __init__(self, **options: Any) -> None:
        self.app = emulator(**({"training": "reads:1", "seed": 1} | options))
        self.violations: list[str] = []
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Ends the event loop."""
        self._runner.close()

    def send(self, method: str, url: str, **parts: Any) -> httpx.Response:
        """One request as it stands."""
        return self._runner.run(self._send(method, url, parts))

    async def _send(self, method: str, url: str, parts: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
            response = await client.request(method, url, **parts)
        asked = response.request
        if _JUDGE and "/_emulator" not in asked.url.path:
            exchange = (method, asked.url.path, asked.url.query.decode(), await asked.aread())
            found = _JUDGE.violations(*exchange, response.status_code, response.content)
            # A merge patch takes away with null, and the training article sends `"baseModel": null`.
            self.violations += [one for one in found if "null is not of type" not in one]
        return response

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One of the emulator's own routes."""
        return self.send(method, f"http://localhost/_emulator/{path}", json=body).json()

    def resource(self, region: str = "eastus", version: str = LATEST, key: str | None = None) -> "Resource":
        """A Speech resource, spoken to in one API version."""
        return Resource(self, f"http://{region}.localhost", key or f"emulator-{region}-key", version)


class Resource:
    """One Speech resource in one API version."""

    def __init__(self, service: Service, base: str, key: str, version: str) -> None:
        self.service, self.base, self.key, self.version = service, base, key, version

    def url(self, path: str, query: dict[str, Any] | None = None) -> str:
        """The address of a path, with the API version where it belongs."""
        if path.startswith("http"):
            return path
        dated = self.version != "v3.2"
        root = "/speechtotext" if dated else "/speechtotext/v3.2"
        asked = {**(query or {}), **({"api-version": self.version} if dated else {})}
        return f"{self.base}{root}{path}" + (f"?{urlencode(asked, quote_via=quote)}" if asked else "")

    def send(self, method: str, path: str, query: dict[str, Any] | None = None, **parts: Any) -> httpx.Response:
        """One request with the key of the resource; `path` may be a link."""
        headers = {"Ocp-Apim-Subscription-Key": self.key, **parts.pop("headers", {})}
        return self.service.send(method, self.url(path, query), headers=headers, **parts)

    def ask(self, method: str, path: str, query: dict[str, Any] | None = None, **parts: Any) -> Any:
        """The body of an answer that must be a success."""
        response = self.send(method, path, query, **parts)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def refusal(self, method: str, path: str, query: dict[str, Any] | None = None, **parts: Any) -> tuple[int, str]:
        """Status and detailed code of an answer that must be a refusal."""
        response = self.send(method, path, query, **parts)
        assert response.status_code >= 400, response.text
        body = response.json()
        error = body.get("error", body)
        return response.status_code, error.get("innerError", error)["code"]

    def stocked(self, kind: str, name: str) -> Any:
        """A thing of the stock by its display name."""
        return self.ask("GET", f"/{kind}", {"filter": f"displayName eq 'Contoso {name}'"})["values"][0]

    def model(self, **body: Any) -> Any:
        """A model trained with the plain text of the stock, finished after one look."""
        text = self.stocked("datasets", "plain text en-US")
        wanted = {"displayName": "mine", "locale": "en-US", "datasets": [{"self": text["self"]}], **body}
        return self.ask("GET", self.ask("POST", "/models", json=wanted)["self"])

    def dataset(self, kind: str, data: bytes, locale: str = "en-US") -> Any:
        """A dataset uploaded in one block, as it is when its import has ended."""
        dataset = self.ask("POST", "/datasets", json={"displayName": kind, "locale": locale, "kind": kind})
        octets = {"Content-Type": "application/octet-stream"}
        here = f"/datasets/{id_of(dataset)}"
        self.ask("PUT", f"{here}/blocks", {"blockid": "AAA="}, content=data, headers=octets)
        self.ask("POST", f"{here}/blocks:commit", json=[{"kind": "Uncommitted", "id": "AAA="}])
        return self.ask("GET", here)


def id_of(entity: dict[str, Any]) -> str:
    """The id in an entity's own address."""
    return str(entity["self"]).partition("?")[0].rpartition("/")[2]


def resource_id(region: str) -> str:
    """The Azure Resource Manager id of a built-in account."""
    return next(account.resource_id for account in ACCOUNTS if account.region == region)
