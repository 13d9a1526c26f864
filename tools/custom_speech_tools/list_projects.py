"""list_projects: the projects of a resource."""

from custom_speech_tools.guardrails.project_rules import project_is_supported
from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.dependencies import Named
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.locales import canonical, reading_of
from custom_speech_tools.runtime.parameters import Limit, LocaleFilter, ResourceName
from custom_speech_tools.runtime.results import Project, Projects
from custom_speech_tools.runtime.tool import reads


async def list_projects(
    speech: Named, locale: LocaleFilter = None, limit: Limit = 20, resource: ResourceName = None
) -> Projects:
    """List the projects of a resource, newest first. The Azure portals show only models that are connected to a
    project of their locale."""
    if unsupported := list(project_is_supported(speech.resource)):
        raise Refused("Nothing to list.", unsupported, "Other tools work without a project.")
    listing = await speech.projects_list(locale=canonical(locale) if locale else None)
    shown = [Project.model_validate(found) for found in presenters.newest_first(listing.entities)[:limit]]
    note = reading_of(locale) if locale else None
    return Projects(**presenters.listed(speech.resource, listing, listing.entities, len(shown), note), projects=shown)


tool = reads(list_projects, "List projects")
