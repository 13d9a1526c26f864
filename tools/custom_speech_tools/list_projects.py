"""list_projects: list the projects of a resource."""

from custom_speech_tools.guardrails.references import projects_are_supported
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.lists import exact_locale, list_fields, list_from, matches_locale, present_items
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import Arguments, Limit, LocaleFilter, ResourceNameOrAll
from custom_speech_tools.runtime.results import Created, Listing, Moment, Result, ServiceText, optional
from custom_speech_tools.runtime.tool import Annotations, declare


class ListProjectsArguments(Arguments):
    """The arguments of list_projects."""

    locale: LocaleFilter = None
    limit: Limit = 20
    resource: ResourceNameOrAll = None


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
    if arguments.resource != "*" and (
        unsupported := list(projects_are_supported(call.speech(arguments.resource).resource))
    ):
        raise Refused("Nothing to list.", unsupported, "Other tools work without a project.")
    found = await list_from(
        call, arguments.resource, lambda speech: speech.projects_list(locale=exact_locale(arguments.locale))
    )
    kept = [(speech, project) for speech, project in found.items() if matches_locale(project.locale, arguments.locale)]
    shown = present_items(Project, kept[: arguments.limit], arguments.resource)
    fields = list_fields(call, arguments.resource, found, kept, len(shown))
    where = arguments.resource or call.app.default
    locale = shown[0].locale if shown else arguments.locale
    return Projects(**fields, projects=shown, next_steps=[call_step("list_models", locale=locale, resource=where)])


tool = declare(list_projects, "List projects", Annotations.READ, "models")
