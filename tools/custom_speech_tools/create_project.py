"""create_project: create a project for a locale."""

from pydantic import JsonValue

from custom_speech_tools.guardrails.entity_lookup import missing_project_support
from custom_speech_tools.guardrails.shared_rules import parts_fit
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.parameters import Arguments, Description, DisplayName, Locale, ResourceName
from custom_speech_tools.runtime.results import Created, Moment, ResourceAnswer, ServiceText, resource_fields
from custom_speech_tools.runtime.tool import Annotations, declare


class CreateProjectArguments(Arguments):
    """The arguments of create_project."""

    display_name: DisplayName
    locale: Locale
    description: Description = None
    resource: ResourceName = None


class CreatedProject(ResourceAnswer):
    """A created project, or the existing project of an earlier identical request."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    description: ServiceText | None
    created: Moment | None = Created
    already_existed: bool


async def create_project(arguments: CreateProjectArguments, call: CallContext) -> CreatedProject:
    """Create a project, which groups the models, datasets, evaluations and endpoints of a locale in the Azure portals.

    Its locale cannot be changed. A repeated call creates no second project. Then pass its id as `project`.
    """
    speech = call.speech(arguments.resource)
    unsupported = missing_project_support(speech.resource, "none")
    if findings := [*parts_fit(speech.resource, None, unsupported)]:
        raise Refused("Nothing was created.", findings)
    name, locale = arguments.display_name, arguments.locale
    key = idempotency_key("project", speech.resource.identity, name, locale, arguments.description)
    body: dict[str, JsonValue] = {
        "displayName": name,
        "locale": locale,
        "description": arguments.description,
        "customProperties": {KEY_PROPERTY: key},
    }
    writer = call.writer(speech, Decision((), key))
    project, existed = await call.app.idempotency.create_once(
        call,
        key,
        lambda: writer.projects_create(body),
        lambda: speech.projects_list(display_name=name, locale=locale),
    )
    name = speech.resource.name
    steps = [
        call_step("connect_model", model=Choice("a model"), project=project.id, resource=name),
        call_step("list_datasets", locale=project.locale, resource=name),
    ]
    own = {"id": project.id, "already_existed": existed, "next_steps": steps}
    return CreatedProject.model_validate(dict(project) | resource_fields(speech) | own)


tool = declare(create_project, "Create a project", Annotations.CREATE, "models")
