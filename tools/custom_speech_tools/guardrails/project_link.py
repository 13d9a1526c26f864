"""The rules of connecting a model to a project, and the plan that runs them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mcp.server.mcpserver import Resolve

from custom_speech_tools.guardrails.project_rules import project_is_supported
from custom_speech_tools.guardrails.references import MODEL, PROJECT, find
from custom_speech_tools.guardrails.resource_rules import resource_is_writable
from custom_speech_tools.runtime.dependencies import Named
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import call
from custom_speech_tools.runtime.parameters import ModelName, ProjectName
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import together
from custom_speech_tools.speech.sanitize import because, plain


@dataclass(frozen=True, slots=True)
class Connection:
    """A model and a project of one resource and one locale."""

    speech: Speech
    model: schemas.CustomModel
    project: schemas.Project

    @property
    def stands(self) -> bool:
        """Whether the model is connected to the project already."""
        return self.model.project is not None and self.model.project.id == self.project.id

    async def made(self) -> schemas.CustomModel:
        """The model, connected; nothing is sent where it is already."""
        if self.stands:
            return self.model
        project = self.speech.address_of(f"/projects/{self.project.id}")
        return await self.speech.models_update(self.model.id, {"project": {"self": project}})


def locales_match(model: schemas.CustomModel, project: schemas.Project, resource: str) -> Iterator[Finding]:
    """Model and project have one locale; `resource` is where the project is."""
    if model.locale.lower() != project.locale.lower():
        name, fitting = plain(project.display_name, 80), call("list_projects", locale=model.locale, resource=resource)
        yield Finding(
            rule="locale-match",
            level="block",
            message=f"Project '{name}' has locale {plain(project.locale)}, the model {plain(model.locale)}.",
            fix=f"{fitting} shows those that fit.",
        )


def model_has_not_failed(model: schemas.CustomModel) -> Iterator[Finding]:
    """There is a model to connect."""
    if model.status == "Failed":
        yield Finding(
            rule="model-is-ready",
            level="block",
            message=f"The model failed to train{because(model.error.message if model.error else None)}",
            fix="Train it again, corrected; a failed model cannot be used.",
        )


async def connection(model: ModelName, project: ProjectName, speech: Named) -> Connection:
    """Model and project, where they fit; raises Refused with every finding."""
    async with together() as group:
        one = group.start(find(speech, MODEL, model))
        other = group.start(find(speech, PROJECT, project)) if speech.resource.api_version.has_projects else None
    what, where = one.result, other.result if other else None
    findings = list(_findings(speech, what, where))
    if not findings and isinstance(what, schemas.CustomModel) and isinstance(where, schemas.Project):
        return Connection(speech, what, where)
    raise Refused("Nothing was connected.", findings, "Correct all of this, then call again.")


def _findings(
    speech: Speech, model: schemas.CustomModel | Finding, project: schemas.Project | Finding | None
) -> Iterator[Finding]:
    yield from resource_is_writable(speech.resource)
    yield from project_is_supported(speech.resource)
    yield from (fact for fact in (model, project) if isinstance(fact, Finding))
    if isinstance(model, schemas.CustomModel):
        yield from model_has_not_failed(model)
        if isinstance(project, schemas.Project):
            yield from locales_match(model, project, speech.resource.name)


Connecting = Annotated[Connection, Resolve(connection)]
