"""The JSON schemas that a model reads: nothing in them that it does not need."""

from functools import cache
from typing import Any

import pydantic

Schema = dict[str, Any]
_DROPPED = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems"})


def of_arguments(schema: Schema) -> Schema:
    """A tool's arguments, from the SDK's schema of them; an optional one is described by its type alone."""
    properties = {name: _lean(_optional(part)) for name, part in _inline(schema)["properties"].items()}
    required = {"required": schema["required"]} if schema.get("required") else {}
    return {"type": "object", "properties": properties, **required, "additionalProperties": False}


@cache
def of_result(model: type[pydantic.BaseModel]) -> Schema:
    """The schema of a tool's result: names and types, which the fields' names explain."""
    compact: Schema = _compact(_inline(model.model_json_schema(mode="serialization")))
    return compact


def _inline(schema: Schema) -> Schema:
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolve(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolve(item) for name, item in part.items()}

    resolved: Schema = resolve(schema)
    return resolved


def _optional(part: Schema) -> Schema:
    choices = part.get("anyOf", [])
    if {"type": "null"} not in choices:
        return part
    inner: Schema = next(choice for choice in choices if choice != {"type": "null"})
    return inner | {name: item for name, item in part.items() if name not in ("anyOf", "default")}


def _compact(part: Any) -> Any:
    """Types only: descriptions, defaults and formats of results cost tokens and say nothing new."""
    if isinstance(part, list):
        return [_compact(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "anyOf" in part:
        inner = _compact(part["anyOf"][0])
        return inner | {"type": [inner["type"], "null"]}
    kept = {name: item for name, item in part.items() if name in ("type", "items")}
    compact: Schema = {name: _compact(item) for name, item in kept.items()}
    if "properties" in part:
        compact["properties"] = {name: _compact(item) for name, item in part["properties"].items()}
    return compact


def _lean(part: Schema) -> Schema:
    """Without titles, and without lengths: they are checked all the same, and model vendors drop them."""
    kept = {name: item for name, item in part.items() if name not in _DROPPED}
    return kept | ({"items": _lean(kept["items"])} if "items" in kept else {})
