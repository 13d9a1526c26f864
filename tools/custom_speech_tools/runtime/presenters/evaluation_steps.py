"""What follows from a test: the next steps of an evaluation, by its verdict."""

from collections.abc import Sequence

from custom_speech_data.significance import MIN_UTTERANCES
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.presenters.verdict import Outcome
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_NAMED_WORDS = 10
MAX_NAMED_ENDPOINTS = 3


def steps_after_test(
    speech: Speech,
    evaluation: schemas.Evaluation,
    outcome: Outcome,
    endpoints: Sequence[schemas.Endpoint] | None,
    words: Sequence[str],
) -> list[str]:
    """Return what follows from a test; `endpoints` is None if they could not be read."""
    here = speech.resource.name
    if not is_terminal(evaluation):
        wait = suggested_wait()
        return [call_step("get_evaluation", evaluation=evaluation.id, wait_seconds=wait, resource=here)]
    if evaluation.status == "Failed":
        return ["Correct what `error` names, then create_evaluation again."]
    if outcome == "void":
        listed = call_step("list_datasets", locale=evaluation.locale, kinds=["Acoustic"], resource=here)
        return [f"{listed}, then create_evaluation with recordings that neither model was trained with"]
    if outcome == "alone":
        one = evaluation.score(1).word_error_rate
        again = call_step(
            "create_evaluation",
            model=evaluation.model1.id,
            dataset=evaluation.dataset.id if one is not None else Placeholder("dataset of kind Acoustic"),
            compare_with=Placeholder("another model"),
            resource=here,
        )
        return [f"{again} compares the model with another one; nothing was compared here"]
    shown = call_step("get_evaluation", evaluation=evaluation.id, worst=10, words=20, resource=here)
    return [
        _step_against_missed_words(evaluation, words) if words else f"{shown} shows what the first model misses",
        *_steps_of_verdict(speech, evaluation, outcome, endpoints),
    ]


def _steps_of_verdict(
    speech: Speech,
    evaluation: schemas.Evaluation,
    outcome: Outcome,
    endpoints: Sequence[schemas.Endpoint] | None,
) -> list[str]:
    """Return what follows for the endpoints: only a better model goes where the compared one is."""
    here, model = speech.resource.name, evaluation.model1.id
    if outcome == "too few":
        return [f"Leave the endpoints as they are, and test with at least {MIN_UTTERANCES} recordings"]
    if outcome != "better":
        return ["Leave the endpoints as they are; this test does not show that the first model is better"]
    if endpoints is None:
        return [f"{call_step('list_endpoints', resource=here)} shows whether an endpoint has the compared model"]
    hosts = [one for one in endpoints if one.model and one.model.id == evaluation.model2.id]
    if hosts:
        return [
            f"{call_step('deploy_model', model=model, endpoint=one.id, resource=here)} puts the better model into "
            f"endpoint {quote(one.display_name, 60)}, which has the compared one"
            for one in hosts[:MAX_NAMED_ENDPOINTS]
        ]
    if any(one.model and one.model.id == model for one in endpoints):
        return ["An endpoint has the better model already; leave it"]
    known = speech.known.get(model)
    new = call_step("deploy_model", model=model, display_name=known.display_name if known else model, resource=here)
    return [f"{new} deploys the better model to a new endpoint; no endpoint has the compared one"]


def _step_against_missed_words(evaluation: schemas.Evaluation, words: Sequence[str]) -> str:
    """Return how to teach the missed words; a phrase list needs no training, so it is the first thing to try."""
    named = ", ".join(quote(one, 40) for one in words[:MAX_NAMED_WORDS])
    return (
        f"For names a phrase list is the first thing to try, without training: transcribe takes {named} as `phrases`, "
        f"with recordings as path, and applications pass the same list. Else write about five "
        f'sentences with each of these words, and pass them to upload_dataset as `lines` with kind="Language", '
        f'locale="{word(evaluation.locale)}".'
    )
