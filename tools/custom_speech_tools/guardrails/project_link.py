"""Connecting a model to a project: the rules and the plan."""

from collections.abc import Iterator
from dataclasses import dataclass

from custom_speech_tools.guardrails.references import MODEL, PROJECT, find
from custom_speech_tools.guardrails.resource_rules import projects_are_supported, resource_is_writable
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote, reason_clause, word


@dataclass(frozen=True, slots=True)
class ProjectLink:
    """A model and a project of one resource and one locale."""

    speech: Speech
    model: schemas.CustomModel
    project: schemas.Project

    @property
    def is_linked(self) -> bool:
        """True if the model is connected to the project already."""
        return self.model.project is not None and self.model.project.id == self.project.id

    async def link(self, call: CallContext, findings: tuple[Finding, ...] = ()) -> schemas.CustomModel:
        """Connect the model and return it; sends nothing where it is connected already."""
        if self.is_linked:
            return self.model
        project = self.speech.address_of(f"/projects/{self.project.id}")
        writer = call.writer(self.speech, Decision(findings))
        return await writer.models_update(self.model.id, {"project": {"self": project}})


async def plan_project_link(call: CallContext, model: str, project: str, resource: str | None) -> ProjectLink:
    """Fetch the model and the project, and check that they can be connected.

    Raises:
        Refused: A rule blocks the connection.
    """
    speech = call.speech(resource)
    async with task_group() as tasks:
        model_task = tasks.create_task(find(speech, MODEL, model))
        has_projects = speech.resource.api_version.has_projects
        project_task = tasks.create_task(find(speech, PROJECT, project)) if has_projects else None
    found_model, found_project = model_task.return_value, project_task.return_value if project_task else None
    findings = list(_check(speech, found_model, found_project))
    if not findings and isinstance(found_model, schemas.CustomModel) and isinstance(found_project, schemas.Project):
        return ProjectLink(speech, found_model, found_project)
    raise Refused("Nothing was connected.", findings, "Correct all of this, then call again.")


def _check(
    speech: Speech, model: schemas.CustomModel | Finding, project: schemas.Project | Finding | None
) -> Iterator[Finding]:
    yield from resource_is_writable(speech.resource)
    yield from projects_are_supported(speech.resource)
    yield from (fact for fact in (model, project) if isinstance(fact, Finding))
    if isinstance(model, schemas.CustomModel):
        yield from model_has_not_failed(model)
        if isinstance(project, schemas.Project):
            yield from project_has_locale(project, model.locale, speech.resource.name)


def project_has_locale(project: schemas.Project, locale: str, resource: str) -> Iterator[Finding]:
    """Require that a project has the locale of what is put into it."""
    if locale.lower() != project.locale.lower():
        fitting = call_step("list_projects", locale=locale, resource=resource)
        yield Finding(
            rule="locale-match",
            level="block",
            message=f"Project {quote(project.display_name)} has locale {word(project.locale)}, not {word(locale)}.",
            fix=f"{fitting} lists the projects that fit.",
        )


def model_has_not_failed(model: schemas.CustomModel) -> Iterator[Finding]:
    """Require that training has not failed."""
    if model.status == "Failed":
        yield Finding(
            rule="model-is-ready",
            level="block",
            message=f"Training of the model failed{reason_clause(model.error.message if model.error else None)}",
            fix="Correct the cause and train it again; a failed model cannot be used.",
        )
