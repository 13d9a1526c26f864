"""The rules of creating a model: what only made-up facts can show."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from custom_speech_tools.guardrails import training_rules
from custom_speech_tools.guardrails.training_facts import TrainingArguments, TrainingFacts
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import KeyCredential, RequestPipeline, Speech, SpeechResource, schemas

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HERE = "https://contoso.cognitiveservices.azure.com"
SELF = f"{HERE}/speechtotext/{{}}/00000000-0000-4000-8000-000000000000"


def resource(**known: Any) -> Speech:
    """A Speech resource with a custom domain, which does not show its region."""
    return Speech(RequestPipeline(SpeechResource("here", HERE, KeyCredential(SecretStr("k")), **known)))


def dataset(kind: str = "Acoustic", **known: Any) -> schemas.Dataset:
    """An imported dataset."""
    said = {
        "displayName": "Calls",
        "locale": "en-US",
        "kind": kind,
        "status": "Succeeded",
        "self": SELF.format("datasets"),
    } | known
    return schemas.Dataset.model_validate(said)


def base_model(until: datetime | None) -> schemas.BaseModel:
    """A base model that takes everything until a date."""
    dates = {"adaptationDateTime": until.isoformat()} if until else None
    features = {"supportsAdaptationsWith": ["Acoustic", "Language"]}
    said = {"displayName": "20250101", "locale": "en-US", "self": SELF.format("models/base")}
    return schemas.BaseModel.model_validate(said | {"properties": {"deprecationDates": dates, "features": features}})


def facts(**known: Any) -> TrainingFacts:
    """Facts against which nothing stands."""
    whole: dict[str, Any] = {
        "request": TrainingArguments(display_name="Calls", locale="en-US", datasets=["x"]),
        "speech": resource(region="eastus"),
        "now": NOW,
        "project": None,
        "datasets": (dataset(),),
        "base_model": base_model(NOW + timedelta(days=365)),
        "base_models": (),
        "same_name": (),
        "audio_resources": {},
    }
    return TrainingFacts(**whole | known)


def levels(rule: Callable[[TrainingFacts], Iterator[Finding]], given: TrainingFacts) -> list[tuple[str, str]]:
    """What a rule says: rule and level of each finding."""
    return [(finding.rule, finding.level) for finding in rule(given)]


def test_nothing_stands_against_good_facts() -> None:
    """The ground for all others."""
    assert [finding for rule in training_rules.RULES for finding in rule(facts())] == []


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-1, ["block"]), (0, ["block"]), (1, ["warn"]), (30, ["warn"]), (31, [])],
)
def test_a_base_model_near_its_end_is_said(days: int, expected: list[str]) -> None:
    """Closed on the day itself; a warning up to 30 days before."""
    given = facts(base_model=base_model(NOW + timedelta(days=days)))

    assert levels(training_rules.base_model_is_open, given) == [("base-model-open", level) for level in expected]


def test_a_base_model_without_a_date_is_open() -> None:
    """The service names no end."""
    assert levels(training_rules.base_model_is_open, facts(base_model=base_model(None))) == []


def test_an_unknown_region_is_a_warning() -> None:
    """A custom domain does not show it; the fix names the two settings."""
    given = facts(speech=resource())

    [finding] = training_rules.region_trains_audio(given)
    assert (finding.level, finding.fix) == ("warn", "Configure `region` or `trains_audio` for the resource.")


@pytest.mark.parametrize(
    ("region", "says", "expected"),
    [("eastus", None, 0), ("brazilsouth", None, 1), ("brazilsouth", True, 0), ("eastus", False, 1), (None, True, 0)],
)
def test_the_configuration_overrules_the_list_of_regions(region: str | None, says: bool | None, expected: int) -> None:
    """The list changes; `trains_audio` is the last word."""
    given = facts(speech=resource(region=region, trains_audio=says))

    assert levels(training_rules.region_trains_audio, given) == [("region-trains-audio", "block")] * expected


def test_text_needs_no_hardware() -> None:
    """The rule is about audio."""
    given = facts(speech=resource(region="brazilsouth"), datasets=(dataset("Language"),))

    assert levels(training_rules.region_trains_audio, given) == []


def test_audio_beyond_what_is_used_is_said() -> None:
    """Hours of all audio datasets together."""
    hundred = {"durationMilliseconds": 100 * 3_600_000}
    much = (dataset(properties=hundred), dataset("AudioFiles", properties={"durationMilliseconds": 1_800_000}))

    assert levels(training_rules.amount_is_sensible, facts(datasets=much)) == [("audio-hours", "warn")]
    assert levels(training_rules.amount_is_sensible, facts(datasets=much[:1])) == []
    assert facts(datasets=much).audio_hours == pytest.approx(100.5)


def test_an_empty_dataset_is_not_ready() -> None:
    """Imported, but no line was accepted."""
    empty = dataset("Language", properties={"acceptedLineCount": 0, "durationMilliseconds": 0})
    heard = dataset("AudioFiles", properties={"acceptedLineCount": 0, "duration": "PT1H"})

    assert levels(training_rules.datasets_are_ready, facts(datasets=(empty,))) == [("dataset-ready", "block")]
    assert levels(training_rules.datasets_are_ready, facts(datasets=(heard,))) == []


def test_with_the_choice_left_to_the_service_some_open_base_model_must_fit() -> None:
    """None at all, none open, none that takes the data: three different findings."""
    free = facts(base_model=None)
    closed = base_model(NOW - timedelta(days=1))
    good = base_model(NOW + timedelta(days=365))
    odd = (dataset("Pronunciation"),)

    assert levels(training_rules.base_model_is_open, free) == [("locale-match", "block")]
    assert levels(training_rules.base_model_is_open, replace(free, base_models=(closed,))) == [
        ("base-model-open", "block")
    ]
    assert levels(training_rules.base_model_is_open, replace(free, base_models=(closed, good))) == []
    given = replace(free, base_models=(closed, good), datasets=odd)
    assert levels(training_rules.base_model_accepts_data, given) == [("base-model-accepts-data", "block")]
