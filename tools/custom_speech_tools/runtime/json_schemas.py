"""The JSON schemas of tools for the assistant, as short as possible.

Model vendors reject or ignore `additionalProperties`, `anyOf`, `$ref`, `minimum` and `maximum`. Therefore descriptions
contain the limits, which are enforced when a tool is called.
"""

from functools import cache
from typing import Any

import pydantic

JsonSchema = dict[str, Any]
_DROPPED = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"})


def arguments_schema(arguments: type[pydantic.BaseModel]) -> JsonSchema:
    """Return the schema of a tool's arguments; the schema of an optional argument is that of its plain type."""
    schema = arguments.model_json_schema()
    return _lean(schema, schema.get("$defs", {}))


@cache
def result_schema(result: type[pydantic.BaseModel]) -> JsonSchema:
    """Return the schema of a tool's result, with the names and types of its fields only."""
    schema = result.model_json_schema(mode="serialization")
    return _compact(schema, schema.get("$defs", {}))


def _resolved(part: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    found: JsonSchema = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    return found


def _compact(part: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    """Reduce a schema to types; descriptions, defaults and formats of results cost tokens without benefit."""
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
    """Reduce an optional value to its plain type, and remove keywords that vendors reject."""
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
