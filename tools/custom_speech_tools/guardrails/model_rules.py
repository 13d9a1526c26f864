"""The rules of creating a model: each a pure function from facts to findings, named for what holds after it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from custom_speech_tools.guardrails import project_rules, resource_rules
from custom_speech_tools.guardrails.model_facts import AUDIO, ModelFacts
from custom_speech_tools.runtime.locales import reading_of
from custom_speech_tools.runtime.next_steps import call
from custom_speech_tools.runtime.regions import AS_OF, region, trains_audio
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import because, plain

Findings = Iterator[Finding]

WARN_BEFORE = timedelta(days=30)
MOST_AUDIO_HOURS = 100.0
AUDIO_HOURS_A_DAY = 10.0


def references_are_found(facts: ModelFacts) -> Findings:
    """Every project, dataset and base model that the request names exists on the resource."""
    for fact in (facts.project, facts.base_model, *facts.datasets):
        if isinstance(fact, Finding):
            yield fact


def resource_is_writable(facts: ModelFacts) -> Findings:
    """The resource may be changed."""
    yield from resource_rules.resource_is_writable(facts.speech.resource)


def clocks_agree(facts: ModelFacts) -> Findings:
    """Dates are judged by a clock that is right."""
    yield from resource_rules.clocks_agree(facts.ahead)


def project_is_supported(facts: ModelFacts) -> Findings:
    """The resource's API version has projects, or none is asked for."""
    if facts.request.project:
        yield from project_rules.project_is_supported(facts.speech.resource)


def locales_match(facts: ModelFacts) -> Findings:
    """Model, project, base model and every dataset have one locale; it can never be changed later."""
    locale = facts.request.locale
    if said := reading_of(facts.request.asked_locale):
        yield Finding(rule="locale-match", level="warn", message=said, fix=f"Write {locale!r} next time.")
    for noun, entity in _parts(facts):
        if entity.locale.lower() != locale.lower():
            yield Finding(
                rule="locale-match",
                level="block",
                message=f"{noun} {_name(entity)} has locale {plain(entity.locale)}, the model {locale}.",
                fix=f"Use a {noun.lower()} of {locale}, or create the model in {plain(entity.locale)}.",
            )


def region_trains_audio(facts: ModelFacts) -> Findings:
    """No dataset trains with audio, or the resource's region has the hardware for it."""
    audio = [dataset for dataset in facts.found_datasets if dataset.kind in AUDIO]
    able = trains_audio(facts.speech.resource)
    if not audio or able:
        return
    where = region(facts.speech.resource)
    names = ", ".join(f"{_name(dataset)} ({plain(dataset.kind)})" for dataset in audio)
    if able is None:
        yield Finding(
            rule="region-trains-audio",
            level="warn",
            message=f"Whether the region of {facts.speech.resource.name} trains with audio is unknown: {names}.",
            fix="Configure region or trains_audio for the resource.",
        )
        return
    yield Finding(
        rule="region-trains-audio",
        level="block",
        message=f"{where or facts.speech.resource.name} does not train with audio (as of {AS_OF}): {names}.",
        fix=_instead(facts),
    )


def _instead(facts: ModelFacts) -> str:
    if facts.audio_resources:
        able, here = facts.audio_resources[0], facts.speech.resource.name
        return f'Train on resource="{able}" with its own datasets, then copy_model(to_resource="{here}"); or use text.'
    return "Configure a resource in a region that trains with audio, train there and copy_model; or use text only."


def base_model_accepts_data(facts: ModelFacts) -> Findings:
    """Each dataset's kind is one that the base model can be trained with."""
    if isinstance(facts.base_model, schemas.BaseModel):
        accepted = facts.base_model.trains_with
        for dataset in facts.found_datasets:
            if dataset.kind not in accepted:
                yield _not_accepted(facts, dataset, accepted)
    elif facts.base_model is None and (open_ones := open_base_models(facts)) and not fitting_base_models(facts):
        newest = open_ones[0]
        kinds = ", ".join(map(plain, sorted(kinds_of(facts))))
        yield Finding(
            rule="base-model-accepts-data",
            level="block",
            message=f"No open base model of {facts.request.locale} is trained with all of {kinds}.",
            fix=f"The newest, {_name(newest)}, takes {_kinds(newest.trains_with)}; use such datasets.",
        )


def _not_accepted(facts: ModelFacts, dataset: schemas.Dataset, accepted: list[str]) -> Finding:
    kinds = ", ".join(f'"{plain(kind)}"' for kind in sorted(kinds_of(facts)))
    return Finding(
        rule="base-model-accepts-data",
        level="block",
        message=f"The base model is not trained with {plain(dataset.kind)}: dataset {_name(dataset)}.",
        fix=f"It takes {_kinds(accepted)}. "
        f'list_base_models(locale="{facts.request.locale}", train_with=[{kinds}], '
        f'resource="{facts.speech.resource.name}") shows those that take it.',
    )


def base_model_is_open(facts: ModelFacts) -> Findings:
    """The base model may still be trained on, for more than 30 days."""
    locale, here = facts.request.locale, facts.speech.resource.name
    choose = f"{call('list_base_models', locale=locale, resource=here)} shows the open ones."
    if isinstance(facts.base_model, schemas.BaseModel):
        yield from _open_until(facts.base_model, facts.now, choose)
    elif facts.base_model is None and not facts.base_models:
        fix = "Use a locale that the service offers; list_base_models names them."
        message = f"The service offers no base model for {locale}."
        yield Finding(rule="base-model-open", level="block", message=message, fix=fix)
    elif facts.base_model is None and not open_base_models(facts):
        message = f"Every base model of {locale} is closed for training."
        yield Finding(rule="base-model-open", level="block", message=message, fix="Use another locale.")
    elif facts.base_model is None and (fitting := fitting_base_models(facts)):
        yield from _open_until(fitting[0], facts.now, choose)


def _open_until(base: schemas.BaseModel, now: datetime, choose: str) -> Findings:
    until = base.adaptation_until
    if until is not None and until <= now:
        message = f"Base model {_name(base)} could be trained on until {until:%Y-%m-%d}."
        yield Finding(rule="base-model-open", level="block", message=message, fix=choose)
    elif until is not None and until - now <= WARN_BEFORE:
        message = f"Base model {_name(base)} can be trained on until {until:%Y-%m-%d} only."
        yield Finding(rule="base-model-open", level="warn", message=message, fix="Train soon, or use a newer one.")


def datasets_are_ready(facts: ModelFacts) -> Findings:
    """Every dataset is imported and holds something."""
    for dataset in facts.found_datasets:
        if dataset.status == "Failed":
            reason = because(dataset.error.message if dataset.error else None)
            message = f"Dataset {_name(dataset)} failed to import{reason}"
            yield Finding(rule="dataset-ready", level="block", message=message, fix="Upload it again, corrected.")
        elif dataset.status != "Succeeded":
            message = f"Dataset {_name(dataset)} is {plain(dataset.status)}."
            fix = "Wait until list_datasets shows it as Succeeded."
            yield Finding(rule="dataset-ready", level="block", message=message, fix=fix)
        elif dataset.lines == 0 and not dataset.audio_seconds:
            message = f"Dataset {_name(dataset)} holds nothing: no line was accepted."
            yield Finding(rule="dataset-ready", level="block", message=message, fix="Upload it again, corrected.")


def datasets_combine(facts: ModelFacts) -> Findings:
    """No dataset comes twice, and pronunciation does not meet structured text."""
    ids = [dataset.id for dataset in facts.found_datasets]
    for dataset in {dataset.id: dataset for dataset in facts.found_datasets if ids.count(dataset.id) > 1}.values():
        message = f"Dataset {_name(dataset)} is named {ids.count(dataset.id)} times."
        yield Finding(rule="dataset-combination", level="block", message=message, fix="Name it once.")
    if {"Pronunciation", "LanguageMarkdown"} <= kinds_of(facts):
        yield Finding(
            rule="dataset-combination",
            level="block",
            message="Pronunciation and LanguageMarkdown datasets cannot be trained together.",
            fix="Leave one out; structured text has a pronunciation section of its own (speech:phoneticlexicon).",
        )


def audio_is_used(facts: ModelFacts) -> Findings:
    """No more audio is given than training uses."""
    if facts.audio_hours > MOST_AUDIO_HOURS:
        yield Finding(
            rule="audio-hours",
            level="warn",
            message=f"The datasets hold {facts.audio_hours:.0f} h of audio; at most {MOST_AUDIO_HOURS:.0f} h are used.",
            fix="Choose the datasets that matter most.",
        )


RULES: tuple[Callable[[ModelFacts], Findings], ...] = (
    resource_is_writable,
    references_are_found,
    project_is_supported,
    locales_match,
    region_trains_audio,
    base_model_accepts_data,
    base_model_is_open,
    clocks_agree,
    datasets_are_ready,
    datasets_combine,
    audio_is_used,
)


def kinds_of(facts: ModelFacts) -> set[str]:
    """The kinds of the datasets."""
    return {dataset.kind for dataset in facts.found_datasets}


def open_base_models(facts: ModelFacts) -> list[schemas.BaseModel]:
    """The base models of the locale that may be trained on, newest first."""
    usable = [base for base in facts.base_models if not (base.adaptation_until and base.adaptation_until <= facts.now)]
    return sorted(usable, key=lambda base: base.created_date_time or facts.now, reverse=True)


def fitting_base_models(facts: ModelFacts) -> list[schemas.BaseModel]:
    """The open base models of the locale that accept all the data, newest first."""
    return [base for base in open_base_models(facts) if kinds_of(facts) <= set(base.trains_with)]


def _parts(facts: ModelFacts) -> Iterator[tuple[str, schemas.Entity]]:
    if isinstance(facts.project, schemas.Project):
        yield "Project", facts.project
    if isinstance(facts.base_model, schemas.BaseModel):
        yield "Base model", facts.base_model
    for dataset in facts.found_datasets:
        yield "Dataset", dataset


def _kinds(kinds: list[str]) -> str:
    return ", ".join(plain(kind, 40) for kind in kinds[:10]) or "no data at all"


def _name(entity: schemas.Entity) -> str:
    return f"'{plain(entity.display_name, 80)}'"
