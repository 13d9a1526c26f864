"""The rules of connecting a model to a project, and the plan that runs them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mcp.server.mcpserver import Resolve

from custom_speech_tools.call.arguments import ModelName, ProjectName
from custom_speech_tools.call.connections import Named
from custom_speech_tools.call.refusal import Refused
from custom_speech_tools.call.results import Finding
from custom_speech_tools.guardrails.project_rules import project_is_supported
from custom_speech_tools.guardrails.references import MODEL, PROJECT, find
from custom_speech_tools.guardrails.resource_rules import resource_is_writable
from custom_speech_tools.speech import Speech, wire
from custom_speech_tools.speech.plain_text import plain
from custom_speech_tools.speech.side_by_side import together


@dataclass(frozen=True, slots=True)
class Connection:
    """A model and a project of one resource and one locale."""

    speech: Speech
    model: wire.CustomModel
    project: wire.Project

    @property
    def stands(self) -> bool:
        """Whether the model is connected to the project already."""
        return self.model.project is not None and self.model.project.id == self.project.id

    async def made(self) -> wire.CustomModel:
        """The model, connected; nothing is sent where it is already."""
        if self.stands:
            return self.model
        project = self.speech.address_of(f"/projects/{self.project.id}")
        return await self.speech.models_update(self.model.id, {"project": {"self": project}})


def locales_match(model: wire.CustomModel, project: wire.Project) -> Iterator[Finding]:
    """Model and project have one locale."""
    if model.locale.lower() != project.locale.lower():
        name = plain(project.display_name, 80)
        yield Finding(
            rule="locale-match",
            level="block",
            message=f"Project '{name}' has locale {plain(project.locale)}, the model {plain(model.locale)}.",
            fix=f'list_projects(locale="{plain(model.locale)}") shows those that fit.',
        )


def model_has_not_failed(model: wire.CustomModel) -> Iterator[Finding]:
    """There is a model to connect."""
    if model.status == "Failed":
        reason = plain(model.error.message or "") if model.error else ""
        yield Finding(
            rule="model-is-ready",
            level="block",
            message=f"The model failed to train{': ' + reason if reason else '.'}",
            fix="Train it again, corrected; a failed model cannot be used.",
        )


async def connection(model: ModelName, project: ProjectName, speech: Named) -> Connection:
    """Model and project, where they fit; raises Refused with every finding."""
    if barred := [*resource_is_writable(speech.resource), *project_is_supported(speech.resource)]:
        raise Refused("Nothing was connected.", barred, "On this resource models work as they are.")
    async with together() as group:
        one, other = group.start(find(speech, MODEL, model)), group.start(find(speech, PROJECT, project))
    findings = [fact for fact in (one.result, other.result) if isinstance(fact, Finding)]
    if isinstance(one.result, wire.CustomModel):
        findings += model_has_not_failed(one.result)
    if isinstance(one.result, wire.CustomModel) and isinstance(other.result, wire.Project):
        findings += locales_match(one.result, other.result)
        if not findings:
            return Connection(speech, one.result, other.result)
    raise Refused("Nothing was connected.", findings, "Correct all of this, then call again.")


Connecting = Annotated[Connection, Resolve(connection)]
