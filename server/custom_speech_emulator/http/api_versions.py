"""The differences between the three API versions that the emulator speaks.

v3.2 has projects, ISO 8601 durations and no `api-version`; 2024-11-15 lost the projects; 2025-10-15 got them back.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from custom_speech_emulator.http.links import HOST_PLACEHOLDER
from custom_speech_emulator.http.responses import Refused
from custom_speech_emulator.state.emulator_state import DURATION

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Version:
    """An API version: its addresses, its wording, and the properties that it does not have.

    All but v3.2 are `dated`; v3.2 has `text`, `email`, uploads, logs and the older wording.
    """

    name: str
    dated: bool
    absent: frozenset[str]

    @property
    def lifetime(self) -> tuple[str, int]:
        """The query parameter for the life of a content address, and its unit in seconds."""
        return ("sasLifetimeMinutes", 60) if self.dated else ("sasValidityInSeconds", 1)

    def path(self, *parts: str) -> str:
        """Return the path and query of an entity, an action or a list."""
        path = "/".join(parts)
        return f"/speechtotext/{path}?api-version={self.name}" if self.dated else f"/speechtotext/{self.name}/{path}"

    def link(self, *parts: str) -> str:
        """Return a link whose host is filled in when the answer is written."""
        return HOST_PLACEHOLDER + self.path(*parts)

    def reference(self, kind: str, entity_id: str | None) -> Json | None:
        """Return an EntityReference, None without an id."""
        return {"self": self.link(kind, entity_id)} if entity_id else None

    def duration(self, milliseconds: int | None) -> Json:
        """Return the duration property of datasets and files, or no property if the duration is not known."""
        if milliseconds is None or self.dated:
            return {} if milliseconds is None else {"durationMilliseconds": milliseconds}
        return {"duration": DURATION.dump_python(timedelta(milliseconds=milliseconds), mode="json")}

    def features(self, document: Json, *, fast: bool) -> Json:
        """Return the features that base and custom models share; `fast` says that transcribe takes the model."""
        shared = {"supportsEndpoints": document["endpoints"], "supportedOutputFormats": document["formats"]}
        shared["supportsTranscriptionsOnSpeechContainers"] = False
        if not self.dated:
            return {"supportsTranscriptions": document["transcribes"], **shared}
        submit = {"supportsTranscriptionsSubmit": document["transcribes"]}
        return {**submit, "supportsTranscriptionsTranscribe": fast, **shared}

    def endpoint_links(self, region: str, endpoint: str) -> Json:
        """Return one WebSocket link, or the six links and the logs of v3.2."""
        host = f"{region}.stt.speech.microsoft.com"
        if self.dated:
            return {"webSocket": f"wss://{host}/stt/speech/universal/v2?cid={endpoint}"}
        recognition = {
            f"{name}{mode}": f"{scheme}://{host}/speech/recognition/{mode.lower()}/cognitiveservices/v1?cid={endpoint}"
            for name, scheme in (("rest", "https"), ("webSocket", "wss"))
            for mode in ("Interactive", "Conversation", "Dictation")
        }
        return {**recognition, "logs": self.link("endpoints", endpoint, "files", "logs")}


_ONLY_OLD = frozenset({"text", "email", "timeToLive", "diarizationEnabled"})
V3_2 = Version("v3.2", dated=False, absent=frozenset({"foundryProjectName", "timeToLiveHours"}))
_ONLY_2025 = frozenset({"phraseList", "audioUrl", "enhancedMode", "project", "foundryProjectName"})
V2024 = Version("2024-11-15", dated=True, absent=_ONLY_OLD | _ONLY_2025)
V2025 = Version("2025-10-15", dated=True, absent=_ONLY_OLD)
VERSIONS = (V3_2, V2024, V2025)


def requested(segment: str | None, api_version: str | None) -> Version:
    """Return the version that a path segment (`v3.2`) or an `api-version` names; 400 or 404 for any other."""
    if segment == V3_2.name:
        return V3_2
    if segment is not None:
        raise Refused(404, "NotFound", "Resource not found.")
    dated = {version.name: version for version in VERSIONS if version.dated}
    if api_version in dated:
        return dated[api_version]
    message = f"The api-version {api_version!r} is not supported." if api_version else "The api-version is missing."
    message += f" Supported: {', '.join(dated)}."
    raise Refused(400, "InvalidRequest", message, "InvalidParameterValue", "api-version")
