"""Creation of evaluations: arguments and facts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails import entity_lookup
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import DATASET
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.tasks_and_threads import task_group


class EvaluationArguments(parameters.Arguments):
    """The arguments of create_evaluation."""

    model: parameters.Reference
    dataset: Annotated[parameters.Identifier, Field(description="Audio with transcripts: id, self URI or exact name")]
    compare_with: Annotated[
        parameters.Identifier | None, Field(description="Custom or base model; default: the model's base model")
    ] = None
    display_name: Annotated[
        parameters.ShortText | None, Field(description="Name; default: made of models and dataset")
    ] = None
    project: parameters.OptionalReference = None
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """The facts about a requested evaluation. A Finding replaces an entity that was not found."""

    speech: Speech
    now: datetime  # the service's time
    model: entity_lookup.AnyModel | Finding | None  # None if it is still to be trained
    compare_with: entity_lookup.AnyModel | Finding | None  # None if the model's base model is not known
    dataset: schemas.Dataset | Finding
    project: schemas.Project | Finding | None = None  # None if none was requested
    display_name: str | None = None  # None for the default name
    same_name: Sequence[schemas.Evaluation] | None = None  # None if they were not listed
    unseen: schemas.Dataset | None = None  # other test data, if a model was trained with the requested data

    @property
    def found_models(self) -> list[entity_lookup.AnyModel]:
        """The models that were found."""
        return [one for one in (self.model, self.compare_with) if isinstance(one, entity_lookup.AnyModel)]

    @property
    def name(self) -> str:
        """The requested display name, or a default name made from the names of the models and the dataset."""
        models = {model.id: model.display_name[:60] for model in self.found_models}
        dataset = self.dataset.display_name[:60] if isinstance(self.dataset, schemas.Dataset) else "missing data"
        return self.display_name or f"{' against '.join(models.values())} on {dataset}"


async def gather_evaluation_facts(call: CallContext, arguments: EvaluationArguments) -> EvaluationFacts:
    """Fetch the named entities concurrently, then the lists of possible duplicates and of other test data."""
    speech, compare_with = call.speech(arguments.resource), arguments.compare_with
    async with task_group() as tasks:
        model = tasks.create_task(entity_lookup.find_any_model(speech, arguments.model))
        named = tasks.create_task(entity_lookup.find_any_model(speech, compare_with)) if compare_with else None
        dataset_task = tasks.create_task(entity_lookup.find_entity(speech, DATASET, arguments.dataset))
        project = tasks.create_task(entity_lookup.find_project(speech, arguments.project))
    found, dataset = model.return_value, dataset_task.return_value
    other = named.return_value if named else await entity_lookup.base_model_of(speech, found)
    given = (project.return_value, arguments.display_name)
    facts = EvaluationFacts(speech, call.now(speech), found, other, dataset, *given)
    models = facts.found_models
    if isinstance(dataset, Finding) or len(models) < 2:
        return facts
    is_seen = any(model.is_trained_with(dataset.id) for model in models)
    async with task_group() as tasks:
        listed = tasks.create_task(speech.datasets_list(locale=dataset.locale)) if is_seen else None
        same_name = tasks.create_task(speech.evaluations_list(display_name=facts.name, locale=dataset.locale))
    datasets = newest_first(listed.return_value.entities if listed else ())
    scorable = (one for one in datasets if one.kind == "Acoustic" and one.status == "Succeeded")
    unseen = next((one for one in scorable if not any(model.is_trained_with(one.id) for model in models)), None)
    return replace(facts, same_name=same_name.return_value.entities, unseen=unseen)
