"""Every difference between the versions of the REST API that matters to custom models."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """One version of the Speech-to-text REST API (sources: its published specification, migration guides)."""

    name: Literal["2025-10-15", "v3.2", "2024-11-15"]
    path: str
    """The path between the endpoint and an operation's path."""
    query: str
    """The query string that every request carries."""
    has_projects: bool
    """2024-11-15 has neither project operations nor project properties."""
    copies_with_key: bool
    """True if the copy form of the article `Train a custom speech model` (the target's key) may be tried."""

    @property
    def is_dated(self) -> bool:
        """True for the versions named by a date, which have fast transcription; v3.2 has not."""
        return bool(self.query)

    @property
    def has_phrase_lists(self) -> bool:
        """True if fast transcription takes a phrase list and the address of a recording."""
        return self.name == "2025-10-15"


VERSIONS: dict[str, ApiVersion] = {
    version.name: version
    for version in (
        ApiVersion("2025-10-15", "/speechtotext", "api-version=2025-10-15", has_projects=True, copies_with_key=False),
        ApiVersion("v3.2", "/speechtotext/v3.2", "", has_projects=True, copies_with_key=True),
        ApiVersion("2024-11-15", "/speechtotext", "api-version=2024-11-15", has_projects=False, copies_with_key=False),
    )
}
