"""The plan of a copy: its checked facts, and whether the target has the copy already."""

from collections.abc import Iterable
from dataclasses import dataclass

import anyio

from custom_speech_tools.guardrails.copy_rules import RULES, CopyFacts, name_is_free
from custom_speech_tools.guardrails.model_plan import next_step_when_blocked
from custom_speech_tools.guardrails.references import MODEL, PROJECT, find
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """A copy that is asked for; model and project as the caller named them."""

    model: str
    resource: str | None
    to_resource: str
    project: str | None = None
    allow_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """A model that may be copied; `read_at` is when its facts were read (`anyio.current_time`)."""

    source: Speech
    target: Speech
    model: schemas.CustomModel
    project: schemas.Project | None
    findings: tuple[Finding, ...]
    read_at: float

    @property
    def key(self) -> str:
        """The idempotency key."""
        return idempotency_key("copy", self.model.id, self.target.resource.identity)

    @property
    def decision(self) -> Decision:
        """The decision that the audit log records."""
        return Decision(self.findings, self.key)


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of the target before anything is copied.

    Attributes:
        known: Models of the name that existed before.
        earlier_copy: The same copy, made earlier.
    """

    authorization: schemas.ModelCopyAuthorization | None
    known: frozenset[str]
    earlier_copy: schemas.CustomModel | None
    findings: tuple[Finding, ...]


async def plan_copy(call: CallContext, request: CopyRequest) -> CopyPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule blocks the copy; every finding is listed.
    """
    source, target, read_at = call.speech(request.resource), call.speech(request.to_resource), anyio.current_time()
    has_projects = target.resource.api_version.has_projects
    async with task_group() as tasks:
        model_task = tasks.create_task(find(source, MODEL, request.model))
        wanted = request.project if has_projects else None
        project_task = tasks.create_task(find(target, PROJECT, wanted)) if wanted else None
    model, project = model_task.return_value, project_task.return_value if project_task else None
    facts = CopyFacts(
        source=source.resource,
        target=target.resource,
        now=call.now(source),
        model=model,
        project=project,
        wants_project=request.project is not None,
        target_has_key=target.resource.credential.has_key,
        clock_skew=source.clock.skew,
    )
    findings = tuple(finding for rule in RULES for finding in rule(facts))
    if is_blocked(findings) or isinstance(model, Finding) or isinstance(project, Finding):
        raise Refused("Nothing was copied.", findings, next_step_when_blocked(findings))
    return CopyPlan(source, target, model, project, findings, read_at)


async def read_target(call: CallContext, plan: CopyPlan, *, allow_duplicate: bool) -> TargetState:
    """Authorize the copy on the target, and look there for the same copy and for models of the same name.

    Raises:
        Refused: The target has a model of the name that is not the same copy.
    """
    source_id = plan.source.resource.resource_id
    writer = call.writer(plan.target, plan.decision)
    async with task_group() as tasks:
        copies_task = tasks.create_task(list_same_name(plan))
        authorization = tasks.create_task(writer.models_authorize_copy(source_id)) if source_id else None
    others = copies_task.return_value
    earlier = find_copy(plan.model, others)
    name = plan.target.resource.name
    findings = () if earlier else tuple(name_is_free(plan.model, others, name, allow_duplicate=allow_duplicate))
    if is_blocked(findings):
        raise Refused("Nothing was copied.", findings, "Then call again.")
    known = frozenset(model.id for model in others)
    return TargetState(authorization.return_value if authorization else None, known, earlier, findings)


async def list_same_name(plan: CopyPlan) -> list[schemas.CustomModel]:
    """Return the models on the target that have the name and locale of the source."""
    name, locale = plan.model.display_name, plan.model.locale
    listing = await plan.target.models_list_custom_models(display_name=name, locale=locale)
    return [model for model in listing.entities if model.display_name == name]


def find_copy(model: schemas.CustomModel, others: Iterable[schemas.CustomModel]) -> schemas.CustomModel | None:
    """Return the model on the target that carries the same key: a copy keeps the properties of its source."""
    key = (model.custom_properties or {}).get(KEY_PROPERTY)
    if not key:
        return None
    keyed = (other for other in others if other.id != model.id)
    return next((other for other in keyed if (other.custom_properties or {}).get(KEY_PROPERTY) == key), None)
