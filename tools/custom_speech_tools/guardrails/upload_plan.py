"""Uploads of datasets: rules, plan, and the requests that create and fill the dataset."""

import hashlib
import secrets
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from custom_speech_tools.guardrails import content_url
from custom_speech_tools.guardrails.blockwise_upload import block_digests, upload_blocks
from custom_speech_tools.guardrails.entity_lookup import link_to
from custom_speech_tools.guardrails.local_data import CheckedData
from custom_speech_tools.guardrails.recording_lengths import LENGTH_PROPERTY, note_lengths
from custom_speech_tools.guardrails.shared_rules import Findings, earlier_failure, is_blocked, parts_fit
from custom_speech_tools.guardrails.upload_facts import UploadArguments, UploadFacts, gather_upload_facts
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import run_in_thread


def upload_is_possible(facts: UploadFacts) -> Findings:
    """Require a writable resource, a project of the locale, a readable `content_url` and valid local data."""
    yield from parts_fit(facts.speech.resource, facts.request.locale, facts.project)
    if url := facts.request.content_url:
        yield from content_url.content_url_works(url, facts.now, is_emulated=facts.speech.is_emulated)
    yield from facts.data.findings if facts.data else ()


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """The plan of an upload that passed the rules."""

    facts: UploadFacts
    key: str  # the idempotency key
    existing: schemas.Dataset | None  # the dataset that the same request has created before
    blocks: tuple[bytes, ...]  # the digests of the blocks of local data
    findings: tuple[Finding, ...]


async def plan_upload(call: CallContext, request: UploadArguments, data: CheckedData | None) -> UploadPlan:
    """Fetch the facts and return the plan; raises Refused with every finding if a rule blocks it."""
    facts = await gather_upload_facts(call, request, data)
    findings, project, url = tuple(upload_is_possible(facts)), facts.project, request.content_url or ""
    if is_blocked(findings) or isinstance(project, Finding):
        raise Refused("Nothing was uploaded.", findings)
    blocks = await run_in_thread(partial(block_digests, data.content)) if data else ()
    content = hashlib.sha256(b"".join(blocks)).hexdigest() if data else content_url.content_identity(url)
    named = (request.display_name, request.locale, request.kind, request.description)
    key = idempotency_key("dataset", facts.speech.resource.identity, *named, project.id if project else None, content)
    # A deliberate duplicate is the same only while it waits for its content.
    found = [dataset for dataset in facts.same_name if dataset.waits_for_blocks or not request.allow_duplicate]
    failed = ids_of_failed(key, facts.same_name)
    existing = find_by_key(key, found, failed)
    return UploadPlan(facts, key, existing, blocks, (*findings, *upload_is_new(facts, existing, failed)))


def upload_is_new(facts: UploadFacts, existing: schemas.Dataset | None, failed: list[str]) -> Findings:
    """Report an earlier import of the same URL, or warn about a failed import of the same data."""
    if existing and facts.request.content_url:
        made = f" on {existing.created_date_time:%Y-%m-%d %H:%M} UTC" if existing.created_date_time else ""
        name = f"{quote(existing.display_name)} ({existing.id})"
        message = f"This address was imported{made} as dataset {name}; its content was not read again."
        fix = "If the content has changed since, call again with allow_duplicate=true."
        yield Finding(rule="already-exists", level="stop", message=message, fix=fix)
    elif not existing and (earlier := next((one for one in facts.same_name if one.id in failed), None)):
        fix = "Delete it with delete_entity if it is not needed."
        yield earlier_failure("import of the same data, dataset", earlier, fix)


async def upload(call: CallContext, plan: UploadPlan) -> tuple[schemas.Dataset, bool, int | None]:
    """Create the dataset unless it exists, and send missing blocks.

    Return it, whether it existed, and how many bytes the service has, or None if no block had to be sent.
    """
    speech, data = plan.facts.speech, plan.facts.data
    writer = call.writer(speech, Decision(plan.findings, plan.key))
    dataset, existed = (plan.existing, True) if plan.existing else await create_dataset(call, plan, writer)
    if data is None:
        return dataset, existed, None
    dataset = await speech.datasets_get(dataset.id)
    if not dataset.waits_for_blocks:
        return dataset, existed, None
    try:
        uploaded = await upload_blocks(call, writer, dataset.id, data.content, plan.blocks)
    except AzureError as error:
        dataset = await speech.datasets_get(dataset.id)
        if error.status == 409 and not dataset.waits_for_blocks:  # another call has committed the same blocks
            return dataset, True, None
        raise
    return await speech.datasets_get(dataset.id), existed, uploaded


async def create_dataset(call: CallContext, plan: UploadPlan, writer: Speech) -> tuple[schemas.Dataset, bool]:
    """Create the dataset unless the same request has created it. Return it and whether it existed."""
    facts, request = plan.facts, plan.facts.request
    # The suffix distinguishes a deliberate duplicate from the first dataset.
    key = f"{plan.key}-{secrets.token_hex(8)}" if request.allow_duplicate else plan.key
    properties: dict[str, JsonValue] = {KEY_PROPERTY: key}
    if facts.data and facts.data.report.audio:
        properties[LENGTH_PROPERTY] = note_lengths(file.duration_milliseconds for file in facts.data.report.audio)
    body: dict[str, JsonValue] = {
        "displayName": request.display_name,
        "locale": request.locale,
        "kind": request.kind,
        "customProperties": properties,
        "contentUrl": request.content_url,
        "description": request.description,
        "project": link_to(facts.speech, facts.project),
    }
    definition = {name: value for name, value in body.items() if value}
    return await call.app.idempotency.create_once(
        call,
        key,
        lambda: writer.datasets_create(definition, content_url.secrets_of(request.content_url)),
        lambda: facts.speech.datasets_list(display_name=request.display_name, locale=request.locale),
        known=facts.same_name,
    )
