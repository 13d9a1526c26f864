"""The plan of a copy: checked facts, and which model on the target is the same copy already."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import anyio
from mcp.server.mcpserver import Resolve

from custom_speech_tools.guardrails.copy_rules import RULES, CopyFacts, same_resource
from custom_speech_tools.guardrails.references import MODEL, PROJECT, find
from custom_speech_tools.guardrails.resource_rules import to_service_time
from custom_speech_tools.runtime.context import current
from custom_speech_tools.runtime.dependencies import Named, WithApp
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import MARK, digest
from custom_speech_tools.runtime.parameters import ModelName, TargetProject, TargetResource
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import together


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """A model that may be copied, and where to; `gathered` is when, in seconds of `anyio.current_time`."""

    source: Speech
    target: Speech
    model: schemas.CustomModel
    project: schemas.Project | None
    findings: tuple[Finding, ...]
    gathered: float

    @property
    def request(self) -> str:
        """The digest of the copy."""
        return digest("copy", self.source.resource.endpoint, self.model.id, self.target.resource.identity)


async def copy_plan(
    model: ModelName, to_resource: TargetResource, project: TargetProject, source: Named, connections: WithApp
) -> CopyPlan:
    """Gather the facts and check them; raises Refused with every finding."""
    target, gathered = connections.of(to_resource), anyio.current_time()
    has_projects = target.resource.api_version.has_projects
    async with together() as group:
        one = group.start(find(source, MODEL, model))
        other = group.start(find(target, PROJECT, project)) if project and has_projects else None
    there = other.result if other else None
    facts = CopyFacts(
        source=source.resource,
        target=target.resource,
        now=to_service_time(connections.now(), source.ahead),
        model=one.result,
        project=there,
        wants_project=project is not None,
        target_has_key=target.resource.credential.has_key,
        ahead=source.ahead,
    )
    findings = [finding for rule in RULES for finding in rule(facts)]
    blocked = any(finding.level == "block" for finding in findings)
    if blocked or isinstance(one.result, Finding) or isinstance(there, Finding):
        raise Refused("Nothing was copied.", findings, "Correct all of this, then call again.")
    current().findings = tuple(findings)
    return CopyPlan(source, target, one.result, there, tuple(findings), gathered)


Copying = Annotated[CopyPlan, Resolve(copy_plan)]


def earlier_copy(model: schemas.CustomModel, there: Iterable[schemas.CustomModel]) -> schemas.CustomModel | None:
    """The model on the target that carries the same mark: a copy keeps the properties of its source."""
    mark = (model.custom_properties or {}).get(MARK)
    others = (other for other in there if other.id != model.id)
    return next((other for other in others if mark and (other.custom_properties or {}).get(MARK) == mark), None)


def name_is_free(model: schemas.CustomModel, there: Iterable[schemas.CustomModel], target: str) -> Iterator[Finding]:
    """No model on the target is the source, or could be an earlier copy without a mark; others are mentioned."""
    for other in there:
        yield same_resource(target) if other.id == model.id else _same_name(model, other)


def _same_name(model: schemas.CustomModel, other: schemas.CustomModel) -> Finding:
    unclear = may_be_copy(model, other)
    return Finding(
        rule="already-exists",
        level="block" if unclear else "warn",
        message=f"The target has a model of this name and locale{UNCLEAR if unclear else ''}: {other.id}.",
        fix="If it is that, use connect_model on the target; if not, rename or delete it there first."
        if unclear
        else "It is another model; the copy is a second one of the name.",
    )


UNCLEAR = ", perhaps an earlier copy"


def may_be_copy(model: schemas.CustomModel, other: schemas.CustomModel) -> bool:
    """Whether another model of the name may be its copy: neither marked, older, nor trained with data of its own."""
    made, copied = model.created_date_time, other.created_date_time
    is_older = made is not None and copied is not None and copied < made
    return not (MARK in (other.custom_properties or {}) or other.datasets or is_older)
