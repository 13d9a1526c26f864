"""Validation against Microsoft's specification: published examples, and requests generated from schemas."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from custom_speech_emulator.http.api_versions import VERSIONS as KNOWN
from custom_speech_emulator.routes import ROUTES
from support.emulator_service import FOLDER, VERSIONS, Service, id_of, resource_id
from support.recordings import wav

Start = Callable[..., Service]
pytestmark = pytest.mark.skipif(FOLDER is None, reason="AZURE_SPEECH_SPECS does not name the specifications")
DOCUMENTED = Path(FOLDER or ".")
REQUESTS = 150


def document(version: str) -> dict[str, Any]:
    """The specification of a version."""
    return dict(json.loads((DOCUMENTED / f"speechtotext-{version}.json").read_text("utf-8")))


def operations(version: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The operations of custom speech in a version: method, path and description."""
    for path, methods in document(version)["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method.upper(), path, operation


@pytest.mark.parametrize("version", VERSIONS)
def test_emulator_has_every_operation_of_a_version_and_no_other(version: str) -> None:
    """Names, methods and paths of the routes are those of the specification."""
    known = next(one for one in KNOWN if one.name == version)

    mine = {(one.name, one.method, one.path) for one in ROUTES if known in one.versions}

    print(f"{version}: {len(mine)} operations")  # noqa: T201 - the figure belongs to the proof
    assert mine == {(operation["operationId"], method, path) for method, path, operation in operations(version)}


@pytest.mark.parametrize("version", VERSIONS)
def test_emulator_takes_every_query_parameter_of_an_operation(version: str) -> None:
    """No query parameter of the specification is rejected as unknown."""
    parameters = document(version)["parameters"]
    known = next(one for one in KNOWN if one.name == version)
    mine = {one.name: set(one.query_parameters(known)) for one in ROUTES}

    for _, _, operation in operations(version):
        listed = [
            parameters[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for one in operation.get("parameters", [])
        ]
        named = {one["name"] for one in listed if one["in"] == "query"} - {"api-version"}
        assert mine[operation["operationId"]] == named


class Prepared:
    """An emulator with the entities that the examples mention, and the ids to use in place of those in the examples."""

    def __init__(self, service: Service, version: str) -> None:
        self.service = service
        self.resource = self.service.resource(version=version)
        self.version = version
        there = self.resource
        base = there.ask("GET", "/models/base", {"filter": "locale eq 'en-US'"})["values"][-1]
        audio = there.stocked("datasets", "audio with transcripts en-US")
        self.model = there.model()
        names = {"displayName": "an example", "locale": "en-US"}
        self.second = id_of(there.stocked("datasets", "plain text en-US"))
        self.ids = {"base": id_of(base), "datasets": id_of(audio), "models": id_of(self.model)}
        test = {"model1": base, "model2": self.model, "dataset": audio}
        evaluation = there.ask(
            "POST", "/evaluations", json=names | {key: {"self": one["self"]} for key, one in test.items()}
        )
        endpoint = there.ask("POST", "/endpoints", json=names | {"model": {"self": there.model()["self"]}})
        hook = {"displayName": "hook", "webUrl": "http://localhost:1/", "events": {"modelCreation": True}}
        self.ids |= {"evaluations": id_of(evaluation), "endpoints": id_of(endpoint)}
        self.ids |= {"webhooks": id_of(there.ask("POST", "/webhooks", json=hook))}
        self.ids["transcriptions"] = self._transcription(audio)
        if version != "2024-11-15":
            self.ids["projects"] = id_of(there.stocked("projects", "en-US"))
        for kind in ("evaluations", "endpoints", "transcriptions"):
            there.ask("GET", f"/{kind}/{self.ids[kind]}")

    def _transcription(self, audio: Any) -> str:
        is_old = self.version == "v3.2"
        body = {"displayName": "t", "locale": "en-US", "dataset": {"self": audio["self"]}}
        body |= {} if is_old else {"properties": {"timeToLiveHours": 48}}
        return id_of(self.resource.ask("POST", "/transcriptions" + ("" if is_old else ":submit"), json=body))

    def path(self, path: str, values: dict[str, Any]) -> str:
        """A path of the specification with existing ids."""
        kind = "base" if "/base/" in path else path.split("/")[1]
        if "operations" in path:
            return path.replace("{id}", self._operation())
        if "{id}/blocks" in path:
            return path.replace("{id}", self._waiting())
        wanted = path.replace("{id}", self.ids.get(kind, "")).replace("{locale}", "en-US").replace("{logId}", "none")
        return wanted.replace("{fileId}", self._file(kind)) if "{fileId}" in wanted else wanted

    def logging_endpoint(self) -> str:
        """Return the id of an endpoint with logging, and use it in paths."""
        body = {"displayName": "logs", "locale": "en-US", "properties": {"loggingEnabled": True}}
        made = self.resource.ask("POST", "/endpoints", json=body | {"model": {"self": self.resource.model()["self"]}})
        self.ids["endpoints"] = id_of(made)
        self.resource.ask("GET", f"/endpoints/{self.ids['endpoints']}")
        return self.ids["endpoints"]

    def _file(self, kind: str) -> str:
        return id_of(self.resource.ask("GET", f"/{kind}/{self.ids[kind]}/files")["values"][0])

    def _waiting(self) -> str:
        fresh = {"displayName": "blocks", "locale": "en-US", "kind": "Language"}
        dataset = id_of(self.resource.ask("POST", "/datasets", json=fresh))
        for block in ("AAA=", "AAE=", "AAI="):
            octets = {"Content-Type": "application/octet-stream"}
            self.resource.ask(
                "PUT", f"/datasets/{dataset}/blocks", {"blockid": block}, content=b"one\n", headers=octets
            )
        return dataset

    def authorization(self) -> Any:
        """A new authorization to copy to westeurope."""
        target = self.service.resource("westeurope", self.version)
        return target.ask("POST", "/models:authorizecopy", json={"sourceResourceId": resource_id("eastus")})

    def _operation(self) -> str:
        copy = self.resource.ask("POST", f"/models/{self.ids['models']}:copy", json=self.authorization())
        return str(copy["id"])

    def body(self, value: Any) -> Any:
        """The body of an example, with references to existing entities."""
        text = json.dumps(value)
        reference = r'"https://[^"]*/speechtotext/(?:v3\.2/)?(models/base|\w+)/[0-9a-fA-F-]+(?:\?[^"]*)?"'
        body = json.loads(re.sub(reference, lambda found: json.dumps(self._link(found[1])), text))
        if isinstance(body, dict) and len(body.get("datasets", [])) == 2:
            body["datasets"][1] = {"self": self.resource.url(f"/datasets/{self.second}")}
        return body

    def _link(self, kind: str) -> str:
        return self.resource.url(f"/{kind}/{self.ids[kind.rpartition('/')[2]]}")


def examples(version: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """The available published examples: name, method, path and content."""
    for method, path, operation in operations(version):
        for example in operation.get("x-ms-examples", {}).values():
            file = DOCUMENTED / "examples" / version / Path(example["$ref"]).name
            if file.exists():
                yield file.stem, method, path, json.loads(file.read_text("utf-8"))


def request(prepared: Prepared, method: str, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The request of an example, with existing ids and references."""
    query = {name: value for name, value in parameters.items() if name in QUERY}
    if "filter" in query:
        query["filter"] = unquote(query["filter"])
    parts: dict[str, Any] = {"query": query}
    bodies = [value for name, value in parameters.items() if isinstance(value, (dict, list))]
    if method == "PUT":
        parts |= {"content": b"one", "headers": {"Content-Type": "application/octet-stream"}}
    elif bodies:
        parts["json"] = prepared.body(bodies[0])
    if path.endswith("{id}:copy"):
        parts["json"] = prepared.authorization()
    if path.endswith(":authorizecopy"):
        parts["json"] = {"sourceResourceId": resource_id("westeurope")}
    return parts


QUERY = {"skip", "top", "filter", "sasLifetimeMinutes", "sasValidityInSeconds", "blockid"}
FAULTY = {
    "get_web_hooks_from_march_2020": "its filter names the 11th of March as 2020-03-011",
}


@pytest.mark.parametrize("version", ["2024-11-15", "2025-10-15"])
def test_emulator_answers_every_published_example_as_documented(version: str, start: Start) -> None:
    """Each example request is sent; status and body are valid according to the specification."""
    replayed = []
    reading = Prepared(start(), version)
    for name, method, path, example in examples(version):
        prepared = reading if method == "GET" else Prepared(start(), version)
        parts = request(prepared, method, path, example["parameters"])
        response = prepared.resource.send(method, prepared.path(path, example["parameters"]), **parts)
        expected = {400} if name in FAULTY else {int(status) for status in example["responses"]}
        assert response.status_code in expected, (name, response.text)
        assert prepared.service.violations == [], name
        if name not in FAULTY and not path.endswith("/locales"):
            assert set(response.json() if response.content else ()) <= _properties(example), name
        replayed.append(name)
    print(f"{version}: {len(replayed)} examples replayed")  # noqa: T201 - the figure belongs to the proof
    assert len(replayed) >= 13


def _properties(example: dict[str, Any]) -> set[str]:
    """The top-level properties that a response may have: those of the examples and the optional properties."""
    bodies = [response.get("body", {}) for response in example["responses"].values()]
    optional = {"@nextLink", "project", "properties", "description", "customProperties", "foundryProjectName", "result"}
    optional |= {"committedBlocks", "uncommittedBlocks"}
    return {name for body in bodies for name in body} | optional


def strategy(schema: dict[str, Any], definitions: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema, and often values that do not match the schema."""
    odd: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, 0, -1, 2**40, 1.5, "", "x", "\x00", "ß'&#%", [], {}, [[]], {"self": "x"}]
    )
    return st.one_of(_fitting(schema, definitions, depth), _fitting(schema, definitions, depth), odd)


def _fitting(schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _fitting(definitions[schema["$ref"].rpartition("/")[2]], definitions, depth)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type", "object")
    simple = {"integer": st.integers(-5, 120), "number": st.floats(allow_nan=False), "boolean": st.booleans()}
    if kind in simple:
        return simple[kind]
    if kind == "string":
        return st.one_of(st.sampled_from(TEXTS), st.text(max_size=12))
    if kind == "array":
        return st.lists(strategy(schema["items"], definitions, depth + 1), max_size=3)
    properties = dict(schema.get("properties", {}))
    for parent in schema.get("allOf", []):
        properties |= definitions[parent["$ref"].rpartition("/")[2]].get("properties", {})
    if depth > 3 or not properties:
        return st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
    inner = {name: strategy(one, definitions, depth + 1) for name, one in properties.items() if not one.get("readOnly")}
    required = {name: inner.pop(name) for name in schema.get("required", []) if name in inner}
    return st.fixed_dictionaries(required, optional=inner)


TEXTS = ["en-US", "de-DE", "Language", "Acoustic", "a name", "http://localhost:1/x", "2020-01-01T00:00:00Z", "AAA="]
FILTERS = [
    "status eq 'Running'",
    "displayName ne ''''",
    "not (locale eq 'en-US')",
    "createdDateTime gt 2020-01-01",
    "(",
    "x",
]


@pytest.mark.long
@pytest.mark.parametrize("version", VERSIONS)
def test_emulator_never_answers_outside_the_specification(version: str, start: Start) -> None:
    """Valid and invalid requests, generated from the schemas, in long sequences: no 500 and no unspecified body."""
    prepared = Prepared(start(), version)
    definitions = document(version)["definitions"]
    table = list(operations(version))
    count = 0
    failures: list[tuple[str, str, str]] = []

    @seed(20251015)
    @settings(max_examples=REQUESTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def drive(data: st.DataObject) -> None:
        nonlocal count
        for method, path, operation in data.draw(st.lists(st.sampled_from(table), min_size=4, max_size=8)):
            filled, query, parts = _drawn(prepared, method, path, operation, data, definitions)
            try:
                response = prepared.resource.send(method, filled, query, **parts)
            except Exception as error:  # whatever the application lets out is what is looked for
                failures.append((method, path, repr(error)))
                continue
            count += 1
            if response.status_code >= 500 or "Traceback" in response.text:
                failures.append((method, path, response.text))

    # One state for all, so that long histories arise; failures are looked at afterwards, as none can be replayed alone.
    drive()
    print(f"{version}: {count} requests generated")  # noqa: T201 - the figure belongs to the proof
    assert failures == []


def pinned_requests(prepared: Prepared, method: str, path: str, name: str) -> dict[str, Any]:
    """Return a request that must succeed, with ids and references of existing entities."""
    there, names = prepared.resource, {"displayName": "pinned", "locale": "en-US"}
    model, base = ({"self": there.url(f"/{kind}/{prepared.ids[kind.rpartition('/')[2]]}")} for kind in KINDS)
    audio = {"self": there.url(f"/datasets/{prepared.ids['datasets']}")}
    bodies: dict[str, Any] = {
        "Datasets_Create": names | {"kind": "Language"},
        "Datasets_CommitBlocks": [{"kind": "Latest", "id": "AAA="}],
        "Endpoints_Create": names | {"model": base},
        "Evaluations_Create": names | {"model1": model, "model2": base, "dataset": audio},
        "Models_AuthorizeCopy": {"sourceResourceId": resource_id("westeurope")},
        "Models_Create": names | {"datasets": [{"self": there.url(f"/datasets/{prepared.second}")}]},
        "Projects_Create": names,
        "Transcriptions_Create": names | {"dataset": audio},
        "Transcriptions_Submit": names | {"dataset": audio, "properties": {"timeToLiveHours": 48}},
        "WebHooks_Create": {"displayName": "hook", "webUrl": "http://localhost:1/", "events": {"modelCreation": True}},
    }
    if name == "Models_Copy":
        return {"json": prepared.authorization()}
    if name == "Datasets_Upload":
        form = {"displayName": "pinned", "locale": "en-US", "kind": "Language"}
        return {"data": form, "files": {"data": ("data.txt", b"one line of text\n")}}
    if name == "Transcriptions_Transcribe":
        return {"data": {"definition": '{"locales": ["en-US"]}'}, "files": {"audio": ("a.wav", wav())}}
    if method == "PUT":
        octets = {"Content-Type": "application/octet-stream"}
        return {"query": {"blockid": "AAA="}, "content": b"one line of text\n", "headers": octets}
    if method == "PATCH":
        return {"json": {"displayName": "pinned again"}}
    return {"json": bodies[name]} if name in bodies else {}


KINDS = ("models", "models/base")


def log_of(prepared: Prepared, path: str) -> str:
    """Return the id of a log for paths that contain one, or any text for other paths."""
    if "/logs" not in path:
        return "none"
    place = {"locale": "en-US"} if "{locale}" in path else {"endpoint": prepared.logging_endpoint()}
    body = {"account": "emulator-eastus", **place}
    return str(prepared.service.send("POST", "http://localhost/_emulator/logs", json=body).json()[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_operation_of_every_version_succeeds_with_pinned_parameters(version: str, start: Start) -> None:
    """Most generated requests are rejected; these reach every operation, and the share of 2xx responses is printed."""
    shares: dict[str, str] = {}
    reading = Prepared(start(), version)
    for method, path, operation in operations(version):
        prepared = reading if method == "GET" else Prepared(start(), version)
        name = operation["operationId"]
        log = log_of(prepared, path)
        filled = prepared.path(path, {}).replace("/none", f"/{log}")
        answers = []
        for variant in ({}, {"top": 1}) if method == "GET" and "{" not in path.rpartition("/")[2] else ({},):
            parts = pinned_requests(prepared, method, path, name)
            query = parts.pop("query", {}) | (variant if "topQuery" in str(operation.get("parameters")) else {})
            query |= {
                one["name"]: 5 for one in operation.get("parameters", []) if one.get("name") in ("sasLifetimeMinutes",)
            }
            answers.append(prepared.resource.send(method, filled, query, **parts).status_code)
        shares[name] = f"{sum(status < 300 for status in answers)}/{len(answers)}"
        assert prepared.service.violations == [], name
    print(version, shares)  # noqa: T201 - the figures belong to the proof
    assert [name for name, share in shares.items() if share.startswith("0/")] == []


def _drawn(
    prepared: Prepared,
    method: str,
    path: str,
    operation: dict[str, Any],
    data: st.DataObject,
    definitions: dict[str, Any],
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    known = [one for one in operation.get("parameters", []) if "$ref" not in one]
    names = [
        one.get("$ref", "").rpartition("/")[2].removesuffix("QueryParameter") or one["name"]
        for one in operation.get("parameters", [])
    ]
    query = {}
    for name in ("skip", "top", "filter"):
        if name in names and data.draw(st.booleans()):
            query[name] = data.draw(st.sampled_from([*FILTERS, 0, 1, 5, -1, 2**40, "x", ""]))
    filled = re.sub(
        r"\{\w+\}", lambda _: data.draw(st.sampled_from([*prepared.ids.values(), "x", "en-US", "%20"])), path
    )
    parts: dict[str, Any] = {}
    for one in known:
        if one["in"] == "body":
            parts["json"] = data.draw(strategy(one["schema"], definitions))
    if method in ("PUT",):
        parts = {"content": b"x", "headers": {"Content-Type": "application/octet-stream"}}
    return filled, query, parts
