"""A target of a rollout: what its resource has of the model, what remains to be done there, and what stops it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from custom_speech_tools.guardrails.copy_facts import COPIED_FROM_PROPERTY, find_copy, may_be_copy
from custom_speech_tools.guardrails.copy_plan import CopyAuthorization, StartedCopy, name_is_free
from custom_speech_tools.guardrails.deployment_facts import PREVIOUS_MODEL_PROPERTY, REQUESTED_NAME_PROPERTY
from custom_speech_tools.guardrails.entity_lookup import ENDPOINT, URI_SCHEMES, MissingEntity, find_entity, find_project
from custom_speech_tools.guardrails.shared_rules import parts_fit
from custom_speech_tools.rollout.definition import TargetDefinition
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.sanitize import quote, sanitize, word
from custom_speech_tools.speech.tasks_and_threads import task_group
from custom_speech_tools.speech.trusted_urls import GUID

# The property in which a model notes its copies, by resource and start: the service cannot list running ones.
# Anybody may write into it: it helps to find a copy, and nothing is permitted or judged by it.
COPIES_PROPERTY = "custom-speech-mcp-copies"
COPY_LIFETIME = timedelta(minutes=30)  # a copy that was begun elsewhere is waited for, before it is started again

_TIME = "%Y-%m-%dT%H:%MZ"
_TAG_CHARACTERS = 6


@dataclass(frozen=True, slots=True)
class Target:
    """The state of a target; a Finding stands in place of what was not found."""

    definition: TargetDefinition
    speech: Speech
    project: schemas.Project | Finding | None = None
    endpoint: schemas.Endpoint | Finding | None = None  # None if no endpoint is defined, or if it has to be created
    copy: schemas.CustomModel | None = None  # None until it has arrived
    is_copying: bool = False  # a copy was begun and has not arrived
    authorization: CopyAuthorization | None = None  # to start the copy
    started: StartedCopy | None = None  # by this call, or found running by it
    findings: tuple[Finding, ...] = ()  # what the rules say against it
    error: str | None = None  # why it does not go on
    is_failed: bool = False  # waiting will not help
    is_unreachable: bool = False  # the resource did not answer, so nothing is known of it
    warnings: tuple[Finding, ...] = ()  # what the deployment's rules stated

    @property
    def tag(self) -> str:
        """A few characters that stand for the resource in the note about copies."""
        return idempotency_key(self.speech.resource.identity)[:_TAG_CHARACTERS]

    @property
    def is_connected(self) -> bool:
        """True if the copy is in its project and says where it comes from."""
        copy, project = self.copy, self.project
        if copy is None or COPIED_FROM_PROPERTY not in (copy.custom_properties or {}):
            return False
        return not isinstance(project, schemas.Project) or bool(copy.project and copy.project.id == project.id)

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
    def previous_model(self) -> str | None:
        """The URI of the model that the endpoint has, or had before the copy."""
        if not isinstance(self.endpoint, schemas.Endpoint):
            return None
        if self.is_deployed:
            return (self.endpoint.custom_properties or {}).get(PREVIOUS_MODEL_PROPERTY)
        return self.endpoint.model.uri if self.endpoint.model else None

    @property
    def remaining(self) -> list[str]:
        """The steps that remain, in order."""
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
        """True if nothing remains to be done."""
        return not (self.error or self.remaining)

    def stop(self, why: str, *, is_failed: bool) -> "Target":
        """Return the target, which does not go on."""
        return replace(self, error=why, is_failed=is_failed)


async def read_target_state(
    call: CallContext, model: schemas.CustomModel | None, locale: str, definition: TargetDefinition, now: datetime
) -> Target:
    """Read what a target has and check it; one that does not answer is returned as unknown.

    Args:
        model: The model on the source; None until it is trained.
        now: The service's time.
    """
    speech = call.speech(definition.resource)
    target = Target(definition, speech)
    begun = copy_started_at(model, target.tag, now) if model else None
    is_copying = begun is not None and now - begun <= COPY_LIFETIME
    try:
        async with task_group() as tasks:
            project = tasks.create_task(find_project(speech, definition.project, locale))
            named = definition.endpoint
            endpoint = tasks.create_task(read_endpoint(speech, named, locale)) if named else None
            listed = tasks.create_task(speech.models_list_custom_models(locale=locale))
    except SpeechError as error:
        target = replace(target, is_copying=is_copying, is_unreachable=True)  # a copy that was begun stays noted
        return target.stop(str(error), is_failed=not error.is_transient)
    parts = (project.return_value, endpoint.return_value if endpoint else None)
    target = replace(target, project=parts[0], endpoint=parts[1])
    findings = [*parts_fit(speech.resource, locale, *parts)]
    if model is not None:
        models = listed.return_value.entities
        copy = _find_finished_copy(model, models, begun)
        target = replace(target, copy=copy, is_copying=is_copying and copy is None)
        others = [one for one in models if one.display_name == model.display_name] if copy is None else []
        findings += [*name_is_free(model, others, speech, allow_duplicate=False), *_check_copy(target)]
    text = " ".join(f"[{one.level}: {one.rule}] {one.message} {one.fix}" for one in findings)
    is_failed = not all(one.remedy == "wait" for one in findings)
    return replace(target, findings=tuple(findings), error=text or None, is_failed=is_failed)


async def read_endpoint(speech: Speech, reference: str, locale: str) -> schemas.Endpoint | Finding | None:
    """Return the endpoint: the one that a rollout has used under this name, else the one of that name.

    None if there is neither, so that it can be created.
    """
    is_name = not (GUID.fullmatch(reference) or reference.lower().startswith(URI_SCHEMES))
    if is_name:
        endpoints = (await speech.endpoints_list(locale=locale)).entities
        used = [one for one in endpoints if (one.custom_properties or {}).get(REQUESTED_NAME_PROPERTY) == reference]
        named = used or [one for one in endpoints if one.display_name == reference]
        if len(named) == 1:
            return named[0]
    found = await find_entity(speech, ENDPOINT, reference, locale)
    return None if is_name and isinstance(found, MissingEntity) else found


def running_copies_property(now: datetime, tags: Iterable[str]) -> str:
    """Return the value of the property that notes copies."""
    return " ".join([now.astimezone(UTC).strftime(_TIME), *sorted(tags)])


def copy_started_at(model: schemas.CustomModel, tag: str, now: datetime) -> datetime | None:
    """Return when a copy to a resource was begun, None if that is not noted, or for the future."""
    first, *tags = ((model.custom_properties or {}).get(COPIES_PROPERTY) or "").split() or [""]
    try:
        begun = datetime.strptime(first, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return begun if tag in tags and begun <= now + timedelta(minutes=1) else None


def _find_finished_copy(
    model: schemas.CustomModel, models: Sequence[schemas.CustomModel], begun: datetime | None
) -> schemas.CustomModel | None:
    """Return the model's copy.

    It says so, or a copy was begun and nothing else of the name could have arrived since.
    """
    since = (one for one in models if begun and one.created_date_time and one.created_date_time >= begun)
    arrived = (one for one in since if one.display_name == model.display_name and may_be_copy(model, one))
    return find_copy(model, models) or next(arrived, None)


def _check_copy(target: Target) -> Iterator[Finding]:
    copy, endpoint = target.copy, target.endpoint
    if copy is not None and copy.status == "Failed":
        why = copy.error.message if copy.error else None
        fix = f'delete_entity(kind="model", entity="{copy.id}") removes it, and then it is copied again.'
        yield block("model-is-ready", f"The copy {copy.id} failed{': ' + sanitize(why) if why else '.'}", fix)
    if isinstance(endpoint, schemas.Endpoint) and not target.is_deployed and not is_terminal(endpoint):
        message = f"Endpoint {quote(endpoint.display_name)} is getting another model ({word(endpoint.status)})."
        yield block("endpoint-is-ready", message, "Wait for it.", "wait")
