"""The seed data."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.emulator_service import Resource, Service

MAIN = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "ja-JP", "zh-CN", "pt-BR")
CLOCKS = [datetime(2024, 12, 31, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), datetime(2031, 1, 15, tzinfo=UTC)]


def base_models(resource: Resource, locale: str) -> list[dict[str, Any]]:
    """The base models of a locale."""
    return list(resource.ask("GET", "/models/base", {"filter": f"locale eq '{locale}'"})["values"])


@pytest.mark.parametrize("now", CLOCKS)
@pytest.mark.parametrize("locale", MAIN)
def test_seed_has_base_models_of_every_sort_at_any_time(
    start: Callable[..., Service], locale: str, now: datetime
) -> None:
    """Open and charged (since October 2023), open and free, expired, Whisper, not adaptable; the newest is recent."""
    found = base_models(start(now=lambda: now).resource(), locale)
    today = now.isoformat()
    dates = [model["properties"]["deprecationDates"] for model in found]
    is_open = [date["adaptationDateTime"] > today for date in dates]
    charged = [model["properties"]["chargeForAdaptation"] for model in found]
    kinds = [model["properties"]["features"]["supportsAdaptationsWith"] for model in found]

    assert 6 <= len(found) <= 12
    assert (True, False) in zip(is_open, charged, strict=True)
    assert (True, True) in zip(is_open, charged, strict=True)
    assert False in is_open
    assert [] in kinds
    assert ["Acoustic"] in kinds
    assert all(model["createdDateTime"] < today for model in found)
    assert (now - datetime.fromisoformat(found[-1]["createdDateTime"])).days < 130
    for model, is_charged in zip(found, charged, strict=True):
        assert is_charged is (model["createdDateTime"] >= "2023-10-01")


def test_seed_has_more_base_models_than_programs_skip(eastus: Resource) -> None:
    """Some clients start at `skip=900` to find the newest base models, as on Azure."""
    [*_, last] = eastus.ask("GET", "/models/base", {"skip": 900})["values"]

    assert last == base_models(eastus, last["locale"])[-1]


def test_seed_follows_the_quarters(start: Callable[..., Service]) -> None:
    """Adaptation ends one year, transcription two years after the quarter of a release."""
    found = base_models(start(now=lambda: CLOCKS[1]).resource(), "en-US")

    dates = found[-1]["properties"]["deprecationDates"]

    assert dates == {"adaptationDateTime": "2027-10-15T00:00:00Z", "transcriptionDateTime": "2028-10-15T00:00:00Z"}


@pytest.mark.parametrize("region", ["eastus", "westeurope", "brazilsouth"])
def test_seed_is_in_each_account(service: Service, region: str) -> None:
    """Projects, datasets of every kind in two locales, a running and a failed import, and a finished model."""
    resource = service.resource(region)
    datasets = resource.ask("GET", "/datasets")["values"]

    imported = {(one["locale"], one["kind"]) for one in datasets if one["status"] == "Succeeded"}

    assert {one["locale"] for one in resource.ask("GET", "/projects")["values"]} == {"en-US", "de-DE", "fr-FR"}
    assert len(imported) == 12
    assert [one["status"] for one in datasets if one["status"] != "Succeeded"] == ["Running", "Failed"]
    assert resource.stocked("datasets", "import failed en-US")["properties"]["error"]["message"]
    assert resource.stocked("models", "finished model en-US")["status"] == "Succeeded"


def test_seed_has_the_same_ids_every_time_and_others_in_each_account(start: Callable[..., Service]) -> None:
    """The ids do not depend on the seed, so that documents can contain them."""
    ids = [
        start(seed=seed).resource(region).stocked("projects", "en-US")["self"].split("/projects/")[1]
        for seed, region in ((1, "eastus"), (None, "eastus"), (1, "westeurope"))
    ]

    assert ids[0] == ids[1] != ids[2]


def test_seed_can_be_left_out(start: Callable[..., Service]) -> None:
    assert start(stock=False).resource().ask("GET", "/models/base")["values"] == []
