"""The service of the fault matrix: an emulator with canary keys that notes where credentials are sent."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
from pydantic import SecretStr
from starlette.responses import JSONResponse

from custom_speech_emulator import account, emulator
from custom_speech_emulator.faults import Faults
from custom_speech_server.resource_config import Resources
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY
from custom_speech_tools.speech import KeyCredential
from support.virtual_time import clock

EAST, WEST = "emulator-eastus", "emulator-westeurope"
MODEL = "Ready to use"
REGIONS = ("eastus", "westeurope", "brazilsouth")
KEY = b"ocp-apim-subscription-key"


class Service:
    """One emulator, spoken to in one API version."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.keys = [f"canary-{region}-0123456789" for region in REGIONS]
        accounts = [account(region, key=key) for region, key in zip(REGIONS, self.keys, strict=True)]
        self.app = emulator(training="seconds:4", now=clock(), accounts=accounts)
        self.emulation = self.app.state.emulator
        self.elsewhere: list[str] = []
        self.hosts = {f"{region}.localhost" for region in REGIONS}
        self.echoes = self.echoed = 0
        """How many requests are still refused by repeating their key, and how many were."""
        self.model = self.operation = self.evaluation = self.endpoint = self.transcription = ""

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        """Answer, and note a credential that was sent to a host that is none of the resources'."""
        headers = dict(scope["headers"])
        host = headers[b"host"].decode()
        if KEY in headers and host not in self.hosts:
            self.elsewhere.append(host)
        if KEY in headers and self.echoed < self.echoes:
            self.echoed += 1
            await JSONResponse(_repeating(headers[KEY].decode()), 401 if self.echoed % 2 else 500)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def prepare(self, *, marked: bool) -> None:
        """A model that is trained, marked as create_model's are or not; and a copy of another on its way."""
        mark = {"customProperties": {KEY_PROPERTY: "0" * 64}} if marked else {}
        made = await self._ask("POST", "/models", {"displayName": MODEL, "locale": "en-US"} | mark)
        self.model = _id(made["self"])
        await self._control("finish", {"id": self.model, "status": "Succeeded"})
        other = await self._ask("POST", "/models", {"displayName": "Another", "locale": "en-US"})
        await self._control("finish", {"id": _id(other["self"]), "status": "Succeeded"})
        source = {
            "sourceResourceId": next(
                one.resource_id for one in self.emulation.state.settings.accounts if one.name == EAST
            )
        }
        allowed = await self._ask("POST", "/models:authorizecopy", source, "westeurope")
        self.operation = (await self._ask("POST", f"/models/{_id(other['self'])}:copy", allowed))["id"]
        await self._prepare_test_and_endpoint()
        self.emulation.log.entries.clear()

    async def _prepare_test_and_endpoint(self) -> None:
        """Test and deploy the model."""
        here = f"http://eastus.localhost/speechtotext/%s/{self.model}?api-version=2025-10-15"
        model, stock = {"self": here % "models"}, self.emulation.state.store.all(EAST, "datasets")
        audio = next(one.id for one in stock if one.document["displayName"] == "Contoso audio with transcripts en-US")
        dataset = {"self": f"http://eastus.localhost/speechtotext/datasets/{audio}?api-version=2025-10-15"}
        body: dict[str, Any] = {"displayName": "Ready", "locale": "en-US"}
        test = await self._ask("POST", "/evaluations", body | {"model1": model, "model2": model, "dataset": dataset})
        endpoint = await self._ask("POST", "/endpoints", body | {"model": model})
        job = body | {"dataset": dataset, "properties": {"timeToLiveHours": 48}}
        transcription = await self._ask("POST", "/transcriptions:submit", job)
        made = (test, endpoint, transcription)
        self.evaluation, self.endpoint, self.transcription = [_id(one["self"]) for one in made]
        for entity in (self.evaluation, self.endpoint, self.transcription):
            await self._control("finish", {"id": entity, "status": "Succeeded"})

    def arm(self, rules: list[dict[str, Any]]) -> None:
        """From here on requests fail by these rules: the emulator's, and `echo`, which it does not have."""
        self.emulation.faults = Faults.parse([rule for rule in rules if rule["fault"] != "echo"])
        self.echoes = sum(int(rule["times"]) for rule in rules if rule["fault"] == "echo")

    def disarm(self) -> int:
        """From here on nothing fails; how often a rule struck."""
        struck = self.echoed + sum(int(rule["applied"]) for rule in self.emulation.faults.to_json())
        self.emulation.faults, self.echoes = Faults(), 0
        return struck

    def count(self, resource: str, kind: str, name: str) -> int:
        """Return how many entities of a kind and name are on a resource."""
        self.emulation.tick()
        entities = self.emulation.state.store.all(resource, kind)
        return sum(entity.document["displayName"] == name for entity in entities)

    async def _ask(self, method: str, path: str, body: Any, region: str = "eastus") -> Any:
        url = f"http://{region}.localhost/speechtotext{path}?api-version=2025-10-15"
        key = self.keys[REGIONS.index(region)]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
            answer = await client.request(method, url, json=body, headers={"Ocp-Apim-Subscription-Key": key})
        return answer.raise_for_status().json()

    async def _control(self, route: str, body: Any) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
            (await client.post(f"http://localhost/_emulator/{route}", json=body)).raise_for_status()


def keyed(resources: Resources, service: Service) -> Resources:
    """The resources with the service's keys."""
    keys = {f"emulator-{region}": key for region, key in zip(REGIONS, service.keys, strict=True)}
    opened = tuple(replace(one, credential=KeyCredential(SecretStr(keys[one.name]))) for one in resources.all)
    return replace(resources, all=opened)


def _repeating(key: str) -> dict[str, Any]:
    return {"code": key, "message": key, "innerError": {"code": key, "message": f"{key} is not the key."}}


def _id(uri: str) -> str:
    return uri.partition("?")[0].rpartition("/")[2]
