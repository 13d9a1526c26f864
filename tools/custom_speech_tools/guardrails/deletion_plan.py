"""Deleting an entity, or a project with its contents: the arguments, what uses it, the rules, and the plan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import pydantic
from pydantic import Field, StrictBool

from custom_speech_tools.guardrails.copy_facts import is_copy
from custom_speech_tools.guardrails.entity_lookup import find_entity, missing_project_support
from custom_speech_tools.guardrails.shared_rules import Findings, is_blocked, parts_fit
from custom_speech_tools.runtime import confirmation_policy
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import (
    DATASET,
    ENDPOINT,
    EVALUATION,
    MODEL,
    PROJECT,
    TRANSCRIPTION,
    EntityKind,
)
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, Value, call_step
from custom_speech_tools.runtime.parameters import Arguments, Confirm, Reference, ResourceName
from custom_speech_tools.runtime.polling import TERMINAL_STATUSES
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word
from custom_speech_tools.speech.tasks_and_threads import gather

DeletableKind = Literal["model", "dataset", "evaluation", "endpoint", "project", "transcription"]

KINDS: dict[DeletableKind, EntityKind[Any]] = dict(
    zip(get_args(DeletableKind), (MODEL, DATASET, EVALUATION, ENDPOINT, PROJECT, TRANSCRIPTION), strict=True)
)

# The kinds that belong to projects, in the order of their deletion: a model in use cannot be deleted.
CONTENTS: tuple[DeletableKind, ...] = ("endpoint", "evaluation", "model", "dataset", "transcription")

_USED_BY: dict[DeletableKind, tuple[DeletableKind, ...]] = {
    "model": ("endpoint",),
    "dataset": ("model",),
    "project": CONTENTS,
}

_CONSEQUENCES = {
    "model": "The trained model cannot be restored, and training it again may be charged; copies elsewhere stay.",
    "dataset": "The uploaded data cannot be restored.",
    "evaluation": "Its error rates and details cannot be restored.",
    "endpoint": "Applications that use its id stop working; a new endpoint gets another id.",
    "transcription": "Its texts cannot be restored; transcribing again is billed again.",
    "project": "A new project gets another id.",
}

MAX_USERS = 10

Member = tuple[DeletableKind, schemas.Entity]  # an entity of a resource, with its kind


class DeletionArguments(Arguments):
    """The arguments of delete_entity."""

    kind: Annotated[DeletableKind, Field(description="What to delete")]
    entity: Reference
    with_contents: Annotated[StrictBool, Field(description="Of a project: everything in it, too")] = False
    confirm: Confirm = None
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _only_projects_have_contents(self) -> "DeletionArguments":
        if self.with_contents and self.kind != "project":
            raise ValueError('with_contents needs kind="project"; nothing else has contents')
        return self


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion of one entity."""

    speech: Speech
    kind: DeletableKind
    entity: schemas.Entity

    @property
    def description(self) -> str:
        """The entity as sentences name it."""
        return f"{self.kind} {quote(self.entity.display_name)} ({self.entity.id})"

    @property
    def resource(self) -> str:
        """The resource as sentences name it."""
        return f"resource {self.speech.resource.name}{' (emulated)' if self.speech.is_emulated else ''}"

    @property
    def consequence(self) -> str:
        """The consequences, in a sentence."""
        if isinstance(self.entity, schemas.CustomModel) and is_copy(self.entity):
            # Its properties say so, and anybody who may write to the resource can change those.
            return "It is noted as a copy: copying its source again makes another one, if the source still exists."
        return _CONSEQUENCES[self.kind]

    @property
    def effect(self) -> confirmation_policy.Effect:
        """The loss that the user has to agree to: bound to the entity's id and to the name that the user reads."""
        words = f"This deletes {self.description} for good on {self.resource}. {self.consequence}"
        digest = idempotency_key(self.kind, self.entity.id, self.entity.display_name)
        return confirmation_policy.Effect("deletion", self.speech.resource, digest, (), words)


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """Entities that may be deleted, in this order: the contents of a project, then what was asked for."""

    deletions: tuple[Deletion, ...]
    with_contents: bool
    findings: tuple[Finding, ...]

    def confirmation_request(self) -> confirmation_policy.ConfirmationRequest:
        """Return the question to the user, which names every entity.

        For a project the agreement is kept for later calls, but only as long as a token: the user expects the deletion
        now.
        """
        asked = self.deletions[-1]
        listed = ", ".join(one.description for one in self.deletions)
        consequences = " ".join(dict.fromkeys(one.consequence for one in self.deletions))
        also = " with its contents" if self.with_contents else ""
        question = f"This deletes {listed} for good on {asked.resource}. {consequences} "
        return confirmation_policy.ConfirmationRequest(
            effects=tuple(one.effect for one in self.deletions),
            question=f"{question}Delete {quote(asked.entity.display_name)}{also}?",
            findings=self.findings,
            not_done="Nothing was deleted.",
            declined="Leave it.",
            scope=idempotency_key("deletion", asked.effect.digest) if self.with_contents else None,
            stored_lifetime=confirmation_policy.CONFIRMATION_LIFETIME,
        )


async def plan_deletion(call: CallContext, arguments: DeletionArguments) -> DeletionPlan:
    """Find the entity, its contents if they are to be deleted, and what uses them.

    Raises Refused with every finding if a rule blocks the deletion.
    """
    speech, kind = call.speech(arguments.resource), arguments.kind
    findings = list(parts_fit(speech.resource, None))
    unsupported = missing_project_support(speech.resource, "none") if kind == "project" else None
    entity = unsupported or await find_entity(speech, KINDS[kind], arguments.entity)
    if isinstance(entity, Finding):
        raise Refused("Nothing was deleted.", [*findings, entity])
    users, unread = await read_users(speech, _USED_BY.get(kind, ()))
    contents = users[entity.id] if arguments.with_contents else []
    deletions = tuple(Deletion(speech, *member) for member in (*contents, (kind, entity)))
    deleted = {one.entity.id for one in deletions}
    findings += unread
    for one in deletions:
        findings += not_in_use(one, [user for user in users[one.entity.id] if user[1].id not in deleted])
    if is_blocked(findings):
        raise Refused("Nothing was deleted.", findings)
    if call.app.confirmation.mode == "ask":
        for one in deletions[:-1]:
            message = f"It is deleted with its project: {one.description}."
            findings.append(
                Finding(
                    rule=confirmation_policy.RULE_OF["deletion"], level="confirm", message=message, fix=one.consequence
                )
            )
    message = f"Deleting {deletions[-1].description} cannot be undone. {deletions[-1].consequence}"
    findings.append(confirmation_policy.agreement_finding("deletion", call.app.confirmation, message))
    return DeletionPlan(deletions, arguments.with_contents, tuple(findings))


async def read_users(
    speech: Speech, kinds: Sequence[DeletableKind]
) -> tuple[Mapping[str, list[Member]], list[Finding]]:
    """Return the entities of some kinds by the id of each part that they name, and a finding if there are too many.

    They are in the order of the kinds.
    """
    listings = await gather(*(KINDS[kind].list(speech) for kind in kinds))
    users = defaultdict[str, list[Member]](list)
    for kind, listing in zip(kinds, listings, strict=True):
        for entity in listing.entities:
            for part in {part.id for part in entity.parts}:
                users[part].append((kind, entity))
    if all(listing.complete for listing in listings):
        return users, []
    here = speech.resource.name
    message = f"Resource {here} has more entities than can be listed, so that what uses it is not known."
    return users, [block("not-in-use", message, "Delete what is not needed in the Azure portal first.", "none")]


async def check_again(deletion: Deletion, project: Deletion) -> Deletion | None:
    """Read an entity again directly before it is deleted with its project; return its deletion, None if it is gone.

    While others were deleted, it may have been moved, renamed or used, and the project may have got other contents:
    raises Refused if a rule now blocks its deletion, or if it no longer belongs to the project.
    """
    speech, kind = deletion.speech, KINDS[deletion.kind]
    try:
        entity = await kind.get(speech, deletion.entity.id)
    except AzureError as error:
        if error.status != 404:
            raise
        return None
    present = Deletion(speech, deletion.kind, entity)
    users, findings = await read_users(speech, _USED_BY.get(deletion.kind, ()))
    findings += not_in_use(present, users[entity.id])
    if deletion is not project and project.entity.id not in {part.id for part in entity.parts}:
        message = f"The {present.description} no longer belongs to the project."
        findings.append(block("not-in-use", message, "It stays; call again for the rest."))
    if is_blocked(findings):
        raise Refused("Nothing was deleted.", findings)
    return present


def not_in_use(deletion: Deletion, users: Sequence[Member]) -> Findings:
    """Require a final status, and that nothing that stays uses the entity.

    The service refuses to delete a running entity. Models keep what they learned from a dataset.
    """
    kind, speech = deletion.kind, deletion.speech
    status = getattr(deletion.entity, "status", "Succeeded")
    if status not in TERMINAL_STATUSES:
        message = f"The {deletion.description} is {word(status)}; it can be deleted when it is Succeeded or Failed."
        reference: dict[str, Value] = {kind: deletion.entity.id}
        wait = call_step(f"get_{kind}", **reference, wait_seconds=DEFAULT_WAIT_SECONDS, resource=speech.resource.name)
        yield block("not-in-use", message, f"Wait for it: {wait}.", "wait")
    if not users:
        return
    names = [Deletion(speech, *user).description for user in users]
    listed = ", ".join(names[:MAX_USERS]) + (f" and {len(names) - MAX_USERS} more" if len(names) > MAX_USERS else "")
    if kind == "dataset":
        message = f"The {deletion.description} was used for {listed}, which {'stays' if len(names) == 1 else 'stay'}."
        yield warn("not-in-use", message, "Keep it if models are to be trained or tested with it again.")
        return
    (user, other), here = users[0], speech.resource.name
    delete = call_step("delete_entity", kind=user, entity=other.id, resource=here)
    fix = f"Delete it first: {delete}."
    if kind == "project":
        everything = call_step("delete_entity", kind=kind, entity=deletion.entity.id, with_contents=True, resource=here)
        fix = f"{everything} deletes the project with its contents, after your user has agreed."
    elif user == "endpoint":
        fix = f"Put another model into the endpoint with deploy_model, or {delete}, first."
    yield block("not-in-use", f"The {deletion.description} is used by {listed}.", fix)
