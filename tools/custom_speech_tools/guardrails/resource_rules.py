"""The rules about a resource itself: what may be changed, what its API version has, and whether clocks agree."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource
from custom_speech_tools.speech.service_clock import CLOCK_TOLERANCE


def resource_is_writable(resource: SpeechResource) -> Iterator[Finding]:
    """Require that the configuration does not say read_only: such a resource is only sent GET requests."""
    if resource.read_only:
        yield Finding(
            rule="resource-writable",
            level="block",
            message=f"Resource {resource.name} is configured as read-only.",
            fix="Use another resource, or ask whoever configures the server.",
        )


def projects_are_supported(resource: SpeechResource) -> Iterator[Finding]:
    """Require that the resource's API version has projects."""
    if not resource.api_version.has_projects:
        yield Finding(
            rule="project-supported",
            level="block",
            message=f"API version {resource.api_version.name} of resource {resource.name} has no projects.",
            fix="Work without a project, or configure api_version 2025-10-15 for the resource.",
        )


def clocks_agree(skew: timedelta) -> Iterator[Finding]:
    """Warn where this machine's clock and the service's differ; `skew` is the lead of the service's clock."""
    if note := clock_note(skew):
        yield Finding(rule="clock-skew", level="warn", message=note, fix="Set the clock of this machine.")


def clock_note(skew: timedelta) -> str | None:
    """Return a sentence about clocks that differ, None where they agree."""
    if abs(skew) <= CLOCK_TOLERANCE:
        return None
    minutes = abs(skew) // timedelta(minutes=1)
    by = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
    relation = "behind" if skew > timedelta() else "ahead of"
    return f"This machine's clock is {by} {relation} the service's clock, by which dates are judged."


def is_blocked(findings: Sequence[Finding]) -> bool:
    """Return whether a finding blocks the request."""
    return any(finding.level == "block" for finding in findings)
