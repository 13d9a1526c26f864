"""TOML files that users write: read with or without a byte order mark, checked, every fault at once, no value shown."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from custom_speech_server.config_source import ConfigurationError

Content = TypeVar("Content", bound=pydantic.BaseModel)

_MAX_FIELD_NAME = 40


def read_toml_text(file: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigurationError: The file cannot be read, or is not UTF-8.
    """
    try:
        content = file.read_bytes()
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ConfigurationError(
                f"{file}: is saved as UTF-16. Save it as UTF-8; in PowerShell: `Set-Content -Encoding utf8`."
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror or type(error).__name__}.") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None


def parse_toml(file: Path, text: str, schema: type[Content], hints: Mapping[str, str] | None = None) -> Content:
    """Return the content of a TOML file.

    Args:
        hints: What to write in place of a field that is wrong, by the name of the field.

    Raises:
        ConfigurationError: The content is wrong; every fault is listed with its place, and no value.
    """
    try:
        return schema.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        shown = re.sub(r"'[^']*'|\"[^\"]*\"", "…", str(error))  # quotes what may be a key in the wrong place
        raise ConfigurationError(f"{file}: is not valid TOML: {shown}.") from None
    except pydantic.ValidationError as error:
        faults = [f"  {place(fault)}: {describe_fault(fault, hints or {})}" for fault in error.errors()]
        raise ConfigurationError("\n".join([f"{file} is wrong:", *faults, "Correct it and start again."])) from None


def place(fault: Any) -> str:
    """Return where a fault is; a name longer than names are may be a key that was put in the wrong place."""
    parts = [str(part) for part in fault["loc"]]
    return ".".join(part if len(part) <= _MAX_FIELD_NAME else "(a long name)" for part in parts) or "the file"


def describe_fault(fault: Any, hints: Mapping[str, str]) -> str:
    """Return what is wrong with a field, without its value."""
    if fault["type"] == "extra_forbidden":
        return "is not a known setting; check its spelling"
    if fault["type"] in ("model_type", "string_pattern_mismatch") and fault["loc"] and fault["loc"][-1] in hints:
        return hints[str(fault["loc"][-1])]
    return str(fault["msg"]).removeprefix("Value error, ")


def exposure_warnings(file: Path) -> Iterator[str]:
    """Return who else can change the file: they could name the command that prints a key, or add a token."""
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
        yield f"{file.parent} can be changed by everybody, so the file can be replaced. Run: chmod o-w '{file.parent}'"
