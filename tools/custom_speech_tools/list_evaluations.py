"""list_evaluations: list the evaluations of a resource, with error rates."""

from collections.abc import Sequence

from custom_speech_tools.guardrails.references import find_any_model
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.lists import ALL_RESOURCES, list_fields, list_from
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.parameters import Arguments, Limit, OptionalModel, ResourceNameOrAll, StatusFilter
from custom_speech_tools.runtime.presenters.evaluation import Evaluations, ListedEvaluation, present_scores
from custom_speech_tools.runtime.presenters.references import load_references, present_dataset_reference
from custom_speech_tools.runtime.presenters.verdict import is_void
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import gather


class ListEvaluationsArguments(Arguments):
    """The arguments of list_evaluations."""

    model: OptionalModel = None
    status: StatusFilter = None
    limit: Limit = 20
    resource: ResourceNameOrAll = None


async def list_evaluations(arguments: ListEvaluationsArguments, call: CallContext) -> Evaluations:
    """List the evaluations of a resource, newest first, with test data and word error rates of both models.

    `is_void`: a model was trained with the test data. get_evaluation adds the verdict.
    """
    ids = await _model_ids(call, arguments.model, arguments.resource) if arguments.model else None
    found = await list_from(call, arguments.resource, lambda speech: speech.evaluations_list(status=arguments.status))
    kept = [
        (speech, one)
        for speech, one in found.items()
        if ids is None or not ids.isdisjoint((one.model1.id, one.model2.id))
    ]
    is_everywhere = arguments.resource == ALL_RESOURCES
    listed = kept[: arguments.limit]
    await gather(*(load_references(speech, _parts(listed, speech)) for speech in {speech for speech, _ in listed}))
    shown = [
        ListedEvaluation(
            id=one.id,
            display_name=one.display_name,
            locale=one.locale,
            status=one.status,
            dataset=present_dataset_reference(speech, one.dataset),
            is_void=is_void(speech, one),
            models=present_scores(speech, one),
            created=one.created_date_time,
            resource=speech.resource.name if is_everywhere else None,
        )
        for speech, one in listed
    ]
    where = (shown[0].resource if shown else None) or (None if is_everywhere else arguments.resource)
    here = where or call.app.default
    model, dataset = Placeholder("model"), Placeholder("test dataset")
    step = call_step("create_evaluation", model=model, dataset=dataset, resource=here)
    if shown:
        step = call_step("get_evaluation", evaluation=shown[0].id, resource=here)
    fields = list_fields(call, arguments.resource, found, kept, len(shown))
    return Evaluations(**fields, evaluations=shown, next_steps=[step])


def _parts(listed: Sequence[tuple[Speech, schemas.Evaluation]], speech: Speech) -> list[schemas.Reference]:
    """Return the models and datasets of one resource's evaluations."""
    own = [one for other, one in listed if other is speech]
    return [part for one in own for part in (one.model1, one.model2, one.dataset)]


async def _model_ids(call: CallContext, asked: str, resource: str | None) -> set[str]:
    """Return the ids of a custom or base model, on one resource or on all that have it.

    Raises:
        Refused: No resource has it.
    """
    resources = call.speech_of_all() if resource == ALL_RESOURCES else [call.speech(resource)]
    found = await gather(*(find_any_model(speech, asked) for speech in resources))
    ids = {one.id for one in found if not isinstance(one, Finding)}
    if not ids:
        missing = [one for one in found if isinstance(one, Finding)]
        raise Refused("Nothing to list.", missing, "Call again with a model that exists.")
    return ids


tool = declare(list_evaluations, "List evaluations", Annotations.READ, "quality")
