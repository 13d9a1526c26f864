"""TOML files written by users: reading and validation. Errors list every problem at once and repeat no value."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from custom_speech_server.config_source import ConfigurationError


class Section(pydantic.BaseModel):
    """The base class of the schemas of tables; unknown keys are errors."""

    model_config = pydantic.ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


Schema = TypeVar("Schema", bound=pydantic.BaseModel)

# Advice by field name. A function receives the invalid value.
Hints = Mapping[str, str | Callable[[Any], str]]

# Messages by pydantic error type.
_TYPES = {
    "missing": "is missing",
    "string_type": 'must be text in quotes: "…"',
    "list_type": 'must be a list: ["…"]',
    "too_short": "must not be empty",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("decimal_type", "decimal_parsing"), "must be a number, such as 10.50"),
    "greater_than_equal": "must not be negative",
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "must be a table"),
}


def read_toml_text(file: Path) -> str:
    """Return the text of a file without its byte order mark; raises ConfigurationError if it is not readable UTF-8."""
    try:
        content = file.read_bytes()
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ConfigurationError(f"{file}: is UTF-16. Save it as UTF-8 (PowerShell: Set-Content -Encoding utf8).")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror or type(error).__name__}.") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None


def load_toml(file: Path, text: str) -> dict[str, Any]:
    """Parse TOML text without validation; raises ConfigurationError if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        advice = "Put text in double quotes and a Windows path in single quotes: 'C:\\data'."
        raise ConfigurationError(f"{file}: is not valid TOML: {error}. {advice}") from None


def parse_toml(file: Path, text: str, schema: type[Schema], hints: Hints | None = None, context: Any = None) -> Schema:
    """Parse and validate a TOML file; raises ConfigurationError, which lists every problem with line and key."""
    try:
        return schema.model_validate(load_toml(file, text), context=context)
    except pydantic.ValidationError as error:
        json_schema, lines, errors = schema.model_json_schema(), lines_of(text), []
        tables = (json_schema, *json_schema.get("$defs", {}).values())
        known = {name for table in tables for name in table.get("properties", ())}
        for detail in error.errors():
            loc = detail["loc"]
            line = next(lines[loc[:end]] for end in range(len(loc), -1, -1) if loc[:end] in lines)
            key = ".".join(str(part) for part in loc if part != "[key]")  # pydantic's mark of an invalid table name
            errors.append((line, key or "the file", describe_validation_error(detail, hints or {}, known)))
        listed = [f"  line {line}, {key}: {message}" for line, key, message in sorted(errors)]
        raise ConfigurationError("\n".join([f"{file} is invalid:", *listed, "Correct it and start again."])) from None


KeyPath = tuple[str | int, ...]  # the names of a key and its tables; an index follows the name of an array of tables
_NAME = r"""[\w-]+|"[^"]*"|'[^']*'"""
_PATH = rf"((?:{_NAME})(?:\s*\.\s*(?:{_NAME}))*)"


def lines_of(text: str) -> dict[KeyPath, int]:
    """Return the line number of each table and key, counted from 1."""
    lines: dict[KeyPath, int] = {(): 1}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = re.fullmatch(rf"\s*\[(\[?)\s*{_PATH}\s*\]\]?\s*(#.*)?", line)
        found = header or re.match(rf"\s*(){_PATH}\s*=", line)
        if found is None:
            continue
        names: KeyPath = tuple(name.strip("\"'") for name in re.findall(_NAME, found[2]))
        if found[1]:  # an array of tables
            lines.setdefault(names, number)
            counts[names] = counts.get(names, -1) + 1
            names = (*names, counts[names])
        table, names = (names, names) if header else (table, (*table, *names))
        lines.setdefault(names, number)
    return lines


def describe_validation_error(error: Any, hints: Hints, names: Iterable[str] = ()) -> str:
    """Describe a validation error without repeating the value; `names` are the known fields, for suggestions."""
    kind, field = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):  # of a model, of a dataclass
        meant = difflib.get_close_matches(field, names, 1)
        return f"is not a known setting; {f'did you mean {meant[0]}?' if meant else 'check its spelling'}"
    if kind in ("missing", "model_type", "string_pattern_mismatch", "too_short") and field in hints:
        hint = hints[field]
        return hint if isinstance(hint, str) else hint(error["input"])
    if kind == "literal_error":
        is_old = re.match(r"v?[12]|v?3\.[01]", str(error["input"]))
        return f"must be {error['ctx']['expected']}{'; Microsoft has retired this version' if is_old else ''}"
    return _TYPES.get(kind) or str(error["msg"]).removeprefix("Value error, ")


def exposure_warnings(file: Path) -> Iterator[str]:
    """Yield warnings if other users can change the file, and with it the key commands or tokens."""
    if os.name == "nt":
        return
    try:
        own, folder = file.stat(), file.parent.stat()
    except OSError:
        return
    if own.st_mode & 0o022:
        yield f"{file} can be changed by others (mode {own.st_mode & 0o777:o}). Run: chmod 600 '{file}'"
    if own.st_uid not in (os.getuid(), 0):
        yield f"{file} belongs to another user (uid {own.st_uid}). Make it yours: chown {os.getuid()} '{file}'"
    if folder.st_mode & 0o002 and not folder.st_mode & 0o1000:
        yield f"{file.parent} can be changed by every user, so the file can be replaced. Run: chmod o-w '{file.parent}'"
