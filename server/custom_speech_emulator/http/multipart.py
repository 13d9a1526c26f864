"""Bodies of the type multipart/form-data."""

from __future__ import annotations

import re
from collections.abc import Collection
from email.message import Message

from custom_speech_emulator.http.error_responses import Refused, invalid
from custom_speech_emulator.http.request import Call

_NAME = re.compile(rb'^content-disposition:\s*form-data\s*;.*?\bname="?([^";\r\n]*)', re.IGNORECASE | re.MULTILINE)


def form_fields(call: Call, known: Collection[str]) -> dict[str, bytes]:
    """Return the fields of a form by name; 415 for another type, 400 for a broken form or an unknown field."""
    header = Message()
    header["Content-Type"] = call.content_type
    if header.get_content_type() != "multipart/form-data":
        raise Refused(415, "UnsupportedMediaType", "The Content-Type must be multipart/form-data.")
    boundary = str(header.get_param("boundary") or "").encode("latin-1", "replace")
    first, *parts = (b"\r\n" + call.body).split(b"\r\n--" + boundary) if boundary else [b""]
    if first.strip() or len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise invalid("InvalidRequestBodyFormat", "The form cannot be read.")
    fields: dict[str, bytes] = {}
    for part in parts[:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        found = _NAME.search(head)
        name = found[1].decode("utf-8", "replace") if found else ""
        if name not in known or name in fields:
            raise invalid("InvalidPayload", f"The form field {name[:64]!r} is not known, or is there twice.")
        fields[name] = content
    return fields
