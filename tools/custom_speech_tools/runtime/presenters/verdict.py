"""The verdict of a test: one sentence that weighs seen test data, too few utterances and equal results."""

from typing import Literal, NamedTuple

from custom_speech_data.significance import MIN_UTTERANCES
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word

Outcome = Literal["void", "unfinished", "alone", "too few", "equal", "open", "better", "worse"]
"""`alone`: nothing was compared. `open`: there is a difference, but it is not significant."""


class Verdict(NamedTuple):
    """What a test shows; decisions read the outcome, people the sentence."""

    outcome: Outcome
    sentence: str


def is_void(speech: Speech, evaluation: schemas.Evaluation) -> bool | None:
    """Return whether a model of a test was trained with the test data, None if that is not known."""
    seen = [_has_seen(speech, part, evaluation.dataset.id) for part in (evaluation.model1, evaluation.model2)]
    return True if True in seen else None if None in seen else False


def weigh(
    speech: Speech,
    evaluation: schemas.Evaluation,
    details: EvaluationDetails,
    is_significant: bool | None,
    newest: schemas.BaseModel | None = None,
) -> Verdict:
    """Return the verdict of a test whose models have been read.

    Args:
        is_significant: Whether the rates differ significantly, None if that cannot be judged.
        newest: The newest base model of the locale, None if it is not known.
    """
    outcome, reason = _weigh(speech, evaluation, details, is_significant)
    first, second = (speech.known.get(part.id) for part in (evaluation.model1, evaluation.model2))
    remarks = [reason]
    if outcome != "alone" and _are_trained_alike(first, second):
        remarks.append("Both models have the same base model and the same training data.")
    dates = (None, newest.created_date_time if newest else None)
    if newest and isinstance(second, schemas.BaseModel) and second.created_date_time not in dates:
        remarks.append(f"A newer base model exists: {quote(newest.display_name, 40)}.")
    if is_void(speech, evaluation) is None:
        remarks.append("Whether the models were trained with this dataset could not be read.")
    if speech.is_emulated:
        remarks.append("This is the emulator: it simulates recognition, so the rates are not real.")
    return Verdict(outcome, " ".join(remarks))


def _weigh(
    speech: Speech, evaluation: schemas.Evaluation, details: EvaluationDetails, is_significant: bool | None
) -> tuple[Outcome, str]:
    unfit = _without_comparison(speech, evaluation)
    one, two = (evaluation.score(number).word_error_rate for number in (1, 2))
    if unfit or one is None or two is None:
        return unfit or ("alone", "Not judged: the test gave no word error rates of two models.")
    read = details.recordings.values()
    is_complete = details.listed == len(read)
    if is_significant is None:
        utterances = f"{len(read)} utterances" if is_complete else f"only {len(read)} utterances could be read"
        return "too few", f"Not judged: {utterances}, {MIN_UTTERANCES} are needed."
    if is_complete and all(first.edits == second.edits for first, second in read):
        return "equal", "No difference: both models recognized the same."
    rates = f"{100 * one:.1f} % against {100 * two:.1f} % of {_name(speech, evaluation.model2)}"
    if not is_significant:
        return "open", f"Not significant: {rates}; with other recordings the order could be the reverse."
    return ("better", f"Better: {rates}.") if one < two else ("worse", f"Worse: {rates}.")


def _without_comparison(speech: Speech, evaluation: schemas.Evaluation) -> tuple[Outcome, str] | None:
    for part in (evaluation.model1, evaluation.model2):
        if _has_seen(speech, part, evaluation.dataset.id):
            return "void", f"Void: {_name(speech, part)} was trained with this dataset."
    if evaluation.status != "Succeeded":
        return "unfinished", f"Not judged: the test is {word(evaluation.status)}."
    if evaluation.model1.id == evaluation.model2.id:
        return "alone", "Nothing was compared: the model was tested against itself."
    return None


def _has_seen(speech: Speech, model: schemas.Reference, dataset: str) -> bool | None:
    known = speech.known.get(model.id)
    return known.is_trained_with(dataset) if isinstance(known, schemas.CustomModel | schemas.BaseModel) else None


def _are_trained_alike(first: object, second: object) -> bool:
    if not isinstance(first, schemas.CustomModel) or not isinstance(second, schemas.CustomModel):
        return False
    bases = [one.base_model.id if one.base_model else None for one in (first, second)]
    data = [{part.id for part in one.datasets or []} for one in (first, second)]
    return bases[0] == bases[1] is not None and data[0] == data[1] != set()


def _name(speech: Speech, part: schemas.Reference) -> str:
    known = speech.known.get(part.id)
    if not isinstance(known, schemas.BaseModel):
        return quote(known.display_name if known else part.id, 60)
    date = f" of {known.created_date_time:%Y-%m-%d}" if known.created_date_time else ""
    return f"base model {quote(known.display_name, 40)}{date}"
