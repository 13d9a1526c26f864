"""The schema of Azure Container Apps, as the models of Microsoft's management library state it."""

import enum
import typing
from typing import Any

from azure.mgmt.appcontainers import models


def faults(value: Any, schema: Any = models.ContainerApp, place: str = "app") -> list[str]:
    """Return where a document differs from the schema: unknown properties, wrong types, unknown values."""
    if origin := typing.get_origin(schema):
        parts = [part for part in typing.get_args(schema) if part is not type(None)]
        if origin is list:
            listed = enumerate(value) if isinstance(value, list) else ()
            wrong = [] if isinstance(value, list) else [f"{place}: is not a list"]
            return wrong + [fault for index, one in listed for fault in faults(one, parts[0], f"{place}[{index}]")]
        if origin is dict:
            return [fault for name, one in value.items() for fault in faults(one, parts[1], f"{place}.{name}")]
        enums = [part for part in parts if isinstance(part, type) and issubclass(part, enum.Enum)]
        return min((faults(value, part, place) for part in enums or parts), key=len)
    if isinstance(schema, type) and issubclass(schema, enum.Enum):
        known = [member.value for member in schema]
        return [] if value in known else [f"{place}: {value!r} is not one of {known}"]
    if not hasattr(schema, "as_dict"):
        number = (int, float) if schema is float else schema
        return [] if isinstance(value, number) else [f"{place}: {value!r} is not of type {schema.__name__}"]
    schema()  # the library names the properties when the first object is made
    hints = typing.get_type_hints(schema, {**vars(typing), "_models": models, "datetime": __import__("datetime")})
    types = {field._rest_name: hints[name] for name, field in schema._attr_to_rest_field.items()}
    found: list[str] = []
    for name, one in value.items():
        found += faults(one, types[name], f"{place}.{name}") if name in types else [f"{place}.{name}: is unknown"]
    return found
