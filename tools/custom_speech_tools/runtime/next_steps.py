"""What a caller can do next. Pure functions."""

import json

from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.speech import Speech, schemas


def call(tool: str, **arguments: str | int | None) -> str:
    """A call with real values; `<…>` stands for one that only the caller can choose."""
    given = ", ".join(f"{name}={_written(value)}" for name, value in arguments.items() if value is not None)
    return f"{tool}({given})"


def after(speech: Speech, model: schemas.CustomModel) -> list[str]:
    """What can be done with a model of this status."""
    here = speech.resource.name
    if not is_terminal(model):
        return [call("get_model", model=model.id, wait_seconds=45, resource=here)]
    if model.status == "Failed":
        return ["Correct what `error` names, then create_model with another display_name or allow_duplicate=true."]
    copy = call("copy_model", model=model.id, to_resource="<resource>", resource=here)
    if model.project is not None or not speech.resource.api_version.has_projects:
        return [copy]
    choose = call("list_projects", locale=model.locale, resource=here)
    connect = call("connect_model", model=model.id, project="<project>", resource=here)
    return [f"{choose}, then {connect}", copy]


def _written(value: str | int) -> str:
    chosen = isinstance(value, str) and value.startswith("<")
    return str(value) if chosen else json.dumps(value, ensure_ascii=False)
