"""Compact JSON schemas of the arguments and results of tools.

Model vendors reject or ignore `additionalProperties`, `anyOf`, `$ref`, `minimum` and `maximum`. Therefore descriptions
contain the limits, which are enforced when a tool is called.
"""

from functools import cache
from typing import Any

import pydantic

JsonSchema = dict[str, Any]
_DROPPED = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"})


def arguments_schema(arguments: type[pydantic.BaseModel]) -> JsonSchema:
    """Return a compact JSON schema of a tool's arguments."""
    schema = arguments.model_json_schema()
    return _lean(schema, schema.get("$defs", {}))


@cache
def result_schema(result: type[pydantic.BaseModel]) -> JsonSchema:
    """Return a compact JSON schema of a tool's result, with field names and types only."""
    schema = result.model_json_schema(mode="serialization")
    return _compact(schema, schema.get("$defs", {}))


def _resolved(part: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    found: JsonSchema = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    return found


def _compact(part: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    """Reduce a result schema to types, because other keywords cost tokens without benefit."""
    part = _resolved(part, definitions)
    if "anyOf" in part:
        inner = _compact(part["anyOf"][0], definitions)
        return inner | {"type": [inner["type"], "null"]}
    compact = {name: item for name, item in part.items() if name in ("type", "items")}
    if "items" in part:
        compact["items"] = _compact(part["items"], definitions)
    if "properties" in part:
        compact["properties"] = {name: _compact(item, definitions) for name, item in part["properties"].items()}
    return compact


def _lean(part: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    """Remove keywords that vendors reject, and describe optional values by their plain type."""
    part = _resolved(part, definitions)
    if {"type": "null"} in (choices := part.get("anyOf", [])):
        inner: JsonSchema = next(_resolved(choice, definitions) for choice in choices if choice != {"type": "null"})
        part = inner | {name: item for name, item in part.items() if name not in ("anyOf", "default")}
    if "properties" in part:
        required = {"required": part["required"]} if part.get("required") else {}
        properties = {name: _lean(inner, definitions) for name, inner in part["properties"].items()}
        return {"type": "object", "properties": properties, **required}
    kept = {name: item for name, item in part.items() if name not in _DROPPED}
    return kept | ({"items": _lean(kept["items"], definitions)} if "items" in kept else {})
