"""The JSON schemas that the assistant reads, without anything that it does not need.

Model vendors reject or drop `additionalProperties`, `anyOf`, `$ref`, `minimum` and `maximum`, so limits stand in the
descriptions and are enforced when a tool is called.
"""

from functools import cache
from typing import Any

import pydantic

JsonSchema = dict[str, Any]
_DROPPED = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"})


def arguments_schema(arguments: type[pydantic.BaseModel]) -> JsonSchema:
    """Return the schema of a tool's arguments; an optional one is described by its type alone."""
    return _lean(_inline(arguments.model_json_schema()))


@cache
def result_schema(result: type[pydantic.BaseModel]) -> JsonSchema:
    """Return the schema of a tool's result: names and types, which the names of the fields explain."""
    compact: JsonSchema = _compact(_inline(result.model_json_schema(mode="serialization")))
    return compact


def _inline(schema: JsonSchema) -> JsonSchema:
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolve(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolve(item) for name, item in part.items()}

    resolved: JsonSchema = resolve(schema)
    return resolved


def _compact(part: Any) -> Any:
    """Keep types only: descriptions, defaults and formats of results cost tokens and add nothing."""
    if isinstance(part, list):
        return [_compact(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "anyOf" in part:
        inner = _compact(part["anyOf"][0])
        return inner | {"type": [inner["type"], "null"]}
    compact: JsonSchema = {name: _compact(item) for name, item in part.items() if name in ("type", "items")}
    if "properties" in part:
        compact["properties"] = {name: _compact(item) for name, item in part["properties"].items()}
    return compact


def _lean(part: JsonSchema) -> JsonSchema:
    """Describe what is optional by its type alone, and leave out what vendors reject."""
    if {"type": "null"} in (choices := part.get("anyOf", [])):
        inner: JsonSchema = next(choice for choice in choices if choice != {"type": "null"})
        part = inner | {name: item for name, item in part.items() if name not in ("anyOf", "default")}
    if "properties" in part:
        required = {"required": part["required"]} if part.get("required") else {}
        properties = {name: _lean(inner) for name, inner in part["properties"].items()}
        return {"type": "object", "properties": properties, **required}
    kept = {name: item for name, item in part.items() if name not in _DROPPED}
    return kept | ({"items": _lean(kept["items"])} if "items" in kept else {})
