"""list_projects: list the projects of a resource."""

from custom_speech_tools.guardrails.entity_lookup import missing_project_support
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import list_entities
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import ListArguments, LocaleFilter
from custom_speech_tools.runtime.results import Created, Listing, Moment, Result, ServiceText, optional
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech


class ListProjectsArguments(ListArguments):
    """The arguments of list_projects."""

    locale: LocaleFilter = None


class Project(Result):
    """A project in a list."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    description: ServiceText | None
    created: Moment | None = Created
    resource: str | None = optional()


class Projects(Listing):
    """The projects of a resource, newest first."""

    projects: list[Project]


async def list_projects(arguments: ListProjectsArguments, call: CallContext) -> Projects:
    """List the projects of a resource, newest first.

    The Azure portals show only models that are connected to a project of their locale.
    """
    unsupported = (
        None if arguments.resource == "*" else missing_project_support(call.speech(arguments.resource).resource)
    )
    if unsupported:
        raise Refused("Nothing to list.", [unsupported], "Other tools work without a project.")
    found = await list_entities(call, arguments, Speech.projects_list, locale=arguments.locale)
    shown = await found.rows(lambda one, _: Project.model_validate(one))
    locale = shown[0].locale if shown else arguments.locale
    step = call_step("list_models", locale=locale, resource=found.resource)
    return Projects(**found.fields(), projects=shown, next_steps=[step])


tool = declare(list_projects, "List projects", Annotations.READ, "models")
