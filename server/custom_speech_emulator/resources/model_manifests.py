"""Manifests: the files with which a container would run a model. Here they only stand for the real ones."""

from __future__ import annotations

from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.links import HOST_PLACEHOLDER
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities, files
from custom_speech_emulator.resources.base_models import BASE_MODELS
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.models import MODELS

_FILES = {BASE_MODELS: ("model.fe", "base.lms"), MODELS: ("model.fe", "base.lms", "custom.lms")}


def of_custom_model(call: Call) -> Answer:
    """Models_GetCustomModelManifest."""
    return _manifest(call, MODELS)


def of_base_model(call: Call) -> Answer:
    """Models_GetBaseModelManifest."""
    return _manifest(call, BASE_MODELS)


def _manifest(call: Call, kind: Kind) -> Answer:
    model = entities.found(call, kind)
    name, _ = call.version.lifetime
    if call.version.dated and name not in call.query:
        raise invalid("InvalidParameterValue", f"The query parameter {name} is missing.", name)
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}; it has no manifest yet.", "id")
    until = call.now + files.lifetime(call)
    model_files = [
        {
            "name": f"{model.id}/{file}",
            "contentUrl": HOST_PLACEHOLDER + files.signed(call.state, model.account, model.id, file, until),
        }
        for file in _FILES[kind]
    ]
    body = {"model": call.version.reference(kind.path, model.id), "modelFiles": model_files}
    return Answer(200, body | {"properties": {"simulated": True}})
