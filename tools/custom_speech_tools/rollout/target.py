"""The targets of a rollout: the state of their resources, the remaining steps, and the findings about them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from custom_speech_tools.guardrails import copy_facts, deployment_facts
from custom_speech_tools.guardrails.copy_plan import CopyAuthorization, StartedCopy, name_is_free
from custom_speech_tools.guardrails.deployment_facts import PREVIOUS_MODEL_PROPERTY
from custom_speech_tools.guardrails.deployment_plan import endpoint_is_ready
from custom_speech_tools.guardrails.entity_lookup import URI_SCHEMES, MissingEntity, find_entity, find_project
from custom_speech_tools.guardrails.shared_rules import parts_fit
from custom_speech_tools.rollout.definition import TargetDefinition
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import ENDPOINT
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.related_entities import Entities, read_related
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.sanitize import reason_clause
from custom_speech_tools.speech.service_urls import GUID
from custom_speech_tools.speech.tasks_and_threads import gather, task_group

# The custom property of a model with the time and the targets of its running copies, because the service cannot list
# them. Anybody may write into it: it helps to find a copy, but never permits or decides anything.
COPIES_PROPERTY = "custom-speech-mcp-copies"
COPY_LIFETIME = timedelta(minutes=30)  # after which a copy that has not arrived is started again

_TIME = "%Y-%m-%dT%H:%MZ"
_TAG_CHARACTERS = 6


@dataclass(frozen=True, slots=True)
class Target:
    """The state of a target. A Finding takes the place of an entity that was not found."""

    definition: TargetDefinition
    speech: Speech
    source_id: str | None = None  # of the model on the source, None until it is trained
    project: schemas.Project | Finding | None = None
    endpoint: schemas.Endpoint | Finding | None = None  # None if it has to be created, or if no endpoint is defined
    copy: schemas.CustomModel | None = None  # None until it has arrived
    is_copying: bool = False  # a copy was started and has not arrived
    authorization: CopyAuthorization | None = None  # to start the copy in this call
    started_copy: StartedCopy | None = None  # the copy that this call has started or found running
    findings: tuple[Finding, ...] = ()
    error: str | None = None  # why the next steps are not taken
    is_failed: bool = False  # True if waiting does not resolve the error
    is_unreachable: bool = False  # the resource did not answer, so its state is unknown
    warnings: tuple[Finding, ...] = ()  # from the rules of deployments

    @property
    def tag(self) -> str:
        """The first characters of a digest of the resource, which identify it in COPIES_PROPERTY."""
        return idempotency_key(self.speech.resource.identity)[:_TAG_CHARACTERS]

    @property
    def is_connected(self) -> bool:
        """True if the copy is in its project and names its source."""
        properties = (self.copy.custom_properties or {}) if self.copy else {}
        if self.copy is None or properties.get(copy_facts.COPIED_FROM_PROPERTY) != self.source_id:
            return False
        return not isinstance(self.project, schemas.Project) or copy_facts.is_connected(self.copy, self.project)

    @property
    def is_deployed(self) -> bool:
        """True if the endpoint has the copy, whatever its status."""
        has = self.endpoint.model if isinstance(self.endpoint, schemas.Endpoint) else None
        return has is not None and self.copy is not None and has.id == self.copy.id

    @property
    def creates_endpoint(self) -> bool:
        """True if the endpoint has to be created, which is charged."""
        return self.definition.endpoint is not None and self.endpoint is None and not self.is_unreachable

    @property
    def previous_model(self) -> schemas.Reference | None:
        """The model that the endpoint had before the copy, or has until the copy is deployed."""
        if not isinstance(self.endpoint, schemas.Endpoint):
            return None
        return deployment_facts.previous_model(self.speech, self.endpoint) if self.is_deployed else self.endpoint.model

    @property
    def has_unknown_previous(self) -> bool:
        """True if the endpoint records a previous model that is not a model of its resource."""
        properties = getattr(self.endpoint, "custom_properties", None) or {}
        return self.is_deployed and self.previous_model is None and bool(properties.get(PREVIOUS_MODEL_PROPERTY))

    @property
    def remaining(self) -> list[str]:
        """The remaining steps, in order."""
        is_live = self.is_deployed and getattr(self.endpoint, "status", None) == "Succeeded"
        steps = {
            "copy": self.copy is None,
            "connect": not self.is_connected,
            "create endpoint": self.creates_endpoint,
            "deploy": self.definition.endpoint is not None and not self.creates_endpoint and not is_live,
        }
        return [name for name, remains in steps.items() if remains]

    @property
    def is_complete(self) -> bool:
        """True if no step remains."""
        return not (self.error or self.remaining)

    def with_findings(self, findings: Sequence[Finding]) -> "Target":
        """Return the target with these findings, and with their text as its error."""
        text = " ".join(f"[{one.level}: {one.rule}] {one.message} {one.fix}" for one in findings)
        is_failed = not all(one.remedy == "wait" for one in findings)
        return replace(self, findings=tuple(findings), error=text or None, is_failed=is_failed)


async def read_target(
    call: CallContext, model: schemas.CustomModel | None, locale: str, definition: TargetDefinition, now: datetime
) -> Target:
    """Return the checked state of a target. A target that does not answer is returned as unreachable.

    Args:
        model: The model on the source, or None until it is trained.
        now: The service's time.
    """
    speech, reference = call.speech(definition.resource), definition.endpoint
    target = Target(definition, speech, model.id if model else None)
    started_at = copy_started_at(model, target.tag, now) if model else None
    is_copying = started_at is not None and now - started_at <= COPY_LIFETIME
    try:
        async with task_group() as tasks:
            project_task = tasks.create_task(find_project(speech, definition.project, locale))
            endpoint_task = tasks.create_task(find_rollout_endpoint(speech, reference, locale)) if reference else None
            models_task = tasks.create_task(speech.models_list_custom_models(locale=locale))
    except SpeechError as error:
        is_failed = not error.is_transient
        # A copy that was started stays recorded.
        return replace(target, is_copying=is_copying, is_unreachable=True, error=str(error), is_failed=is_failed)
    project, endpoint = project_task.return_value, endpoint_task.return_value if endpoint_task else None
    target = replace(target, project=project, endpoint=endpoint)
    findings = [*parts_fit(speech.resource, locale, project, endpoint)]
    if model is not None:
        models = models_task.return_value.entities
        same_name = [one for one in models if one.display_name == model.display_name]
        # A copy that does not name its source is known by its name and by its creation after the recorded start.
        dated = [(one, one.created_date_time) for one in same_name if copy_facts.may_be_copy(model, one)]
        recent = (one for one, created in dated if started_at and created and created >= started_at)
        copy = copy_facts.find_copy(model, models) or next(recent, None)
        target = replace(target, copy=copy, is_copying=is_copying and copy is None)
        others = same_name if copy is None else []
        findings += [*name_is_free(model, others, speech, allow_duplicate=False), *copy_can_be_deployed(target)]
    return target.with_findings(findings)


async def read_previous_models(targets: Iterable[Target]) -> Entities:
    """Return the previous models of all endpoints by id, without models that cannot be read."""
    found = await gather(*(read_related(one.speech, [one.previous_model]) for one in targets))
    return {model.id: model for models in found for model in models.values()}


async def find_rollout_endpoint(speech: Speech, reference: str, locale: str) -> schemas.Endpoint | Finding | None:
    """Return the endpoint for which a rollout used this name, or else the endpoint with this id or name.

    Return None if no endpoint has the name, so that one can be created.
    """
    is_name = not (GUID.fullmatch(reference) or reference.lower().startswith(URI_SCHEMES))
    if is_name:
        endpoints = (await speech.endpoints_list(locale=locale)).entities
        requested = deployment_facts.REQUESTED_NAME_PROPERTY
        used = [one for one in endpoints if (one.custom_properties or {}).get(requested) == reference]
        named = used or [one for one in endpoints if one.display_name == reference]
        if len(named) == 1:
            return named[0]
    found = await find_entity(speech, ENDPOINT, reference, locale)
    return None if is_name and isinstance(found, MissingEntity) else found


def running_copies(now: datetime, tags: Iterable[str]) -> str:
    """Format the value of COPIES_PROPERTY."""
    return " ".join([now.astimezone(UTC).strftime(_TIME), *sorted(tags)])


def copy_started_at(model: schemas.CustomModel, tag: str, now: datetime) -> datetime | None:
    """Return the recorded start of a copy to a resource, or None if there is no record or it is in the future."""
    first, *tags = ((model.custom_properties or {}).get(COPIES_PROPERTY) or "").split() or [""]
    try:
        started_at = datetime.strptime(first, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return started_at if tag in tags and started_at <= now + timedelta(minutes=1) else None


def copy_can_be_deployed(target: Target) -> Iterator[Finding]:
    """Require a copy that has not failed, and an endpoint with no other deployment."""
    copy, endpoint, here = target.copy, target.endpoint, target.speech.resource.name
    if copy is not None and copy.status == "Failed":
        reason = reason_clause(copy.error.message if copy.error else None)
        deletion = call_step("delete_entity", kind="model", entity=copy.id, resource=here)
        fix = f"{deletion} removes it; the next call of the rollout copies the model again."
        yield block("model-is-ready", f"The copy {copy.id} failed{reason}", fix)
    if isinstance(endpoint, schemas.Endpoint) and not target.is_deployed:
        yield from endpoint_is_ready(endpoint, here)
