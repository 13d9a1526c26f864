"""What can be decided about the service by making something; everything is deleted again."""

import math
import struct
from typing import Any
from uuid import uuid4

import pytest

from support.live_service import LiveService, cleaned_up, outcome
from support.recordings import chunk, pcm, riff, zipped

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("write")]

UNKNOWN = "00000000-0000-4000-8000-000000000000"
LOCALE = "en-US"
TEXT = b"The contract of a service is what it does.\nA second line makes the text a little longer.\n"
RUN = f"custom-speech-mcp contract test {uuid4().hex[:8]}"


def test_service_refuses_what_the_emulator_refuses(service: LiveService) -> None:
    """Nothing is made if the service agrees."""
    link = service.resource.endpoint + service.resource.api_version.path
    dataset: dict[str, Any] = {"displayName": RUN, "locale": LOCALE, "kind": "Language"}
    unknown = {"displayName": RUN, "locale": LOCALE, "datasets": [{"self": f"{link}/datasets/{UNKNOWN}"}]}
    foreign = unknown | {"datasets": [{"self": f"https://example.com/datasets/{UNKNOWN}"}]}
    with cleaned_up(service):
        _decide(
            service,
            "Unknown properties in a body",
            "400 InvalidRequest / InvalidPayload",
            "/datasets",
            dataset | {"speed": 1},
        )
        _decide(
            service,
            "An unsupported locale",
            "400 InvalidRequest / InvalidLocale",
            "/datasets",
            dataset | {"locale": "xx-XX"},
        )
        _decide(
            service,
            "A reference to an entity that does not exist",
            "400 InvalidRequest / InvalidDataset",
            "/models",
            unknown,
        )
        _decide(
            service,
            "A reference to another host, resource kind or resource",
            "400 InvalidRequest / InvalidPayload",
            "/models",
            foreign,
        )
    _all_agree(service)


def test_service_lets_a_model_be_trained_tested_copied_and_deleted_as_the_emulator_does(
    services: list[LiveService],
) -> None:
    service = services[0]
    with cleaned_up(*services):
        text = _imported(service, "Language", TEXT)
        row = "Other text in UTF-8 without a byte order mark; in another encoding"
        service.decide(row, "Succeeded", str(text["status"]))
        late = service.send("PUT", f"{_path(text)}/blocks", query="blockid=YWFh", content=b"late")
        row = "Blocks or a commit for a dataset that does not wait for them"
        service.decide(row, "409 Conflict / InvalidPrerequisite", outcome(late))

        model = service.create("/models", _training(service, text)).raise_for_status().json()
        service.decide("Status of a new model; of a new evaluation", "Running", str(model["status"]))
        removed = service.send("DELETE", _path(model))
        row = "DELETE of an entity that is NotStarted or Running"
        service.decide(row, "409 Conflict / DeleteNotAllowed", outcome(removed))
        model = service.wait(_path(model))
        assert model["status"] == "Succeeded", model

        changed = service.send("PATCH", _path(model), {"customProperties": {"second": "2"}}).json()
        found = sorted(changed["customProperties"])
        service.decide("PATCH of customProperties", "['first', 'second']", str(found))
        nested = _training(service, text) | {"baseModel": {"self": model["self"]}}
        _decide(service, "A custom model as baseModel", "400 InvalidRequest / InvalidPayload", "/models", nested)
        _test(service, model, text)
        if len(services) > 1 and service.resource.api_version.name != "v3.2" and service.resource.resource_id:
            _copy(service, services[1], model)
    _all_agree(service)


def _test(service: LiveService, model: dict[str, Any], text: dict[str, Any]) -> None:
    """Test the model with four seconds of sound; which figures come out is not judged."""
    base = {"self": model["baseModel"]["self"]}
    request = {"displayName": RUN, "locale": LOCALE, "model1": {"self": model["self"]}, "model2": base}
    row, refused = "An evaluation of a dataset without audio", "400 InvalidRequest / InvalidTest"
    _decide(service, row, refused, "/evaluations", request | {"dataset": {"self": text["self"]}})
    sound = _imported(service, "Acoustic", zipped({"a.wav": tone(), "trans.txt": b"a.wav\thello\n"}))
    created = service.create("/evaluations", request | {"dataset": {"self": sound["self"]}})
    evaluation = created.raise_for_status().json()
    service.decide("Status of a new model; of a new evaluation", "NotStarted", str(evaluation["status"]))
    service.wait(_path(evaluation))


def _copy(service: LiveService, target: LiveService, model: dict[str, Any]) -> None:
    source = {"sourceResourceId": service.resource.resource_id}
    authorization = target.send("POST", "/models:authorizecopy", source).raise_for_status().json()
    copied = service.send("POST", f"{_path(model)}:copy", authorization).raise_for_status()
    operation = service.wait(
        "/operations/models/copy/" + str(copied.json()["self"]).partition("?")[0].rpartition("/")[2]
    )
    assert operation["status"] == "Succeeded", operation
    path = "/models/" + str(operation["result"]["link"]).partition("?")[0].rpartition("/")[2]
    target.made.append(path)
    kept = target.send("GET", path).json()
    properties = sorted(kept.get("customProperties", {}))
    found = f"the same name: {kept['displayName'] == model['displayName']}, {properties}, {kept.get('datasets')}"
    service.decide("What a copy keeps", "the same name: True, ['first', 'second'], None", found)
    again = service.send("POST", f"{_path(model)}:copy", authorization)
    service.decide("A second copy with one authorization", "400 InvalidRequest / InvalidPayload", outcome(again))


def _imported(service: LiveService, kind: str, content: bytes) -> dict[str, Any]:
    request = {"displayName": f"{RUN} {kind}", "locale": LOCALE, "kind": kind}
    dataset = service.create("/datasets", request).raise_for_status().json()
    service.send("PUT", f"{_path(dataset)}/blocks", query="blockid=YWFh", content=content).raise_for_status()
    block = [{"kind": "Uncommitted", "id": "YWFh"}]
    service.send("POST", f"{_path(dataset)}/blocks:commit", block).raise_for_status()
    return service.wait(_path(dataset))


def _training(service: LiveService, text: dict[str, Any]) -> dict[str, Any]:
    """Return a training on the newest base model that takes text and is not charged."""
    found = service.send("GET", "/models/base", query=f"filter=locale eq '{LOCALE}'&top=100").json()["values"]
    free = [
        one
        for one in found
        if not one["properties"].get("chargeForAdaptation", True)
        and "Language" in one["properties"]["features"].get("supportsAdaptationsWith", [])
    ]
    if not free:
        pytest.skip("no base model of this resource is known to be trained without a charge")
    base = max(free, key=lambda one: str(one["createdDateTime"]))
    body = {"displayName": RUN, "locale": LOCALE, "datasets": [{"self": text["self"]}]}
    return body | {"baseModel": {"self": base["self"]}, "customProperties": {"first": "1"}}


def _decide(service: LiveService, row: str, expected: str, path: str, body: dict[str, Any]) -> None:
    service.decide(row, expected, outcome(service.create(path, body)))


def _all_agree(service: LiveService) -> None:
    assert [decision for decision in service.decisions if not decision.agrees] == []


def _path(entity: dict[str, Any]) -> str:
    return "/" + "/".join(str(entity["self"]).partition("?")[0].split("/")[-2:])


def tone(seconds: int = 4, rate: int = 16_000) -> bytes:
    """Return a recording of a tone of 440 Hz."""
    samples = (int(8_000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(seconds * rate))
    return riff(chunk(b"fmt ", pcm(rate)), chunk(b"data", struct.pack(f"<{seconds * rate}h", *samples)))
