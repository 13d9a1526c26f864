"""The published specification as a judge of what is sent and what is answered."""

import json
import re
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema_rs import Draft4Validator

DATED = ("2025-10-15", "2024-11-15")
METHODS = frozenset({"get", "post", "patch", "put", "delete"})


@cache
def specifications(folder: Path) -> "Specifications":
    """Read the specifications in a folder, once."""
    return Specifications(folder)


class Specifications:
    """The specifications in a folder, one for each API version."""

    def __init__(self, folder: Path) -> None:
        self._by_version = {
            version: Specification(json.loads((folder / f"speechtotext-{version}.json").read_text("utf-8")))
            for version in (*DATED, "v3.2")
        }

    def violations(self, method: str, path: str, query: str, asked: bytes, status: int, answered: bytes) -> list[str]:
        """Return what of an exchange is not as specified."""
        rest = path.partition("/speechtotext")[2]
        version = "v3.2" if rest.startswith("/v3.2") else dict(parse_qsl(query)).get("api-version", "")
        if version not in self._by_version:
            return []
        found = self._by_version[version].violations(
            method.lower(), rest.removeprefix("/v3.2"), query, asked, status, answered
        )
        return [f"{version} {method} {rest} {status}: {fault}" for fault in found]


class Specification:
    """One version, an OpenAPI 2.0 document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def violations(self, method: str, path: str, query: str, asked: bytes, status: int, answered: bytes) -> list[str]:
        """Return what is not as documented; a refused request may be anything, its answer may not.

        A trailing slash and `$top` for `top` are not in the specification: the live service accepts them (recorded).
        """
        operation = self._operation(method, path.rstrip("/"))
        if operation is None:
            return [] if status in (404, 405) else ["no such operation"]
        parameters = [self._resolved(parameter) for parameter in operation.get("parameters", [])]
        responses = operation["responses"]
        faults = self._body_faults(responses.get(str(status)) or responses["default"], answered, "answer")
        if status < 400:
            known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
            faults += [
                f"unknown query parameter {name}" for name, _ in parse_qsl(query) if name.removeprefix("$") not in known
            ]
            body = next((parameter for parameter in parameters if parameter["in"] == "body"), {})
            faults += self._body_faults(body, asked, "request")
        return faults

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        fitting = (methods for pattern, methods in self._paths if pattern.fullmatch(path))
        return next((methods[method] for methods in fitting if method in methods), None)

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        """Literal paths first, so that `/models/base` is not taken for a model's id."""
        paths = sorted(self._document["paths"].items(), key=lambda item: item[0].count("{"))
        return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+?", re.escape(path))), item) for path, item in paths]

    def _body_faults(self, documented: dict[str, Any], content: bytes, what: str) -> list[str]:
        if "schema" not in documented or documented["schema"].get("format") == "binary":
            return [f"{what}: a body where none is documented"] if content and what == "answer" else []
        try:
            value = json.loads(content)
        except ValueError:
            return [f"{what}: no JSON"]
        error = next(self._validator(json.dumps(documented["schema"])).iter_errors(value), None)
        return [f"{what}: {error.instance_path}: {error.message[:200]}"] if error else []

    @cache  # noqa: B019 - specifications live as long as the tests
    def _validator(self, schema: str) -> Draft4Validator:
        return Draft4Validator(json.loads(schema) | {"definitions": self._document["definitions"]})

    def _resolved(self, parameter: dict[str, Any]) -> dict[str, Any]:
        reference = parameter.get("$ref")
        return self._document["parameters"][reference.rpartition("/")[2]] if reference else parameter
