"""Deletions of an entity, or of a project with its contents: rules and plan."""

from collections.abc import Sequence
from dataclasses import dataclass

from custom_speech_tools.guardrails import shared_rules
from custom_speech_tools.guardrails.copy_facts import is_copy
from custom_speech_tools.guardrails.deletion_facts import (
    DeletableKind,
    DeletionArguments,
    DeletionFacts,
    Member,
    gather_deletion_facts,
    read_facts_again,
)
from custom_speech_tools.runtime import agreements
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, Value, call_step
from custom_speech_tools.runtime.polling import TERMINAL_STATUSES
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_USERS = 10  # entities that a finding names

_CONSEQUENCES = {
    "model": "The trained model cannot be restored, and training it again may be charged; copies elsewhere stay.",
    "dataset": "The uploaded data cannot be restored.",
    "evaluation": "Its error rates and details cannot be restored.",
    "endpoint": "Applications that use its id stop working; a new endpoint gets another id.",
    "transcription": "Its texts cannot be restored; transcribing again is billed again.",
    "project": "A new project gets another id.",
}


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion of one entity."""

    speech: Speech
    kind: DeletableKind
    entity: schemas.Entity

    @property
    def description(self) -> str:
        """The kind, the name and the id of the entity, for use in sentences."""
        return f"{self.kind} {quote(self.entity.display_name)} ({self.entity.id})"

    @property
    def resource(self) -> str:
        """The resource, for use in sentences."""
        return f"resource {self.speech.resource.name}{' (emulated)' if self.speech.is_emulated else ''}"

    @property
    def consequence(self) -> str:
        """A sentence about the consequence of the deletion."""
        if isinstance(self.entity, schemas.CustomModel) and is_copy(self.entity):
            # Anyone who may write to the resource can change the properties by which a copy is recognized.
            return "It is noted as a copy: copying its source again makes another one, if the source still exists."
        return _CONSEQUENCES[self.kind]

    @property
    def effect(self) -> agreements.Effect:
        """The loss that the user has to agree to, bound to the id of the entity and the name in the question."""
        description = f"This deletes {self.description} for good on {self.resource}. {self.consequence}"
        digest = idempotency_key(self.kind, self.entity.id, self.entity.display_name)
        return agreements.Effect("deletion", self.speech.resource, digest, (), description)


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """The planned deletions in order: the contents of a project first, the requested entity last."""

    deletions: tuple[Deletion, ...]
    with_contents: bool
    findings: tuple[Finding, ...]

    def confirmation_request(self) -> agreements.ConfirmationRequest:
        """Return the question to the user, with the name of every entity.

        An agreement to delete a project with its contents also covers later calls, for the lifetime of a token.
        """
        requested = self.deletions[-1]
        listed = ", ".join(one.description for one in self.deletions)
        consequences = " ".join(dict.fromkeys(one.consequence for one in self.deletions))
        also = " with its contents" if self.with_contents else ""
        question = f"This deletes {listed} for good on {requested.resource}. {consequences} "
        return agreements.ConfirmationRequest(
            effects=tuple(one.effect for one in self.deletions),
            question=f"{question}Delete {quote(requested.entity.display_name)}{also}?",
            findings=self.findings,
            not_done="Nothing was deleted.",
            declined="Leave it.",
            scope=idempotency_key("deletion", requested.effect.digest) if self.with_contents else None,
            stored_lifetime=agreements.CONFIRMATION_LIFETIME,
        )


async def plan_deletion(call: CallContext, arguments: DeletionArguments) -> DeletionPlan:
    """Return the plan of a deletion, or raise Refused with every finding if a rule blocks it."""
    facts = await gather_deletion_facts(call, arguments)
    entity, speech = facts.entity, facts.speech
    findings = [*shared_rules.parts_fit(speech.resource, None, entity), *all_users_are_listed(facts)]
    if isinstance(entity, Finding):
        raise Refused("Nothing was deleted.", findings)
    contents = facts.users.get(entity.id, ()) if arguments.with_contents else ()
    deletions = tuple(Deletion(speech, *member) for member in (*contents, (facts.kind, entity)))
    deleted = {one.entity.id for one in deletions}
    for one in deletions:
        users = facts.users.get(one.entity.id, ())
        findings += not_in_use(one, [(kind, user) for kind, user in users if user.id not in deleted])
    if shared_rules.is_blocked(findings):
        raise Refused("Nothing was deleted.", findings)
    rule, policy = agreements.RULE_OF["deletion"], call.app.confirmation
    for one in deletions[:-1] if policy.mode == "ask" else ():
        message = f"It is deleted with its project: {one.description}."
        findings.append(Finding(rule=rule, level="confirm", message=message, fix=one.consequence))
    message = f"Deleting {deletions[-1].description} cannot be undone. {deletions[-1].consequence}"
    findings.append(agreements.agreement_finding("deletion", policy, message))
    return DeletionPlan(deletions, arguments.with_contents, tuple(findings))


async def check_again(deletion: Deletion, project: Deletion) -> Deletion | None:
    """Return the deletion with the current name of the entity, or None if the entity no longer exists.

    Raises Refused if a rule now blocks the deletion, or if the entity no longer belongs to the project.
    """
    facts = await read_facts_again(deletion.speech, deletion.kind, deletion.entity.id)
    if facts is None or isinstance(facts.entity, Finding):
        return None
    present = Deletion(deletion.speech, deletion.kind, facts.entity)
    findings = [*all_users_are_listed(facts), *not_in_use(present, facts.users.get(facts.entity.id, ()))]
    if deletion is not project and project.entity.id not in {part.id for part in facts.entity.parts}:
        message = f"The {present.description} no longer belongs to the project."
        findings.append(block("not-in-use", message, "It stays; call again for the rest."))
    if shared_rules.is_blocked(findings):
        raise Refused("Nothing was deleted.", findings)
    return present


def all_users_are_listed(facts: DeletionFacts) -> shared_rules.Findings:
    """Require that the lists of entities that may use the entity were read completely."""
    if not facts.is_complete:
        name = facts.speech.resource.name
        message = f"Resource {name} has more entities than can be listed, so that what uses it is not known."
        yield block("not-in-use", message, "Delete what is not needed in the Azure portal first.", "none")


def not_in_use(deletion: Deletion, users: Sequence[Member]) -> shared_rules.Findings:
    """Require a terminal status and no remaining users.

    The service deletes no running entity. A dataset may be in use, because models keep what they learned from it.
    """
    kind, resource_name = deletion.kind, deletion.speech.resource.name
    status = getattr(deletion.entity, "status", "Succeeded")
    if status not in TERMINAL_STATUSES:
        message = f"The {deletion.description} is {word(status)}; it can be deleted when it is Succeeded or Failed."
        reference: dict[str, Value] = {kind: deletion.entity.id}
        wait = call_step(f"get_{kind}", **reference, wait_seconds=DEFAULT_WAIT_SECONDS, resource=resource_name)
        yield block("not-in-use", message, f"Wait for it: {wait}.", "wait")
    if not users:
        return
    listed = shared_rules.list_first([Deletion(deletion.speech, *user).description for user in users], MAX_USERS)
    if kind == "dataset":
        message = f"The {deletion.description} was used for {listed}, which {'stays' if len(users) == 1 else 'stay'}."
        yield warn("not-in-use", message, "Keep it if models are to be trained or tested with it again.")
        return
    user_kind, user = users[0]
    delete = call_step("delete_entity", kind=user_kind, entity=user.id, resource=resource_name)
    fix = f"Delete it first: {delete}."
    if kind == "project":
        entity = deletion.entity.id
        everything = call_step("delete_entity", kind=kind, entity=entity, with_contents=True, resource=resource_name)
        fix = f"{everything} deletes the project with its contents, after your user has agreed."
    elif user_kind == "endpoint":
        fix = f"Put another model into the endpoint with deploy_model, or {delete}, first."
    yield block("not-in-use", f"The {deletion.description} is used by {listed}.", fix)
