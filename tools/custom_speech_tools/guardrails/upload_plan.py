"""Uploading a dataset: the arguments, the facts, the rules and the plan, and the file in blocks."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

import anyio
import pydantic
from pydantic import Field, JsonValue, SecretStr, StrictBool, StringConstraints

from custom_speech_data.content import Content, OpenFile, read_part, size_of
from custom_speech_tools.guardrails import content_url
from custom_speech_tools.guardrails.entity_lookup import find_project, link_to
from custom_speech_tools.guardrails.local_data import CheckedData
from custom_speech_tools.guardrails.recording_lengths import LENGTH_PROPERTY, note_lengths
from custom_speech_tools.guardrails.shared_rules import earlier_failure, is_blocked, parts_fit
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.task_groups import run_in_thread, task_group

BLOCK_BYTES = 8 * 1024 * 1024  # the largest block that the service takes
CONCURRENT_BLOCKS = 4
_SECONDS_FOR_A_BLOCK = 16.0  # with less time left in a call no further block is started; the next call goes on


class UploadArguments(parameters.Arguments):
    """The arguments of upload_dataset."""

    display_name: parameters.DisplayName
    locale: Annotated[parameters.LocaleText, Field(description="Such as en-US")]
    kind: Annotated[parameters.DatasetKind, Field(description="check_data explains the kinds")]
    path: Annotated[parameters.LocalText | None, Field(description="Local file or folder")] = None
    content_url: Annotated[
        Annotated[str, StringConstraints(max_length=4096, strip_whitespace=True)] | None,
        Field(description="Or an address for Azure"),
    ] = None
    lines: parameters.TextLines = None
    project: Annotated[parameters.Identifier | None, Field(description="Id or exact name")] = None
    description: parameters.Description = None
    repair: Annotated[StrictBool, Field(description="Repair a copy")] = True
    allow_duplicate: Annotated[StrictBool, Field(description="Import again on purpose")] = False
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self) -> "UploadArguments":
        if sum(source is not None for source in (self.path, self.content_url, self.lines)) != 1:
            raise ValueError("needs one of path, content_url and lines")
        parameters.require_text_kind(self.kind, self.lines)
        content_url.require_valid_url(self.content_url)
        return self


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """An upload that nothing blocks."""

    speech: Speech
    request: UploadArguments
    project: schemas.Project | None
    key: str
    existing: schemas.Dataset | None  # what the same request has made
    same_name: Sequence[schemas.Dataset]  # and of the same locale
    blocks: tuple[bytes, ...]  # the digests of the blocks of local data
    lengths: str | None  # what the dataset notes of its recordings
    findings: tuple[Finding, ...]

    async def create(self, call: CallContext, writer: Speech) -> tuple[schemas.Dataset, bool]:
        """Create the dataset once, or return what the same request has made, and whether it existed."""
        if self.existing:
            return self.existing, True
        request = self.request
        # A deliberate duplicate is told from the first by what follows its key.
        key = f"{self.key}-{secrets.token_hex(8)}" if request.allow_duplicate else self.key
        body: dict[str, JsonValue] = {
            "displayName": request.display_name,
            "locale": request.locale,
            "kind": request.kind,
            "customProperties": {KEY_PROPERTY: key, **({LENGTH_PROPERTY: self.lengths} if self.lengths else {})},
            "contentUrl": request.content_url,
            "description": request.description,
        }
        if self.project:
            body["project"] = link_to(self.speech, self.project)
        definition: dict[str, JsonValue] = {name: value for name, value in body.items() if value}
        query = urlsplit(request.content_url or "").query
        signature = (SecretStr(query),) if query else ()
        return await call.app.idempotency.create_once(
            call,
            key,
            lambda: writer.datasets_create(definition, signature),
            lambda: self.speech.datasets_list(display_name=request.display_name, locale=request.locale),
            known=self.same_name,
        )


async def plan_upload(call: CallContext, request: UploadArguments, data: CheckedData | None) -> UploadPlan:
    """Fetch the facts and check them, without `data` for a `content_url`; raises Refused with every finding."""
    speech, url = call.speech(request.resource), request.content_url or ""
    if url and not content_url.is_web_url(url):
        address = content_url.content_url_works(url, call.now(speech), is_emulated=speech.is_emulated)
        raise Refused("Nothing was uploaded.", [*parts_fit(speech.resource, None), *address])
    async with task_group() as tasks:
        project_task = tasks.create_task(find_project(speech, request.project))
        list_task = tasks.create_task(speech.datasets_list(display_name=request.display_name, locale=request.locale))
    project = project_task.return_value
    known = [*parts_fit(speech.resource, request.locale, project)]
    if url:  # after the requests, which tell the service's time
        known += content_url.content_url_works(url, call.now(speech), is_emulated=speech.is_emulated)
    known += data.findings if data else ()
    if is_blocked(known) or isinstance(project, Finding):
        raise Refused("Nothing was uploaded.", known)
    blocks = await run_in_thread(partial(block_digests, data.content)) if data else ()
    content = hashlib.sha256(b"".join(blocks)).hexdigest() if data else content_url.content_identity(url)
    named = (request.display_name, request.locale, request.kind, request.description)
    key = idempotency_key("dataset", speech.resource.identity, *named, project.id if project else None, content)
    same_name = list_task.return_value.entities
    # A deliberate duplicate is the same only while it waits for its content.
    found = [dataset for dataset in same_name if dataset.waits_for_blocks or not request.allow_duplicate]
    failed = ids_of_failed(key, same_name)
    existing = find_by_key(key, found, failed)
    if existing and url:
        made = f" on {existing.created_date_time:%Y-%m-%d %H:%M} UTC" if existing.created_date_time else ""
        name = f"{quote(request.display_name)} ({existing.id})"
        message = f"This address was imported{made} as dataset {name}; its content was not read again."
        fix = "If the content has changed since, call again with allow_duplicate=true."
        known.append(Finding(rule="already-exists", level="stop", message=message, fix=fix))
    elif not existing and (dead := next((one for one in same_name if one.id in failed), None)):
        fix = "Delete it with delete_entity if nobody needs it."
        known.append(earlier_failure("import of the same data, dataset", dead, fix))
    audio = data.report.audio if data else ()
    lengths = note_lengths(file.duration_milliseconds for file in audio) if audio else None
    return UploadPlan(speech, request, project, key, existing, same_name, blocks, lengths, tuple(known))


def block_ids(size: int) -> list[str]:
    """Return the ids of the blocks of a file, in order and equally long."""
    return [base64.b64encode(f"{number:08}".encode()).decode() for number in range(-(-size // BLOCK_BYTES))]


def block_digests(content: Content) -> tuple[bytes, ...]:
    """Return the SHA-256 of each block of a content; runs in a thread. Raises Refused if the file has changed."""
    starts = range(0, size_of(content), BLOCK_BYTES)
    digests = tuple(hashlib.sha256(read_part(content, start, BLOCK_BYTES)).digest() for start in starts)
    if isinstance(content, OpenFile) and not content.is_unchanged():
        raise _changed("Nothing was uploaded.")
    return digests


async def upload_blocks(
    call: CallContext, writer: Speech, dataset: str, content: Content, digests: Sequence[bytes]
) -> int:
    """Send the blocks that the service does not have, as far as the time of the call permits; commit a whole file.

    Return the bytes that the service has. Memory: four blocks of 8 MiB, whatever the size of the content. A block that
    has another digest than when it was checked raises Refused and is not sent.
    """
    size = size_of(content)
    ids = block_ids(size)
    had = {one.name for one in (await writer.datasets_get_blocks(dataset)).uncommitted_blocks or []}
    missing = iter([number for number, name in enumerate(ids) if name not in had])
    uploaded = sum(min(BLOCK_BYTES, size - number * BLOCK_BYTES) for number, name in enumerate(ids) if name in had)

    def checked_block(number: int) -> bytes:
        part = read_part(content, number * BLOCK_BYTES, BLOCK_BYTES)
        if hashlib.sha256(part).digest() != digests[number]:
            raise _changed("Nothing was imported.")
        return part

    async def send() -> None:
        nonlocal uploaded
        for number in missing:
            if call.seconds_left() < _SECONDS_FOR_A_BLOCK:
                return
            part = await anyio.to_thread.run_sync(checked_block, number)
            await writer.datasets_upload_block(dataset, ids[number], part)
            uploaded += len(part)
            del part  # else the next one is read while this one is kept
            await call.report_progress(f"Uploaded {uploaded} of {size} bytes", uploaded, size)

    async with task_group() as tasks:
        for _ in range(CONCURRENT_BLOCKS):
            tasks.create_task(send())
    if uploaded == size:
        await writer.datasets_commit_blocks(dataset, ids)
    return uploaded


def _changed(not_done: str) -> Refused:
    message, fix = "The file was changed while it was uploaded.", "Let whatever writes it finish first."
    return Refused(not_done, [block("data-is-valid", message, fix)], "Call again when the file is complete.")
