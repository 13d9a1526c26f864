"""The rule of projects. Pure functions."""

from collections.abc import Iterator

from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource


def project_is_supported(resource: SpeechResource) -> Iterator[Finding]:
    """The resource's API version has projects."""
    if not resource.api_version.has_projects:
        yield Finding(
            rule="project-supported",
            level="block",
            message=f"API version {resource.api_version.name} of resource {resource.name} has no projects.",
            fix="Work without a project, or configure api_version 2025-10-15 for the resource.",
        )
