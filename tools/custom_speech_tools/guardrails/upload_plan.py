"""Uploading a dataset: the facts, the rules and the plan."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue, SecretStr

from custom_speech_tools.guardrails.data_check import CheckedData
from custom_speech_tools.guardrails.project_link import project_has_locale
from custom_speech_tools.guardrails.references import PROJECT, find
from custom_speech_tools.guardrails.resource_rules import is_blocked, projects_are_supported, resource_is_writable
from custom_speech_tools.runtime.block_upload import block_digests
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import run_in_thread


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """A dataset that is asked for."""

    display_name: str
    locale: str
    kind: str
    content_url: str | None
    project: str | None
    description: str | None
    resource: str | None


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """An upload that nothing blocks; `read_at` is when its facts were read (`anyio.current_time`).

    Attributes:
        content: The digest of the content, or the address without its signature.
        blocks: The digests of the blocks of local data.
    """

    speech: Speech
    request: UploadRequest
    project: schemas.Project | None
    content: str
    blocks: tuple[bytes, ...]
    findings: tuple[Finding, ...]
    read_at: float

    @property
    def key(self) -> str:
        """The idempotency key."""
        request = self.request
        project = self.project.id if self.project else None
        return idempotency_key(
            "dataset", request.display_name, request.locale, request.kind, request.description, project, self.content
        )

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The signature of the address, which an answer may echo."""
        query = urlsplit(self.request.content_url or "").query
        return (SecretStr(query),) if query else ()

    def definition(self) -> dict[str, JsonValue]:
        """Return the body of Datasets_Create."""
        request = self.request
        body: dict[str, JsonValue] = {
            "displayName": request.display_name,
            "locale": request.locale,
            "kind": request.kind,
            "customProperties": {KEY_PROPERTY: self.key},
        }
        if request.content_url:
            body["contentUrl"] = request.content_url
        if request.description:
            body["description"] = request.description
        if self.project:
            body["project"] = {"self": self.speech.address_of(f"/projects/{self.project.id}")}
        return body


async def plan_upload(call: CallContext, request: UploadRequest, data: CheckedData | None) -> UploadPlan:
    """Fetch the facts and check them.

    Args:
        data: The local data; None where the service reads `content_url`.

    Raises:
        Refused: A rule blocks the upload; every finding is listed.
    """
    speech, read_at = call.speech(request.resource), anyio.current_time()
    project = None
    if request.project and speech.resource.api_version.has_projects:
        project = await find(speech, PROJECT, request.project)
    findings = tuple(_check(speech, request, project, data))
    if is_blocked(findings) or isinstance(project, Finding):
        raise Refused("Nothing was uploaded.", findings, "Correct every finding of level block, then call again.")
    url = urlsplit(request.content_url or "")
    blocks = await run_in_thread(partial(block_digests, data.content)) if data else ()
    content = hashlib.sha256(b"".join(blocks)).hexdigest() if data else f"{url.netloc}{url.path}"
    return UploadPlan(speech, request, project, content, blocks, findings, read_at)


def _check(
    speech: Speech, request: UploadRequest, project: schemas.Project | Finding | None, data: CheckedData | None
) -> Iterator[Finding]:
    yield from resource_is_writable(speech.resource)
    if request.project:
        yield from projects_are_supported(speech.resource)
    if isinstance(project, Finding):
        yield project
    elif project:
        yield from project_has_locale(project, request.locale, speech.resource.name)
    yield from data.findings if data else ()
