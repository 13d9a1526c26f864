"""Read from the properties of models and endpoints what earlier rollouts of a file did. Changes nothing."""

import anyio

from custom_speech_tools.guardrails.copy_plan import find_copy
from custom_speech_tools.guardrails.references import MODEL, get_entity
from custom_speech_tools.guardrails.rollout_facts import TargetArguments
from custom_speech_tools.guardrails.rollout_model import PreviewArguments, earlier_models
from custom_speech_tools.guardrails.rollout_record import Verdict
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.presenters.model import COPIED_FROM_PROPERTY
from custom_speech_tools.runtime.results import Answer, Moment, Result, Sentence, ServiceText
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather

MAX_ROLLOUTS = 20
"""Rollouts that are shown, the newest ones."""


class PastTarget(Result):
    """What a target has of a model; null where it has nothing, `error` where it does not answer."""

    resource: str
    copy_id: str | None
    copied: Moment | None
    endpoint: ServiceText | None
    deployed: Moment | None
    error: Sentence | None = None


class PastRollout(Result):
    """A model and where it went; `passed` is null where it was not tested."""

    model: str
    display_name: ServiceText
    created: Moment | None
    passed: bool | None
    verdict: ServiceText
    targets: list[PastTarget]


class History(Answer):
    """Earlier rollouts, newest first."""

    rollouts: list[PastRollout]


async def rollout_history(arguments: PreviewArguments, call: CallContext) -> History:
    """Show earlier rollouts of a file."""
    source = call.speech(arguments.resource)
    if arguments.training is None:
        models = [await get_entity(source, MODEL, arguments.model or "")]
    else:
        training = arguments.training
        models = [one for _, one in await earlier_models(source, training.locale, training.display_name or "")]
    judged = [(one, verdict) for one in models if (verdict := Verdict.read(one))][:MAX_ROLLOUTS]
    limit = anyio.Semaphore(5)
    past = await gather(*(_past(call, limit, one, verdict, arguments.targets) for one, verdict in judged))
    return History(rollouts=past, next_steps=[])


async def _past(
    call: CallContext,
    limit: anyio.Semaphore,
    model: schemas.CustomModel,
    verdict: Verdict,
    targets: list[TargetArguments],
) -> PastRollout:
    async with limit:
        found = await gather(*(_past_target(call.speech(one.resource), model) for one in targets))
    return PastRollout(
        model=model.id,
        display_name=model.display_name,
        created=model.created_date_time,
        passed=verdict.passed,
        verdict=verdict.reason,
        targets=found,
    )


async def _past_target(speech: Speech, model: schemas.CustomModel) -> PastTarget:
    name = speech.resource.name
    try:
        named = await speech.models_list_custom_models(display_name=model.display_name, locale=model.locale)
        endpoints = await speech.endpoints_list(locale=model.locale)
    except SpeechError as error:
        return PastTarget(resource=name, copy_id=None, copied=None, endpoint=None, deployed=None, error=str(error))
    by_source = (one for one in named.entities if (one.custom_properties or {}).get(COPIED_FROM_PROPERTY) == model.id)
    copy = find_copy(model, named.entities) or next(by_source, None)
    holders = [one for one in endpoints.entities if copy and one.model and one.model.id == copy.id]
    endpoint = holders[0] if holders else None
    return PastTarget(
        resource=name,
        copy_id=copy.id if copy else None,
        copied=copy.created_date_time if copy else None,
        endpoint=endpoint.display_name if endpoint else None,
        deployed=endpoint.last_action_date_time if endpoint else None,
    )


tool = declare(rollout_history, "Earlier rollouts", Effect.READ, "deployment")
