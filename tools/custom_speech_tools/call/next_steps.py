"""What a caller can do next. Pure functions."""

import json

from custom_speech_tools.call.looking import has_ended
from custom_speech_tools.speech import Speech, wire


def call(tool: str, **arguments: str | int | None) -> str:
    """A call with real values."""
    given = ", ".join(f"{name}={json.dumps(value)}" for name, value in arguments.items() if value is not None)
    return f"{tool}({given})"


def after(speech: Speech, model: wire.CustomModel) -> list[str]:
    """What can be done with a model of this status."""
    here = speech.resource.name
    if not has_ended(model):
        return [call("get_model", model=model.id, wait_seconds=45, resource=here)]
    if model.status == "Failed":
        return ["Correct what `error` names, then create_model with another display_name or allow_duplicate=true."]
    connect = call("connect_model", model=model.id, project="…", resource=here)
    unconnected = [connect] if model.project is None and speech.resource.api_version.has_projects else []
    return [*unconnected, call("copy_model", model=model.id, to_resource="…", resource=here)]
