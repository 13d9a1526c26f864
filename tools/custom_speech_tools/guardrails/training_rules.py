"""Training of models: rules. Each is a pure function from facts to findings, named for the condition it requires."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from custom_speech_data.dataset_kinds import AUDIO_KINDS
from custom_speech_tools.guardrails.recording_lengths import CUT_RECORDINGS, too_long_message
from custom_speech_tools.guardrails.shared_rules import Findings, clocks_agree, dataset_is_ready, parts_fit
from custom_speech_tools.guardrails.training_facts import TrainingFacts, adapts_to_text_only, is_open, takes_data
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import MAX_AUDIO_HOURS
from custom_speech_tools.runtime.results import block, warn
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.resource import AS_OF
from custom_speech_tools.speech.sanitize import quote, word

EXPIRY_WARNING = timedelta(days=30)
MIN_AUDIO_HOURS, MIN_LINES = 0.5, 1_000  # half of the audio, and about a tenth of the text, that is recommended


def named_parts_fit(facts: TrainingFacts) -> Findings:
    """Require an existing project, base model and datasets of one locale, and a resource that can be changed."""
    parts = (facts.project, facts.base_model, *facts.datasets)
    yield from parts_fit(facts.speech.resource, facts.request.locale, *parts)


def region_trains_audio(facts: TrainingFacts) -> Findings:
    """Require training hardware for audio in the region, or warn if the base model uses only the transcripts."""
    audio = [dataset for dataset in facts.found_datasets if dataset.kind in AUDIO_KINDS]
    resource, base = facts.speech.resource, facts.chosen_base_model
    if not audio or resource.can_train_audio:
        return
    names = ", ".join(f"{quote(dataset.display_name)} ({word(dataset.kind)})" for dataset in audio)
    region = resource.known_region or resource.name
    message = f"{region} has no hardware for training with audio (as of {AS_OF}): {names}."
    if resource.can_train_audio is None:
        message = f"It is not known whether the region of {resource.name} trains with audio: {names}."
        yield warn("region-trains-audio", message, "Configure `region` or `trains_audio` for the resource.")
    elif base and adapts_to_text_only(base):
        message += " The base model adapts to text alone, so only the transcripts will be used."
        yield warn("region-trains-audio", message, "Expect the effect of plain text only.")
    else:
        able = " or ".join(
            f"{name} (has {', '.join(map(quote, datasets[:5]))})" if datasets else name
            for name, datasets in facts.audio_resources.items()
        )
        fix = "Configure a resource in a region that trains with audio, train there and copy the model; or use text."
        if able:
            copy = f'copy_model with to_resource="{resource.name}"'
            fix = f"Train on {able}, with datasets of that resource, then {copy}. Or use text."
        yield block("region-trains-audio", message, fix)


def base_model_accepts_data(facts: TrainingFacts) -> Findings:
    """Require a base model that can be trained with each kind of dataset."""
    base, locale, kinds = facts.base_model, facts.request.locale, sorted(facts.kinds)
    newest = next(iter(facts.open_base_models), None)
    if base is None and newest and not facts.fitting_base_models:
        message = f"No open base model of {locale} can be trained with all of {_listed(kinds)}."
        fix = f"The newest, {quote(newest.display_name)}, takes {_listed(newest.trains_with)}; use such datasets."
        yield block("base-model-accepts-data", message, fix)
    if not isinstance(base, schemas.BaseModel):
        return
    for dataset in facts.found_datasets:
        message = f"The base model does not list {word(dataset.kind)}: dataset {quote(dataset.display_name)}."
        if not takes_data(base, [dataset.kind]):
            resource = facts.speech.resource.name
            choose = call_step("list_base_models", locale=locale, train_with=kinds, resource=resource)
            fix = f"It takes {_listed(base.trains_with)}. {choose} lists base models that take the data."
            yield block("base-model-accepts-data", message, fix)
        elif dataset.kind not in base.trains_with:
            fix = "The service accepts it and uses the transcripts only; expect the effect of plain text."
            yield warn("base-model-accepts-data", message, fix)


def _listed(kinds: Sequence[str]) -> str:
    """Return the kinds of datasets as text for a message."""
    return ", ".join(word(kind) for kind in kinds[:10]) or "no data at all"


def base_model_is_open(facts: TrainingFacts) -> Findings:
    """Require a base model that is open for training. Warn if it closes within 30 days, or if the clocks differ."""
    locale, base = facts.request.locale, facts.chosen_base_model
    until = base.adaptation_until if base else None
    yield from clocks_agree(facts.speech.clock.skew)
    if facts.base_model is None and not facts.base_models:
        fix = "Use a locale that the service offers; list_base_models names them."
        yield block("locale-match", f"The service offers no base model for {locale}.", fix)
    elif facts.base_model is None and not facts.open_base_models:
        fix = "Train in another locale, or wait for a new base model; list_base_models names them."
        yield block("base-model-open", f"No base model of {locale} is open for training.", fix, "none")
    elif base and until and not is_open(base, facts.now):
        message = f"Base model {quote(base.display_name)} has been closed for training since {until:%Y-%m-%d}."
        choose = call_step("list_base_models", locale=locale, resource=facts.speech.resource.name)
        yield block("base-model-open", message, f"{choose} lists the open ones.")
    elif base and until and until - facts.now <= EXPIRY_WARNING:
        message = f"Base model {quote(base.display_name)} can be trained on until {until:%Y-%m-%d} only."
        yield warn("base-model-open", message, "Train soon, or use a newer one.")


def datasets_are_ready(facts: TrainingFacts) -> Findings:
    """Require datasets that are imported and not empty, and warn if many of their lines were rejected."""
    for dataset in facts.found_datasets:
        yield from dataset_is_ready(dataset, facts.speech.resource.name)


def datasets_combine(facts: TrainingFacts) -> Findings:
    """Require that no dataset is named twice and that pronunciation is not combined with structured text."""
    names = {dataset.id: quote(dataset.display_name) for dataset in facts.found_datasets}
    for dataset, count in Counter(dataset.id for dataset in facts.found_datasets).items():
        if count > 1:
            yield block("dataset-combination", f"Dataset {names[dataset]} is named {count} times.", "Name it once.")
    if {"Pronunciation", "LanguageMarkdown"} <= facts.kinds:
        message = "Pronunciation and LanguageMarkdown datasets cannot be trained together."
        fix = "Leave one out; structured text has its own pronunciation section (speech:phoneticlexicon)."
        yield block("dataset-combination", message, fix)


def amount_is_sensible(facts: TrainingFacts) -> Findings:
    """Warn about more audio than training uses, and about far too little data for a charged training.

    Microsoft recommends 1 to 100 h of audio with transcripts and 1 to 200 MB of text ("Training and testing datasets").
    """
    base, hours = facts.chosen_base_model, facts.audio_hours
    counts = [one.lines for one in facts.found_datasets if one.kind.startswith("Language")]
    lines, are_known = sum(count or 0 for count in counts), None not in counts and not (facts.recordings and not hours)
    is_little = are_known and bool(hours or counts) and hours < MIN_AUDIO_HOURS and lines < MIN_LINES
    if base and base.training_is_charged and is_little:
        amount = f"{hours * 60:.0f} min of audio" if hours else f"{lines} lines of text"
        message = f"{amount} is far less than recommended: 1 h of audio with transcripts, or 1 MB of text."
        yield warn("audio-hours", message, "Add data before you pay; a few names are better passed as phrases.")
    if facts.audio_hours > MAX_AUDIO_HOURS:
        message = f"The datasets have {facts.audio_hours:.0f} h of audio; at most {MAX_AUDIO_HOURS:.0f} h are used."
        yield warn("audio-hours", message, "Choose the datasets that matter most.")


def recordings_have_length(facts: TrainingFacts) -> Findings:
    """Require at least one recording that is short enough for training, and warn about longer recordings."""
    base, longest = facts.chosen_base_model, facts.longest_seconds
    if base is None or adapts_to_text_only(base):
        return
    found = [(dataset, lengths) for dataset, lengths in facts.recordings if dataset.status == "Succeeded"]
    are_all_too_long = bool(found) and all(lengths.too_long == lengths.total > 0 for _, lengths in found)
    for dataset, (total, too_long, seconds) in found:
        name = quote(dataset.display_name)
        if too_long:
            recordings = f"{too_long} of {total} recordings of dataset {name}"
            message = too_long_message(recordings, longest, are_all=are_all_too_long)
            yield (block if are_all_too_long else warn)("recording-length", message, CUT_RECORDINGS)
        elif total and seconds / total > longest:
            message = f"The recordings of dataset {name} are {seconds / total:.0f} s long on average; of those longer "
            message += f"than {longest} s only the transcripts are used, and if all are, training fails."
            yield warn("recording-length", message, CUT_RECORDINGS)


RULES = (
    named_parts_fit,
    region_trains_audio,
    base_model_accepts_data,
    base_model_is_open,
    datasets_are_ready,
    datasets_combine,
    amount_is_sensible,
    recordings_have_length,
)
