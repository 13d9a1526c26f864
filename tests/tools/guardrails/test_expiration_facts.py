"""Expirations: the base model on which a model is trained again, from made-up facts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from custom_speech_tools.guardrails.expiration_facts import ExpirationFacts
from custom_speech_tools.speech import KeyCredential, RequestPipeline, Speech, SpeechResource, schemas

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ENDPOINT = "https://contoso.cognitiveservices.azure.com"
DATA = f"{ENDPOINT}/speechtotext/datasets/00000000-0000-4000-8000-000000000001"


def entity(path: str, name: str, **known: Any) -> dict[str, Any]:
    """An entity in the form of the service."""
    uri = f"{ENDPOINT}/speechtotext/{path}/00000000-0000-4000-8000-000000000000"
    return {"self": uri, "displayName": name, "locale": "en-US", "status": "Succeeded"} | known


def base_model(name: str, created: str, kinds: list[str]) -> schemas.BaseModel:
    """A base model that is open for training with these kinds of data."""
    features = {"supportsAdaptationsWith": kinds}
    known = entity("models/base", name, createdDateTime=created, properties={"features": features})
    return schemas.BaseModel.model_validate(known)


@pytest.mark.parametrize(
    ("kind", "newest"), [("Acoustic", "text only"), ("Language", "text only"), ("AudioFiles", "audio"), (None, None)]
)
def test_newest_base_model_takes_data_as_in_a_training(kind: str | None, newest: str | None) -> None:
    """A base model that adapts to text alone takes audio with transcripts; nothing is known of unreadable data."""
    bases = [
        base_model("audio", "2025-01-01T00:00:00Z", ["Language", "Acoustic", "AudioFiles"]),
        base_model("text only", "2026-01-01T00:00:00Z", ["Language"]),
    ]
    model = schemas.CustomModel.model_validate(entity("models", "Calls", datasets=[{"self": DATA}]))
    dataset = schemas.Dataset.model_validate(entity("datasets", "Calls", kind=kind or "", self=DATA))
    speech = Speech(RequestPipeline(SpeechResource("here", ENDPOINT, KeyCredential(SecretStr("k")))))
    related = {dataset.id: dataset} if kind else {}
    until = NOW + timedelta(days=365)
    facts = ExpirationFacts(speech, [model], [], bases, related, NOW, until, includes_unused=False, is_complete=True)

    found = facts.newest_base_model_for(model)

    assert (found.display_name if found else None) == newest
