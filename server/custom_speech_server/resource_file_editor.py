"""resources.toml, edited as text so that comments, order and formatting are preserved."""

import json
import os
import re
import tempfile
import tomllib
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custom_speech_server.azure_cli import AzureAccount
from custom_speech_server.config_source import ConfigurationError, may_be_key
from custom_speech_server.resource_config import normalize_endpoint, regional_endpoint
from custom_speech_server.toml_file import lines_of, load_toml, read_toml_text
from custom_speech_tools.speech.service_urls import region_of

_MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class ResourceFile:
    """The content of resources.toml when it was read; empty if the file does not exist."""

    path: Path
    text: str
    entries: Mapping[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> "ResourceFile":
        """Read the file; raises ConfigurationError if it is unreadable or not TOML."""
        if not path.exists():
            return cls(path, "", {})
        text = read_toml_text(path)
        tables = load_toml(path, text).get("resources")
        entries = tables.items() if isinstance(tables, dict) else ()
        return cls(path, text, {name: entry for name, entry in entries if isinstance(entry, dict)})

    def entry_of(self, account: AzureAccount) -> str | None:
        """Return the name of an account's entry, matched by resource id or endpoint, or None."""
        by_endpoint = None
        for name, entry in self.entries.items():
            if str(entry.get("resource_id", "")).lower() == account.id.lower():
                return name
            is_own = account.is_custom or name.lower() == account.name.lower()  # regional endpoints are shared
            if "resource_id" not in entry and is_own and _endpoint(entry) == account.endpoint:
                by_endpoint = by_endpoint or name
        return by_endpoint

    def compare(self, name: str, account: AzureAccount) -> tuple[list[str], dict[str, str]]:
        """Return descriptions of the differences between an entry and its account, and the missing values."""
        entry = self.entries[name]
        differences = []
        if entry.get("region", account.region) != account.region:
            differences.append(f"region is {entry['region']}, in Azure {account.region}")
        if _endpoint(entry) not in (account.endpoint, regional_endpoint(account.region)):
            differences.append(f"endpoint differs from Azure's {account.endpoint}")
        if account.keys_disabled and "key" in entry:
            differences.append('its keys are switched off: replace key with auth = "entra"')
        known = {"region": account.region, "resource_id": account.id}
        present = {*entry, *(["region"] if region_of(str(entry.get("endpoint", ""))) else [])}
        return differences, {field: value for field, value in known.items() if field not in present}

    def with_entries(self, added: Mapping[str, Mapping[str, Any]], completed: Mapping[str, Mapping[str, str]]) -> str:
        """Return the text with new entries and new values of existing entries.

        Raises ConfigurationError, which lists the additions, if the form of the tables prevents editing.
        """
        newline = "\r\n" if "\r\n" in self.text else "\n"

        def table(header: str, entry: Mapping[str, Any]) -> str:
            return "".join([header, newline, *(f"{key} = {toml(value)}{newline}" for key, value in entry.items())])

        lines, numbers = self.text.splitlines(keepends=True), lines_of(self.text)
        for name, entry in completed.items():
            header = numbers.get(("resources", name), 0) - 1
            lines[header] = table(lines[header].rstrip("\r\n"), entry)
        names = {name: name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name) for name in added}
        tables = newline.join(table(f"[resources.{names[name]}]", entry) for name, entry in added.items())
        text = "".join(lines)
        if text and tables:
            text += newline if text.endswith("\n") else 2 * newline
        text += tables
        expected = {name: entry | dict(completed.get(name, {})) for name, entry in self.entries.items()}
        with suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(text) == tomllib.loads(self.text) | {"resources": expected | dict(added)}:
                return text
        lacking = "".join(f"{name}: {dict(values)}\n" for name, values in completed.items())
        raise ConfigurationError(f"{self.path}: its tables cannot be edited. Add these lines:\n{lacking}\n{tables}")

    def write(self, text: str) -> None:
        """Replace the file; raises ConfigurationError if that fails or the file was changed since it was read."""
        target = self.path.resolve()  # so that a symbolic link is kept
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            current = target.read_bytes() if target.exists() else b""
            if current.decode("utf-8-sig", errors="replace") != self.text:
                raise ConfigurationError(f"{self.path}: was changed by another program. Nothing was written; retry.")
            descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".resources-")
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(text.encode("utf-8-sig" if current.startswith(BOM_UTF8) else "utf-8"))
                if target.exists():
                    Path(temporary).chmod(target.stat().st_mode & 0o777)
                Path(temporary).replace(target)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            why = error.strerror or type(error).__name__
            advice = "Nothing was written. --dry-run prints the content, --config FILE names another file."
            raise ConfigurationError(f"{self.path}: cannot be written ({why}). {advice}") from None


def table_name(account: AzureAccount, taken: Collection[str]) -> str:
    """Return a valid entry name for an account that is not taken, ignoring case."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", account.name)[:_MAX_NAME]
    name = f"speech-{account.region}" if may_be_key(name) else name  # a name that looks like a key is invalid
    used = {one.lower() for one in taken}
    candidates = (name if number == 1 else f"{name[: _MAX_NAME - 5]}-{number}" for number in range(1, len(used) + 2))
    return next(candidate for candidate in candidates if candidate.lower() not in used)


def toml(value: Any) -> str:
    """Format a string, list or table as TOML on one line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f"{{ {', '.join(f'{key} = {toml(part)}' for key, part in value.items())} }}"


def _endpoint(entry: Mapping[str, Any]) -> str | None:
    """Return the normalized endpoint of an entry, or None if it is missing or invalid."""
    if "endpoint" not in entry:
        return regional_endpoint(str(entry["region"])) if "region" in entry else None
    try:
        return normalize_endpoint(str(entry["endpoint"]))
    except ValueError:
        return None
