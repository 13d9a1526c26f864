"""Projects."""

from custom_speech_tools.speech.schemas.entities import Entity


class Project(Entity):
    """A folder of the portals, in one locale."""
