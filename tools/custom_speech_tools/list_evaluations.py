"""list_evaluations: list the evaluations of a resource, with error rates."""

from custom_speech_tools.guardrails.references import find_any_model
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.lists import ALL_RESOURCES, list_entities
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.parameters import Arguments, Limit, OptionalModel, ResourceNameOrAll, StatusFilter
from custom_speech_tools.runtime.presenters.evaluation import Evaluations, present_listed_evaluation
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech
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
    found = await list_entities(
        call,
        arguments,
        Speech.evaluations_list,
        lambda one: ids is None or not ids.isdisjoint((one.model1.id, one.model2.id)),
        status=arguments.status,
    )
    shown = await found.rows_with_parts(lambda one: [one.model1, one.model2, one.dataset], present_listed_evaluation)
    model, dataset = Placeholder("model"), Placeholder("test dataset")
    step = call_step("create_evaluation", model=model, dataset=dataset, resource=found.first_resource)
    if shown:
        step = call_step("get_evaluation", evaluation=shown[0].id, resource=found.first_resource)
    return Evaluations(**found.fields(), evaluations=shown, next_steps=[step])


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
