"""list_evaluations: the tests of models on a resource."""

from custom_speech_tools.guardrails.references import find_any_model
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import Placeholder
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import Arguments, Limit, OptionalModel, ResourceName, StatusFilter
from custom_speech_tools.runtime.presenters.evaluation import Evaluations, ListedEvaluation, present_scores
from custom_speech_tools.runtime.presenters.lists import list_fields, list_from
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import Speech


class ListEvaluationsArguments(Arguments):
    """The arguments of list_evaluations."""

    model: OptionalModel = None
    status: StatusFilter = None
    limit: Limit = 20
    resource: ResourceName = None


async def list_evaluations(arguments: ListEvaluationsArguments, call: CallContext) -> Evaluations:
    """List the evaluations of a resource, newest first, with the word error rates of both models.

    get_evaluation adds whether the difference is significant.
    """
    speech = call.speech(arguments.resource)
    model = await _model_id(speech, arguments.model) if arguments.model else None
    found = await list_from(call, speech.resource.name, lambda speech: speech.evaluations_list(status=arguments.status))
    kept = [one for _, one in found.items() if model in (None, one.model1.id, one.model2.id)]
    shown = [
        ListedEvaluation(
            id=one.id,
            display_name=one.display_name,
            locale=one.locale,
            status=one.status,
            models=present_scores(speech, one),
            created=one.created_date_time,
        )
        for one in kept[: arguments.limit]
    ]
    here = speech.resource.name
    step = (
        call_step("get_evaluation", evaluation=shown[0].id, resource=here)
        if shown
        else call_step(
            "create_evaluation", model=Placeholder("model"), dataset=Placeholder("test dataset"), resource=here
        )
    )
    return Evaluations(**list_fields(call, here, found, kept, len(shown)), evaluations=shown, next_steps=[step])


async def _model_id(speech: Speech, asked: str) -> str:
    """Return the id of a custom or base model."""
    found = await find_any_model(speech, asked)
    if isinstance(found, Finding):
        raise Refused("Nothing to list.", [found], "Call again with a model that exists.")
    return found.id


tool = declare(list_evaluations, "List evaluations", Effect.READ, "quality")
