"""The rules of a resource itself: whether it may be changed, and whether its clock and ours agree. Pure functions."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource

TOLERANCE = timedelta(minutes=5)
"""What two clocks may differ by and still agree."""


def resource_is_writable(resource: SpeechResource) -> Iterator[Finding]:
    """The configuration does not say read_only: to such a resource nothing but GET is sent."""
    if resource.read_only:
        yield Finding(
            rule="resource-writable",
            level="block",
            message=f"Resource {resource.name} is configured as read_only.",
            fix="Use another resource, or ask whoever configures the server.",
        )


def clocks_agree(ahead: timedelta) -> Iterator[Finding]:
    """This machine's clock shows what the service's does; `ahead` is the service's lead."""
    if note := clock_note(ahead):
        yield Finding(rule="clock-agrees", level="warn", message=note, fix="Set the clock of this machine.")


def clock_note(ahead: timedelta) -> str | None:
    """What to say of clocks that differ; None where they agree."""
    if abs(ahead) <= TOLERANCE:
        return None
    late, minutes = ahead > timedelta(), abs(ahead) // timedelta(minutes=1)
    by = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
    return f"This machine's clock is {by} {'behind' if late else 'ahead of'} the service's, by which dates are judged."


def to_service_time(now: datetime, ahead: timedelta) -> datetime:
    """The time by which the service judges."""
    return now + ahead if abs(ahead) > TOLERANCE else now
