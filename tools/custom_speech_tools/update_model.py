"""update_model: change the name or description of a model."""

import pydantic
from pydantic import JsonValue

from custom_speech_tools.guardrails.entity_lookup import find_entity
from custom_speech_tools.guardrails.shared_rules import parts_fit
from custom_speech_tools.presenters.model import Model, present_model
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import MODEL
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Arguments, Description, DisplayName, Reference, ResourceName
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare


class UpdateModelArguments(Arguments):
    """The arguments of update_model."""

    model: Reference
    display_name: DisplayName | None = None
    description: Description = None
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _changes_something(self) -> "UpdateModelArguments":
        if self.display_name is None and self.description is None:
            raise ValueError("needs display_name or description")
        return self


async def update_model(arguments: UpdateModelArguments, call: CallContext) -> Model:
    """Change the display name or the description of a custom model.

    Nothing else can be changed. A repeated call changes nothing. Then get_model.
    """
    speech = call.speech(arguments.resource)
    model = await find_entity(speech, MODEL, arguments.model)
    findings = [*parts_fit(speech.resource, None, model)]
    if findings or isinstance(model, Finding):
        raise Refused("Nothing was changed.", findings)
    wanted: dict[str, tuple[str | None, str | None]] = {
        "displayName": (arguments.display_name, model.display_name),
        "description": (arguments.description, model.description),
    }
    changes: dict[str, JsonValue] = {name: new for name, (new, old) in wanted.items() if new not in (None, old)}
    if changes:
        model = await call.writer(speech, Decision(())).models_update(model.id, changes)
    parts = await read_related(speech, model.parts)
    return present_model(speech, model, parts, call.now(speech), already_existed=not changes)


tool = declare(update_model, "Rename or describe a model", Annotations.UPDATE, "models")
