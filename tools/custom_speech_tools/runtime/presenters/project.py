"""Projects in answers."""

from custom_speech_tools.runtime.results import Created, Listing, Moment, ResourceAnswer, Result, ServiceText, optional


class Project(Result):
    """A project in a list."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    description: ServiceText | None
    created: Moment | None = Created
    resource: str | None = optional()


class CreatedProject(ResourceAnswer):
    """A project that was created, or existed already."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    description: ServiceText | None
    created: Moment | None
    already_existed: bool


class Projects(Listing):
    """The projects of a resource, newest first."""

    projects: list[Project]
