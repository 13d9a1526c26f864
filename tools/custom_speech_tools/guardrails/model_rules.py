"""The rules of training a model: each a pure function from facts to findings, named for what it requires."""

from collections.abc import Callable
from datetime import timedelta

from custom_speech_tools.guardrails.charges import MAX_AUDIO_HOURS
from custom_speech_tools.guardrails.model_facts import ModelFacts, adapts_to_text_only, takes_data
from custom_speech_tools.guardrails.resource_rules import Findings, clocks_agree, dataset_is_ready, parts_fit
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import AUDIO_KINDS
from custom_speech_tools.runtime.resources import AS_OF, region, trains_audio
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, sanitize, word

EXPIRY_WARNING = timedelta(days=30)


def named_parts_fit(facts: ModelFacts) -> Findings:
    """Require that project, base model and datasets exist and have one locale, on a resource that may be changed."""
    parts = (facts.project, facts.base_model, *facts.datasets)
    yield from parts_fit(facts.speech.resource, facts.request.locale, *parts)


def region_trains_audio(facts: ModelFacts) -> Findings:
    """Require training hardware in the region where audio is trained with.

    A base model that adapts to text alone uses the transcripts, wherever the resource is (recorded live).
    """
    audio = [dataset for dataset in facts.found_datasets if dataset.kind in AUDIO_KINDS]
    is_able, where = trains_audio(facts.speech.resource), region(facts.speech.resource)
    if not audio or is_able:
        return
    names = ", ".join(f"{quote(dataset.display_name)} ({word(dataset.kind)})" for dataset in audio)
    if is_able is None:
        yield Finding(
            rule="region-trains-audio",
            level="warn",
            message=f"It is not known whether the region of {facts.speech.resource.name} trains with audio: {names}.",
            fix="Configure `region` or `trains_audio` for the resource.",
        )
        return
    base = facts.chosen_base_model
    is_text_only = base is not None and adapts_to_text_only(base)
    here = where or facts.speech.resource.name
    yield Finding(
        rule="region-trains-audio",
        level="warn" if is_text_only else "block",
        message=f"{here} has no hardware for training with audio (as of {AS_OF}): {names}."
        + (" The base model adapts to text alone, so only the transcripts will be used." if is_text_only else ""),
        fix="Expect the effect of plain text only." if is_text_only else _train_elsewhere(facts),
    )


def _train_elsewhere(facts: ModelFacts) -> str:
    if not facts.audio_resources:
        return "Configure a resource in a region that trains with audio, train there and copy the model; or use text."
    able = "; ".join(
        f"{other.name} (has {', '.join(map(quote, other.datasets[:5]))})" if other.datasets else other.name
        for other in facts.audio_resources
    )
    here = facts.speech.resource.name
    return f'Train on one of: {able}; with its own datasets, then copy_model(to_resource="{here}"). Or use text.'


def base_model_accepts_data(facts: ModelFacts) -> Findings:
    """Require that the base model can be trained with each kind of data."""
    base, locale = facts.base_model, facts.request.locale
    if isinstance(base, schemas.BaseModel):
        for dataset in facts.found_datasets:
            if dataset.kind not in base.trains_with:
                yield _not_accepted(facts, base, dataset)
    elif base is None and (newest := next(iter(facts.open_base_models), None)) and not facts.fitting_base_models:
        kinds = ", ".join(map(sanitize, sorted(facts.kinds)))
        yield Finding(
            rule="base-model-accepts-data",
            level="block",
            message=f"No open base model of {locale} can be trained with all of {kinds}.",
            fix=f"The newest, {quote(newest.display_name)}, takes {_kinds(newest.trains_with)}; use such datasets.",
        )


def _not_accepted(facts: ModelFacts, base: schemas.BaseModel, dataset: schemas.Dataset) -> Finding:
    message = f"The base model does not list {word(dataset.kind)}: dataset {quote(dataset.display_name)}."
    if takes_data(base, dataset.kind):
        fix = "The service accepts it and uses the transcripts only; expect the effect of plain text."
        return Finding(rule="base-model-accepts-data", level="warn", message=message, fix=fix)
    choose = call_step(
        "list_base_models",
        locale=facts.request.locale,
        train_with=sorted(facts.kinds),
        resource=facts.speech.resource.name,
    )
    fix = f"It takes {_kinds(base.trains_with)}. {choose} lists base models that take the data."
    return Finding(rule="base-model-accepts-data", level="block", message=message, fix=fix)


def base_model_is_open(facts: ModelFacts) -> Findings:
    """Require that the base model may still be trained on; warn of its last 30 days, and of clocks that differ."""
    locale, here = facts.request.locale, facts.speech.resource.name
    yield from clocks_agree(facts.speech.clock.skew)
    if isinstance(facts.base_model, Finding):
        return
    if facts.base_model is None and not facts.base_models:
        fix = "Use a locale that the service offers; list_base_models names them."
        message = f"The service offers no base model for {locale}."
        yield Finding(rule="base-model-open", level="block", message=message, fix=fix)
    elif facts.base_model is None and not facts.open_base_models:
        message = f"Every base model of {locale} is closed for training."
        fix = "No model of this locale can be trained at present; only another locale can."
        yield Finding(rule="base-model-open", level="block", message=message, fix=fix, remedy="none")
    elif base := facts.chosen_base_model:
        until, name = base.adaptation_until, quote(base.display_name)
        if until is not None and until <= facts.now:
            message = f"Base model {name} has been closed for training since {until:%Y-%m-%d}."
            fix = f"{call_step('list_base_models', locale=locale, resource=here)} lists the open ones."
            yield Finding(rule="base-model-open", level="block", message=message, fix=fix)
        elif until is not None and until - facts.now <= EXPIRY_WARNING:
            message = f"Base model {name} can be trained on until {until:%Y-%m-%d} only."
            yield Finding(rule="base-model-open", level="warn", message=message, fix="Train soon, or use a newer one.")


def datasets_are_ready(facts: ModelFacts) -> Findings:
    """Require that every dataset is imported and not empty; warn where much of it was rejected."""
    for dataset in facts.found_datasets:
        yield from dataset_is_ready(dataset, facts.speech.resource.name)


def datasets_combine(facts: ModelFacts) -> Findings:
    """Require that no dataset is named twice, and no pronunciation file is combined with structured text."""
    ids = [dataset.id for dataset in facts.found_datasets]
    for dataset in {dataset.id: dataset for dataset in facts.found_datasets if ids.count(dataset.id) > 1}.values():
        message = f"Dataset {quote(dataset.display_name)} is named {ids.count(dataset.id)} times."
        yield Finding(rule="dataset-combination", level="block", message=message, fix="Name it once.")
    if {"Pronunciation", "LanguageMarkdown"} <= facts.kinds:
        yield Finding(
            rule="dataset-combination",
            level="block",
            message="Pronunciation and LanguageMarkdown datasets cannot be trained together.",
            fix="Leave one out; structured text has a pronunciation section of its own (speech:phoneticlexicon).",
        )


def audio_is_used(facts: ModelFacts) -> Findings:
    """Warn about more audio than training uses."""
    if facts.audio_hours > MAX_AUDIO_HOURS:
        message = f"The datasets have {facts.audio_hours:.0f} h of audio; at most {MAX_AUDIO_HOURS:.0f} h are used."
        fix = "Choose the datasets that matter most."
        yield Finding(rule="audio-hours", level="warn", message=message, fix=fix)


def recordings_have_length(facts: ModelFacts) -> Findings:
    """Require a recording that is short enough to be trained with; warn about those that are not."""
    base, longest = facts.chosen_base_model, facts.longest_seconds
    if base is None or adapts_to_text_only(base):
        return
    found = [(dataset, lengths) for dataset, lengths in facts.recordings if dataset.status == "Succeeded"]
    are_all_too_long = bool(found) and all(lengths.too_long == lengths.total > 0 for _, lengths in found)
    for dataset, lengths in found:
        name = quote(dataset.display_name)
        if lengths.too_long:
            effect = "training with them fails" if are_all_too_long else "only their transcripts are used"
            yield Finding(
                rule="recording-length",
                level="block" if are_all_too_long else "warn",
                message=f"{lengths.too_long} of {lengths.total} recordings of dataset {name} are longer than "
                f"{longest} s: {effect}.",
                fix=f"Cut them into parts of at most {longest} s with their transcripts. For testing they are fine.",
            )
        elif lengths.total and (average := lengths.used_seconds / lengths.total) > longest:
            yield Finding(
                rule="recording-length",
                level="warn",
                message=f"The recordings of dataset {name} are {average:.0f} s long on average; of those longer than "
                f"{longest} s only the transcripts are used, and if all are, training fails.",
                fix="Cut long recordings into parts. For testing they are fine.",
            )


RULES: tuple[Callable[[ModelFacts], Findings], ...] = (
    named_parts_fit,
    region_trains_audio,
    base_model_accepts_data,
    base_model_is_open,
    datasets_are_ready,
    datasets_combine,
    audio_is_used,
    recordings_have_length,
)


def _kinds(kinds: list[str]) -> str:
    return ", ".join(word(kind) for kind in kinds[:10]) or "no data at all"
