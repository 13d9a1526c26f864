"""Connecting a model to a project: the arguments, the rules and the plan."""

from dataclasses import dataclass

from custom_speech_tools.guardrails.references import MODEL, find, find_project, link_to
from custom_speech_tools.guardrails.resource_rules import model_is_ready, parts_fit
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Arguments, ModelReference, ProjectReference, ResourceName
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group


class ConnectionArguments(Arguments):
    """The arguments of connect_model."""

    model: ModelReference
    project: ProjectReference
    resource: ResourceName = None


@dataclass(frozen=True, slots=True)
class ProjectConnection:
    """A model and a project of one resource and one locale."""

    speech: Speech
    model: schemas.CustomModel
    project: schemas.Project

    @property
    def is_made(self) -> bool:
        """True if the model is connected to the project already."""
        return self.model.project is not None and self.model.project.id == self.project.id

    async def make(self, call: CallContext, findings: tuple[Finding, ...] = ()) -> schemas.CustomModel:
        """Connect the model and return it; sends nothing if it is connected already."""
        if self.is_made:
            return self.model
        writer = call.writer(self.speech, Decision(findings))
        return await writer.models_update(self.model.id, {"project": link_to(self.speech, self.project)})


async def plan_project_connection(call: CallContext, arguments: ConnectionArguments) -> ProjectConnection:
    """Fetch the model and the project, and check that they can be connected.

    Raises:
        Refused: A rule blocks the connection.
    """
    speech = call.speech(arguments.resource)
    async with task_group() as tasks:
        model_task = tasks.create_task(find(speech, MODEL, arguments.model))
        project_task = tasks.create_task(find_project(speech, arguments.project))
    found, target = model_task.return_value, project_task.return_value
    locale = found.locale if isinstance(found, schemas.CustomModel) else None
    findings = [*parts_fit(speech.resource, locale, found, target)]
    if isinstance(found, schemas.CustomModel) and found.status == "Failed":  # a running one may be connected
        findings += model_is_ready(found, call.now(speech), speech.resource.name)
    if not findings and isinstance(found, schemas.CustomModel) and isinstance(target, schemas.Project):
        return ProjectConnection(speech, found, target)
    raise Refused("Nothing was connected.", findings)
