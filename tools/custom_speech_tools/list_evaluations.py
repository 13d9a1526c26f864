"""list_evaluations: list the evaluations of a resource, with error rates."""

from functools import partial

from custom_speech_tools.guardrails.entity_lookup import find_any_model, find_project
from custom_speech_tools.presenters.evaluation import Evaluations, present_listed_evaluation
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import list_entities
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech


class ListEvaluationsArguments(parameters.ListArguments):
    """The arguments of list_evaluations."""

    model: parameters.OptionalReference = None
    status: parameters.StatusFilter = None
    project: parameters.ProjectFilter = None


async def list_evaluations(arguments: ListEvaluationsArguments, call: CallContext) -> Evaluations:
    """List the evaluations of a resource, newest first, with test data and word error rates of both models.

    `is_void`: a model was trained with the test data. get_evaluation adds a verdict.
    """
    wanted = [partial(find_project, reference=arguments.project)]
    model_wanted = [partial(find_any_model, reference=arguments.model)] if arguments.model else []
    found = await list_entities(
        call, arguments, Speech.evaluations_list, referenced=[*wanted, *model_wanted], status=arguments.status
    )
    shown = await found.rows(present_listed_evaluation, lambda one: [one.model1, one.model2, one.dataset])
    step = found.step("get_evaluation", "evaluation", "an evaluation")
    if not shown:
        model, dataset = Choice("a model"), Choice("a test dataset")
        step = call_step("create_evaluation", model=model, dataset=dataset, resource=found.single_resource)
    return Evaluations(**found.fields(), evaluations=shown, next_steps=[step])


tool = declare(list_evaluations, "List evaluations", Annotations.READ, "quality")
