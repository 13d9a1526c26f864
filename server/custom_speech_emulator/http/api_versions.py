"""The differences between the three API versions.

v3.2 has projects, ISO 8601 durations and no `api-version`. 2024-11-15 has no projects. 2025-10-15 has them again.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from custom_speech_emulator.http.host_address import HOST_PLACEHOLDER
from custom_speech_emulator.http.responses import ServiceError
from custom_speech_emulator.state.emulator_state import DURATION

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class ApiVersion:
    """An API version, with the formats of its links and properties."""

    name: str
    dated: bool  # False for v3.2
    absent: frozenset[str]  # properties that other versions have
    # The query parameter for the lifetime of a content URL, and its unit in seconds.
    lifetime: tuple[str, int] = ("sasLifetimeMinutes", 60)

    def path(self, *parts: str) -> str:
        """Return the path and query of an entity, an action or a list."""
        path = "/".join(parts)
        return f"/speechtotext/{path}?api-version={self.name}" if self.dated else f"/speechtotext/{self.name}/{path}"

    def link(self, *parts: str) -> str:
        """Return a link with a placeholder for the host."""
        return HOST_PLACEHOLDER + self.path(*parts)

    def reference(self, kind: str, entity_id: str | None) -> Json | None:
        """Return an EntityReference, or None without an id."""
        return {"self": self.link(kind, entity_id)} if entity_id else None

    def duration(self, milliseconds: int | None) -> Json:
        """Return the duration property of datasets and files, or no property if the duration is not known."""
        if milliseconds is None:
            return {}
        if self.dated:
            return {"durationMilliseconds": milliseconds}
        return {"duration": DURATION.dump_python(timedelta(milliseconds=milliseconds), mode="json")}

    def features(self, document: Json, *, fast: bool) -> Json:
        """Return the features of a base or custom model; `fast` is whether fast transcription supports the model."""
        shared = {"supportsEndpoints": document["endpoints"], "supportedOutputFormats": document["formats"]}
        shared["supportsTranscriptionsOnSpeechContainers"] = False
        if not self.dated:
            return {"supportsTranscriptions": document["transcribes"], **shared}
        submit = {"supportsTranscriptionsSubmit": document["transcribes"]}
        return {**submit, "supportsTranscriptionsTranscribe": fast, **shared}

    def endpoint_links(self, region: str, endpoint: str) -> Json:
        """Return the WebSocket link of the dated versions, or the six links and the logs link of v3.2."""
        host = f"{region}.stt.speech.microsoft.com"
        if self.dated:
            return {"webSocket": f"wss://{host}/stt/speech/universal/v2?cid={endpoint}"}
        recognition = {
            f"{name}{mode}": f"{scheme}://{host}/speech/recognition/{mode.lower()}/cognitiveservices/v1?cid={endpoint}"
            for name, scheme in (("rest", "https"), ("webSocket", "wss"))
            for mode in ("Interactive", "Conversation", "Dictation")
        }
        return {**recognition, "logs": self.link("endpoints", endpoint, "files", "logs")}


_ONLY_V3_2 = frozenset({"text", "email", "timeToLive", "diarizationEnabled"})
_ONLY_DATED = frozenset({"foundryProjectName", "timeToLiveHours"})
V3_2 = ApiVersion("v3.2", dated=False, absent=_ONLY_DATED, lifetime=("sasValidityInSeconds", 1))
_NOT_2024 = frozenset({"phraseList", "audioUrl", "enhancedMode", "project", "foundryProjectName"})
V2024 = ApiVersion("2024-11-15", dated=True, absent=_ONLY_V3_2 | _NOT_2024)
V2025 = ApiVersion("2025-10-15", dated=True, absent=_ONLY_V3_2)
VERSIONS = (V3_2, V2024, V2025)
BY_NAME = {version.name: version for version in VERSIONS}


def select_version(segment: str | None, api_version: str | None) -> ApiVersion:
    """Return the version named by a path segment or by `api-version`, or raise a 404 or 400 error."""
    if segment == V3_2.name:
        return V3_2
    if segment is not None:
        raise ServiceError(404, "NotFound", "Resource not found.")
    dated = {version.name: version for version in VERSIONS if version.dated}
    if api_version in dated:
        return dated[api_version]
    message = f"The api-version {api_version!r} is not supported." if api_version else "The api-version is missing."
    message += f" Supported: {', '.join(dated)}."
    raise ServiceError(400, "InvalidRequest", message, "InvalidParameterValue", "api-version")
