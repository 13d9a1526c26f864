"""A rollout's arguments, and its facts: the model, the gate's test, and what each target has already."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import pydantic
from pydantic import AfterValidator, Field

from custom_speech_tools.guardrails.copy_plan import find_copy
from custom_speech_tools.guardrails.copy_rules import may_be_copy
from custom_speech_tools.guardrails.deployment_plan import has_model
from custom_speech_tools.guardrails.references import ENDPOINT, PROJECT, AmbiguousName, find
from custom_speech_tools.guardrails.rollout_record import (
    COPIES_PROPERTY,
    COPY_LIFETIME,
    MAX_TARGETS,
    PENDING_LIFETIME,
    PENDING_PROPERTY,
    Record,
    tag,
)
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import Arguments, Identifier, SourceResource
from custom_speech_tools.runtime.presenters.model import COPIED_FROM_PROPERTY
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.addresses import GUID
from custom_speech_tools.speech.concurrency import gather, task_group


@dataclass(frozen=True, slots=True)
class Strictness:
    """The rules by which the gate judges.

    Attributes:
        require_significance: Whether better means significantly better.
        allow_seen_test_data: Whether a test with data that a model was trained with counts.
    """

    require_significance: bool = True
    allow_seen_test_data: bool = False


def _fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("must be a fraction from 0 to 1; 15 % is 0.15")
    return value


Fraction = Annotated[float, Field(strict=True), AfterValidator(_fraction)]


class TargetArguments(Arguments):
    """A resource to bring the model to."""

    resource: Identifier
    project: Identifier | None = None
    endpoint: Identifier | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _names_a_resource(cls, given: Any) -> Any:
        """Take a name for the resource, and leave out what is null or empty."""
        if isinstance(given, str):
            return {"resource": given}
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if name == "resource" or value not in (None, "")}
        return given


class RolloutArguments(Arguments):
    """A rollout: what its plan and its execution are called with."""

    model: Identifier | None = None
    targets: Annotated[
        list[TargetArguments],
        Field(
            min_length=1,
            max_length=MAX_TARGETS,
            description="Where to copy, and what to connect and deploy to there; a new endpoint is created",
        ),
    ]
    test_dataset: Annotated[Identifier | None, Field(description="Audio with transcripts; default: no test")] = None
    compare_with: Annotated[
        Identifier | None, Field(description="Must be worse: base (default), deployed or a model")
    ] = None
    max_word_error_rate: Annotated[Fraction | None, Field(description="Fraction, e.g. 0.15")] = None
    resource: SourceResource = None

    @property
    def strictness(self) -> "Strictness":
        """The rules by which the gate judges."""
        return Strictness()

    @pydantic.model_validator(mode="after")
    def _gate_has_a_test(self) -> "RolloutArguments":
        if self.test_dataset is None and (self.max_word_error_rate is not None or self.compare_with):
            raise ValueError("needs test_dataset to compare or to measure a word error rate")
        return self


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What a target has; a Finding stands in place of what was not found.

    Attributes:
        endpoint: None where none is asked for, or where it has to be created.
        copy: The model's copy, None where it has not arrived.
        others: Models of the same name that are not the copy.
        is_copying: Whether a copy was started and has not arrived.
        error: Why the target's state could not be read.
    """

    asked: TargetArguments
    speech: Speech
    project: schemas.Project | Finding | None = None
    endpoint: schemas.Endpoint | Finding | None = None
    copy: schemas.CustomModel | None = None
    others: tuple[schemas.CustomModel, ...] = ()
    is_copying: bool = False
    error: SpeechError | None = None

    @property
    def tag(self) -> str:
        """What stands for the target in the record of copies."""
        return tag(self.speech.resource.identity)

    @property
    def agreement_tag(self) -> str:
        """What stands for the target's new endpoint in the record of agreements."""
        return tag(self.speech.resource.identity, self.asked.endpoint)

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
        return (
            isinstance(self.endpoint, schemas.Endpoint)
            and self.copy is not None
            and has_model(self.endpoint, self.copy)
        )

    @property
    def creates_endpoint(self) -> bool:
        """True if the endpoint has to be created, which is charged."""
        return self.asked.endpoint is not None and self.endpoint is None and self.error is None

    @property
    def remaining(self) -> list[str]:
        """What remains to be done, in order."""
        steps = {
            "copy": self.copy is None,
            "connect": not self.is_connected,
            "create endpoint": self.creates_endpoint,
            "deploy": self.asked.endpoint is not None and not self.creates_endpoint and not self._is_live,
        }
        return [name for name, remains in steps.items() if remains]

    @property
    def _is_live(self) -> bool:
        return self.is_deployed and isinstance(self.endpoint, schemas.Endpoint) and self.endpoint.status == "Succeeded"


async def read_targets(
    call: CallContext, model: schemas.CustomModel | None, locale: str, asked: list[TargetArguments], now: datetime
) -> tuple[TargetFacts, ...]:
    """Read all targets at once; one that does not answer holds nothing back.

    Args:
        model: The model on the source; None where it is still to be trained.
        now: The service's time.
    """
    return tuple(await gather(*(_read_target(call, model, locale, one, now) for one in asked)))


async def _read_target(
    call: CallContext, model: schemas.CustomModel | None, locale: str, asked: TargetArguments, now: datetime
) -> TargetFacts:
    speech = call.speech(asked.resource)
    try:
        async with task_group() as tasks:
            project = tasks.create_task(_find_project(speech, asked.project, locale))
            endpoint = tasks.create_task(_find_endpoint(speech, asked.endpoint, locale))
            named = tasks.create_task(_list_same_name(speech, model))
    except SpeechError as error:
        return TargetFacts(asked, speech, error=error)
    same_name = named.return_value
    copy, is_copying = _find_copy(model, same_name, speech, now) if model else (None, False)
    others = tuple(one for one in same_name if one is not copy)
    return TargetFacts(asked, speech, project.return_value, endpoint.return_value, copy, others, is_copying)


async def _find_project(speech: Speech, asked: str | None, locale: str) -> schemas.Project | Finding | None:
    has_projects = speech.resource.api_version.has_projects
    return await find(speech, PROJECT, asked, locale) if asked and has_projects else None


async def _find_endpoint(speech: Speech, asked: str | None, locale: str) -> schemas.Endpoint | Finding | None:
    """Return the endpoint; None where no endpoint has that name, so that it can be created."""
    if asked is None:
        return None
    found = await find(speech, ENDPOINT, asked, locale)
    is_name = not GUID.fullmatch(asked) and not asked.lower().startswith(("http://", "https://"))
    is_missing = isinstance(found, Finding) and not isinstance(found, AmbiguousName)
    return None if is_name and is_missing else found


async def _list_same_name(speech: Speech, model: schemas.CustomModel | None) -> list[schemas.CustomModel]:
    """Return the models of the model's name; without a model something is asked all the same: does it answer?"""
    if model is None:
        await speech.models_list_supported_locales()
        return []
    found = await speech.models_list_custom_models(display_name=model.display_name, locale=model.locale)
    return [one for one in found.entities if one.display_name == model.display_name]


def _find_copy(
    model: schemas.CustomModel, same_name: list[schemas.CustomModel], speech: Speech, now: datetime
) -> tuple[schemas.CustomModel | None, bool]:
    """Return the model's copy, and whether one is still on its way.

    A copy is known by the key that it shares with its model, by the id that it was given as its source, or because the
    record says that it was started and nothing else could have arrived since.
    """
    copies, pending = Record.read(model, COPIES_PROPERTY), Record.read(model, PENDING_PROPERTY)
    own = tag(speech.resource.identity)
    begun = [record.time for record in (copies, pending) if own in record.tags]
    by_source = (one for one in same_name if (one.custom_properties or {}).get(COPIED_FROM_PROPERTY) == model.id)
    arrived = (
        one
        for one in same_name
        if begun and one.created_date_time and one.created_date_time >= min(begun) and may_be_copy(model, one)
    )
    found = find_copy(model, same_name) or next(by_source, None) or next(arrived, None)
    on_the_way = copies.recent(now, COPY_LIFETIME) | pending.recent(now, PENDING_LIFETIME)
    return found, found is None and own in on_the_way
