"""Decoding 3,000 base models in 30 pages: the client's wire objects beside json and full pydantic models."""

import json
import time
from collections.abc import Callable
from datetime import datetime

import pydantic
from pydantic import TypeAdapter

from custom_speech_tools.speech import schemas

PAGES, SIZE, ROUNDS = 30, 100, 15


class Dates(pydantic.BaseModel):
    """Deprecation dates."""

    adaptationDateTime: datetime
    transcriptionDateTime: datetime


class Features(pydantic.BaseModel):
    """All features."""

    supportsTranscriptionsSubmit: bool
    supportsTranscriptionsTranscribe: bool
    supportsEndpoints: bool
    supportsTranscriptionsOnSpeechContainers: bool
    supportsAdaptationsWith: list[str]
    supportedOutputFormats: list[str]


class Properties(pydantic.BaseModel):
    """All properties."""

    deprecationDates: Dates
    features: Features
    chargeForAdaptation: bool


class Whole(pydantic.BaseModel):
    """A base model with everything that the service says of it."""

    uri: str = pydantic.Field(alias="self")
    displayName: str
    description: str
    locale: str
    createdDateTime: datetime
    lastActionDateTime: datetime
    status: str
    links: dict[str, str]
    properties: Properties


class WholePage(pydantic.BaseModel):
    """A page of them."""

    values: list[Whole]


def page() -> bytes:
    """A page as the service sends it."""
    day = "2026-01-15T00:00:00Z"
    flags = dict.fromkeys([name for name in Features.model_fields if not name.endswith(("With", "Formats"))], True)
    features = flags | {"supportsAdaptationsWith": ["Acoustic", "Language"], "supportedOutputFormats": ["Display"]}
    dates = {"adaptationDateTime": day, "transcriptionDateTime": day}
    properties = {"deprecationDates": dates, "features": features, "chargeForAdaptation": True}
    address = "https://eastus.api.cognitive.microsoft.com/speechtotext/models/base/{:08x}-0000-4000-8000-000000000000"
    times = {"createdDateTime": day, "lastActionDateTime": day}
    texts = {"displayName": "20260115", "description": "en-US base model", "locale": "en-US", "status": "Succeeded"}
    return json.dumps(
        {
            "values": [
                {"self": address.format(n), "links": {"manifest": address.format(n)}, "properties": properties}
                | times
                | texts
                for n in range(SIZE)
            ]
        }
    ).encode()


def milliseconds(work: Callable[[], object]) -> float:
    """CPU of one pass over all pages."""
    begun = time.process_time()
    for _ in range(PAGES):
        work()
    return (time.process_time() - begun) * 1000


def main() -> None:
    """Print the best of each and their ratio."""
    content, ours = page(), TypeAdapter(schemas.Page[schemas.BaseModel])
    rounds = [
        (
            milliseconds(lambda: ours.validate_json(content)),
            milliseconds(lambda: WholePage.model_validate(json.loads(content))),
        )
        for _ in range(ROUNDS)
    ]
    slim, whole = (min(one[place] for one in rounds) for place in (0, 1))
    print(f"wire objects {slim:.1f} ms, json and full models {whole:.1f} ms, ratio {slim / whole:.2f}")


if __name__ == "__main__":
    main()
