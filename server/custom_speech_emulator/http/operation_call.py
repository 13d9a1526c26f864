"""The call of an operation: an authenticated request with everything that its handler needs."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import Any

from custom_speech_emulator.http.api_versions import ApiVersion
from custom_speech_emulator.http.host_address import HostAddress, host_name
from custom_speech_emulator.http.request import parse_json
from custom_speech_emulator.http.responses import ServiceError, forbidden, invalid
from custom_speech_emulator.state.emulator_state import EmulatedAccount, EmulatorState
from custom_speech_emulator.state.entity_store import EntityStore

_FIELD = re.compile(rb'^content-disposition:\s*form-data\s*;.*?\bname="?([^";\r\n]*)', re.IGNORECASE | re.MULTILINE)


@dataclass
class OperationCall:
    """An authenticated request to an operation."""

    state: EmulatorState
    now: datetime
    account: EmulatedAccount
    version: ApiVersion
    address: HostAddress
    method: str
    path: dict[str, str]  # the values of the path parameters
    query: dict[str, str]
    content_type: str
    body: bytes
    after_response: list[Callable[[], object]] = field(default_factory=list)  # functions to run after the response

    @property
    def store(self) -> EntityStore:
        """The store of the state."""
        return self.state.store

    def require_trust(self, name: str, url: str) -> None:
        """Raise a 403 error if a web page or another machine could make this machine read or call the URL."""
        settings = self.state.settings
        if settings.allow_hosts and host_name(url) not in settings.allow_content_hosts:
            raise forbidden(f"{name} must be on an --allow-content-host if other machines can reach the emulator.")
        if not settings.allow_hosts and not self.address.is_trusted:
            raise forbidden(f"{name} is accepted only from callers that use a loopback or Azure host name.")

    def number(self, name: str, least: int) -> int | None:
        """Return an integer parameter of the query, or None. Raises a 400 error for values outside `least` to 2³¹-1."""
        text = self.query.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) < 2**31):
            message = f"The value of {name} must be a whole number of at least {least}."
            raise invalid("InvalidParameterValue", message, name)
        return int(text)

    def json(self) -> Any:
        """Return the JSON body. Raises 415 for another Content-Type, 413 above 1 MiB, and 400 for invalid JSON."""
        accepted = ("application/json", *(("application/merge-patch+json",) if self.method == "PATCH" else ()))
        media_type = self.content_type.partition(";")[0].strip().lower()
        if media_type and media_type not in accepted:  # some clients omit the header
            raise ServiceError(415, "UnsupportedMediaType", f"The Content-Type must be {' or '.join(accepted)}.")
        if len(self.body) > 2**20:
            raise ServiceError(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        return parse_json(self.body)

    def form(self, known: Collection[str]) -> dict[str, bytes]:
        """Return the fields of a multipart form. Raises 415 for another Content-Type and 400 for an invalid form."""
        header = Message()
        header["Content-Type"] = self.content_type
        if header.get_content_type() != "multipart/form-data":
            raise ServiceError(415, "UnsupportedMediaType", "The Content-Type must be multipart/form-data.")
        boundary = str(header.get_param("boundary") or "").encode("latin-1", "replace")
        first, *parts = (b"\r\n" + self.body).split(b"\r\n--" + boundary) if boundary else [b""]
        if first.strip() or len(parts) < 2 or not parts[-1].startswith(b"--"):
            raise invalid("InvalidRequestBodyFormat", "The form is malformed.")
        fields: dict[str, bytes] = {}
        for part in parts[:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            match = _FIELD.search(head)
            name = match[1].decode("utf-8", "replace") if match else ""
            if name not in known or name in fields:
                raise invalid("InvalidPayload", f"The form field {name[:64]!r} is unknown or repeated.")
            fields[name] = content
        return fields
