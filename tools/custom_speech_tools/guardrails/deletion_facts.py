"""Deletions: arguments, and facts about the entities that refer to the deleted entity."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, StrictBool

from custom_speech_tools.guardrails import entity_lookup
from custom_speech_tools.runtime import entity_kinds
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import Arguments, Confirm, Reference, ResourceName
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.tasks_and_threads import gather

DeletableKind = Literal["model", "dataset", "evaluation", "endpoint", "project", "transcription"]
Member = tuple[DeletableKind, schemas.Entity]

KINDS: dict[DeletableKind, entity_kinds.EntityKind[Any]] = {
    "model": entity_kinds.MODEL,
    "dataset": entity_kinds.DATASET,
    "evaluation": entity_kinds.EVALUATION,
    "endpoint": entity_kinds.ENDPOINT,
    "project": entity_kinds.PROJECT,
    "transcription": entity_kinds.TRANSCRIPTION,
}

# The kinds that belong to projects, in the order of deletion: a model cannot be deleted while an endpoint uses it.
CONTENTS: tuple[DeletableKind, ...] = ("endpoint", "evaluation", "model", "dataset", "transcription")

_USED_BY: dict[DeletableKind, tuple[DeletableKind, ...]] = {
    "model": ("endpoint",),
    "dataset": ("model",),
    "project": CONTENTS,
}


class DeletionArguments(Arguments):
    """The arguments of delete_entity."""

    kind: Annotated[DeletableKind, Field(description="Kind of the entity")]
    entity: Reference
    with_contents: Annotated[StrictBool, Field(description="Also delete everything in the project")] = False
    confirm: Confirm = None
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _only_projects_have_contents(self) -> "DeletionArguments":
        if self.with_contents and self.kind != "project":
            raise ValueError('with_contents needs kind="project"; nothing else has contents')
        return self


@dataclass(frozen=True, slots=True)
class DeletionFacts:
    """The facts for the rules of deletions."""

    speech: Speech
    kind: DeletableKind
    entity: schemas.Entity | Finding  # a Finding if the entity was not found
    users: Mapping[str, Sequence[Member]]  # the entities that refer to an entity, by its id, in the order of CONTENTS
    is_complete: bool  # False if the service's lists were not read to the end


async def gather_deletion_facts(call: CallContext, arguments: DeletionArguments) -> DeletionFacts:
    """Find the entity, and list the entities that may refer to it or to the contents of a project."""
    speech, kind = call.speech(arguments.resource), arguments.kind
    unsupported = entity_lookup.missing_project_support(speech.resource, "none") if kind == "project" else None
    entity = unsupported or await entity_lookup.find_entity(speech, KINDS[kind], arguments.entity)
    if isinstance(entity, Finding):
        return DeletionFacts(speech, kind, entity, {}, is_complete=True)
    return await _list_users(speech, kind, entity)


async def read_facts_again(speech: Speech, kind: DeletableKind, entity_id: str) -> DeletionFacts | None:
    """Read an entity and its users again by its id, or return None if the entity no longer exists."""
    entity = await entity_lookup.if_found(KINDS[kind].get(speech, entity_id))
    return None if entity is None else await _list_users(speech, kind, entity)


async def _list_users(speech: Speech, kind: DeletableKind, entity: schemas.Entity) -> DeletionFacts:
    """Return the facts about an entity, with the entities that may refer to it."""
    kinds = _USED_BY.get(kind, ())
    listings = await gather(*(KINDS[one].list(speech) for one in kinds))
    users = defaultdict[str, list[Member]](list)
    for user_kind, listing in zip(kinds, listings, strict=True):
        for user in listing.entities:
            for part in {part.id for part in user.parts}:
                users[part].append((user_kind, user))
    return DeletionFacts(speech, kind, entity, users, all(listing.complete for listing in listings))
