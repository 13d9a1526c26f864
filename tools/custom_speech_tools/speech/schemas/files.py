"""Files of datasets and evaluations."""

from custom_speech_tools.speech.schemas.entities import Reference, Schema


class FileLinks(Schema):
    """Where the content is; the address is signed and needs no key."""

    content_url: str | None = None


class File(Reference):
    """One file; `name` says what it is about."""

    name: str | None = None
    kind: str | None = None
    links: FileLinks | None = None
