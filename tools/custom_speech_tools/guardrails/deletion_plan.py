"""Deleting an entity: what uses it, the rules, and the plan."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import anyio

from custom_speech_tools.guardrails.references import (
    DATASET,
    ENDPOINT,
    EVALUATION,
    MODEL,
    PROJECT,
    TRANSCRIPTION,
    EntityKind,
    find,
    projects_are_supported,
)
from custom_speech_tools.guardrails.resource_rules import is_blocked, resource_is_writable
from custom_speech_tools.runtime.agreement import ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import TERMINAL_STATUSES
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.sanitize import quote, word

DeletableKind = Literal["model", "dataset", "evaluation", "endpoint", "project", "transcription"]

KINDS: dict[DeletableKind, EntityKind[Any]] = {
    "model": MODEL,
    "dataset": DATASET,
    "evaluation": EVALUATION,
    "endpoint": ENDPOINT,
    "project": PROJECT,
    "transcription": TRANSCRIPTION,
}

_LOSS = {
    "model": "The trained model cannot be restored, and training it again may be charged.",
    "dataset": "The uploaded data cannot be restored.",
    "evaluation": "Its error rates and details cannot be restored.",
    "endpoint": "Applications that use its id stop working; a new endpoint gets another id.",
    "transcription": "Its texts cannot be restored; transcribing again is billed again.",
    "project": "What it contains stays and loses its project.",
}

MAX_USERS = 10


@dataclass(frozen=True, slots=True)
class User:
    """An entity that uses the one to delete."""

    noun: str
    entity: schemas.Entity


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """An entity that may be deleted; `read_at` is when its facts were read (`anyio.current_time`)."""

    speech: Speech
    kind: DeletableKind
    entity: schemas.Entity
    findings: tuple[Finding, ...]
    read_at: float

    @property
    def effect(self) -> Effect:
        """The loss that the user has to agree to."""
        return deletion_of(self.speech, self.kind, self.entity)

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        return ConfirmationRequest(
            effects=(self.effect,),
            question=f"{self.effect.words} Delete {quote(self.entity.display_name)}?",
            findings=self.findings,
            not_done="Nothing was deleted.",
            declined="Leave it.",
        )


def deletion_of(speech: Speech, kind: DeletableKind, entity: schemas.Entity) -> Effect:
    """Return the effect of deleting an entity: bound to its id and to the name that the user reads."""
    where = f"resource {speech.resource.name}{' (emulated)' if speech.is_emulated else ''}"
    words = f"This deletes {kind} {entity.id} for good on {where}. {_LOSS[kind]}"
    return Effect(
        "deletion", speech.resource.identity, idempotency_key(kind, entity.id, entity.display_name), (), words
    )


async def plan_deletion(call: CallContext, kind: DeletableKind, asked: str, resource: str | None) -> DeletionPlan:
    """Find the entity and what uses it, and check that it can be deleted.

    Raises:
        Refused: A rule blocks the deletion; every finding is listed.
    """
    speech, read_at = call.speech(resource), anyio.current_time()
    findings = list(resource_is_writable(speech.resource))
    if kind == "project" and (unsupported := list(projects_are_supported(speech.resource))):
        raise Refused("Nothing was deleted.", [*findings, *unsupported], "Nothing can be deleted there.")
    entity = await find(speech, KINDS[kind], asked)
    if isinstance(entity, Finding):
        raise Refused("Nothing was deleted.", [*findings, entity], "Call again with a reference that exists.")
    users = await find_users(speech, kind, entity)
    findings += [*is_finished(kind, entity), *not_in_use(speech, kind, entity, users)]
    if is_blocked(findings):
        raise Refused("Nothing was deleted.", findings)
    message = f"Deleting {kind} {quote(entity.display_name)} ({entity.id}) cannot be undone. {_LOSS[kind]}"
    findings.append(agreement_finding("deletion", call.app.confirmation, message))
    return DeletionPlan(speech, kind, entity, tuple(findings), read_at)


async def find_users(speech: Speech, kind: DeletableKind, entity: schemas.Entity) -> list[User]:
    """Return what uses the entity: endpoints a model, models a dataset, everything a project."""
    readers: dict[str, Callable[[], Coroutine[Any, Any, Listing[Any]]]] = {
        "endpoint": speech.endpoints_list,
        "model": speech.models_list_custom_models,
        "dataset": speech.datasets_list,
        "evaluation": speech.evaluations_list,
    }
    using = {"model": ["endpoint"], "dataset": ["model"], "project": list(readers)}.get(kind, [])
    listings = await gather(*(readers[noun]() for noun in using))
    return [
        User(noun, other)
        for noun, listing in zip(using, listings, strict=True)
        for other in listing.entities
        if entity.id in _parts_of(other)
    ]


def _parts_of(entity: Any) -> set[str]:
    parts = [getattr(entity, name, None) for name in ("model", "project")] + list(
        getattr(entity, "datasets", None) or []
    )
    return {part.id for part in parts if part is not None}


def is_finished(kind: DeletableKind, entity: schemas.Entity) -> Iterator[Finding]:
    """Require a final status: the service refuses to delete what is running."""
    status = getattr(entity, "status", None)
    if status is not None and status not in TERMINAL_STATUSES:
        yield Finding(
            rule="not-in-use",
            level="block",
            message=f"The {kind} is {word(status)}; it can be deleted when it is Succeeded or Failed.",
            fix="Wait for its end, then call again.",
            remedy="wait",
        )


def not_in_use(speech: Speech, kind: DeletableKind, entity: schemas.Entity, users: list[User]) -> Iterator[Finding]:
    """Require that no endpoint uses a model and nothing a project; models keep what they learned from a dataset."""
    if not users:
        return
    listed = ", ".join(
        f"{user.noun} {quote(user.entity.display_name)} ({user.entity.id})" for user in users[:MAX_USERS]
    )
    more = f" and {len(users) - MAX_USERS} more" if len(users) > MAX_USERS else ""
    if kind == "dataset":
        yield Finding(
            rule="not-in-use",
            level="warn",
            message=f"{len(users)} model(s) were trained with it and stay: {listed}{more}.",
            fix="Keep it where these models are to be trained again.",
        )
        return
    first = users[0]
    delete = call_step("delete_entity", kind=first.noun, entity=first.entity.id, resource=speech.resource.name)
    yield Finding(
        rule="not-in-use",
        level="block",
        message=f"The {kind} {quote(entity.display_name)} is used by {listed}{more}.",
        fix=f"Put another model into the endpoint with deploy_model, or {delete}, first."
        if kind == "model"
        else f"Delete or move its content first, for example {delete}.",
    )
