"""Deleting an entity: the arguments, what uses it, the rules, and the plan."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import anyio
from pydantic import Field

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
from custom_speech_tools.guardrails.resource_rules import Findings, is_blocked, resource_is_writable
from custom_speech_tools.runtime.agreement import ConfirmationRequest, Effect, agreement_finding, payer
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import Arguments, Confirm, Identifier, ResourceName
from custom_speech_tools.runtime.polling import TERMINAL_STATUSES
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import gather
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

_USED_BY: dict[DeletableKind, tuple[DeletableKind, ...]] = {
    "model": ("endpoint",),
    "dataset": ("model",),
    "project": ("endpoint", "model", "dataset", "evaluation"),
}

MAX_USERS = 10

User = tuple[DeletableKind, schemas.Entity]
"""An entity that uses the one to delete."""


class DeletionArguments(Arguments):
    """The arguments of delete_entity."""

    kind: Annotated[DeletableKind, Field(description="What to delete")]
    entity: Annotated[Identifier, Field(description="Id, self URI or exact display name")]
    confirm: Confirm = None
    resource: ResourceName = None


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
        """The loss that the user has to agree to: bound to the entity's id and to the name that the user reads."""
        where = f"resource {self.speech.resource.name}{' (emulated)' if self.speech.is_emulated else ''}"
        words = f"This deletes {self.kind} {self.entity.id} for good on {where}. {_LOSS[self.kind]}"
        digest = idempotency_key(self.kind, self.entity.id, self.entity.display_name)
        return Effect("deletion", payer(self.speech.resource), digest, (), words)

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        return ConfirmationRequest(
            effects=(self.effect,),
            question=f"{self.effect.words} Delete {quote(self.entity.display_name)}?",
            findings=self.findings,
            not_done="Nothing was deleted.",
            declined="Leave it.",
        )


async def plan_deletion(call: CallContext, arguments: DeletionArguments) -> DeletionPlan:
    """Find the entity and what uses it, and check that it can be deleted.

    Raises:
        Refused: A rule blocks the deletion; every finding is listed.
    """
    speech, kind, read_at = call.speech(arguments.resource), arguments.kind, anyio.current_time()
    findings = list(resource_is_writable(speech.resource))
    unsupported = next(projects_are_supported(speech.resource), None) if kind == "project" else None
    entity = unsupported or await find(speech, KINDS[kind], arguments.entity)
    if isinstance(entity, Finding):
        raise Refused("Nothing was deleted.", [*findings, entity])
    using = _USED_BY.get(kind, ())
    listings = await gather(*(KINDS[user].list(speech) for user in using))
    others = [(user, other) for user, listing in zip(using, listings, strict=True) for other in listing.entities]
    users = [(user, other) for user, other in others if entity.id in {part.id for part in other.parts}]
    findings += not_in_use(speech, kind, entity, users)
    if is_blocked(findings):
        raise Refused("Nothing was deleted.", findings)
    message = f"Deleting {kind} {quote(entity.display_name)} ({entity.id}) cannot be undone. {_LOSS[kind]}"
    findings.append(agreement_finding("deletion", call.app.confirmation, message))
    return DeletionPlan(speech, kind, entity, tuple(findings), read_at)


def not_in_use(speech: Speech, kind: DeletableKind, entity: schemas.Entity, users: list[User]) -> Findings:
    """Require a final status, and that no endpoint uses a model and nothing a project.

    The service refuses to delete what is running. Models keep what they learned from a dataset.
    """
    status = getattr(entity, "status", "Succeeded")
    if status not in TERMINAL_STATUSES:
        message = f"The {kind} is {word(status)}; it can be deleted when it is Succeeded or Failed."
        yield block("not-in-use", message, "Wait for its end, then call again.", "wait")
    if not users:
        return
    names = [f"{user} {quote(other.display_name)} ({other.id})" for user, other in users]
    listed = ", ".join(names[:MAX_USERS]) + (f" and {len(names) - MAX_USERS} more" if len(names) > MAX_USERS else "")
    if kind == "dataset":
        message = f"{len(users)} model(s) were trained with it and stay: {listed}."
        yield warn("not-in-use", message, "Keep it where these models are to be trained again.")
        return
    delete = call_step("delete_entity", kind=users[0][0], entity=users[0][1].id, resource=speech.resource.name)
    fix = f"Delete or move its content first, for example {delete}."
    if kind == "model":
        fix = f"Put another model into the endpoint with deploy_model, or {delete}, first."
    yield block("not-in-use", f"The {kind} {quote(entity.display_name)} is used by {listed}.", fix)
