"""Next steps in answers: complete tool calls, or sentences that name what the caller has to choose."""

import json
import re
from collections.abc import Collection, Iterable, Sequence

from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech.sanitize import sanitize

MAX_VALUE = 200  # characters of an argument that are shown
MAX_ITEMS = 10  # items of a list that are shown

# The wait that steps suggest, unless the client allows less (docs/clients.md): many clients give up after 30 s.
DEFAULT_WAIT_SECONDS = 25

# Quoted text may contain names of entities, which are not changed.
_DEFAULT_WAIT = re.compile(rf'("(?:[^"\\]|\\.)*(?:"|$))|\bwait_seconds={DEFAULT_WAIT_SECONDS}\b')


class Choice(str):
    """An argument that only the caller can choose, such as "a test dataset"."""


Value = str | int | bool | list[str] | None


def call_step(tool: str, **arguments: Value) -> str:
    """Return a tool call with real values, or a sentence if the caller has to choose a value.

    Arguments that are None are left out.
    """
    choices, given = [], []
    for name, value in arguments.items():
        if isinstance(value, Choice):
            choices.append(f"{value} ({name})")
        elif value is not None:
            items = value[:MAX_ITEMS] if isinstance(value, list) else [value]
            items = [sanitize(item, MAX_VALUE) if isinstance(item, str) else item for item in items]
            shown = json.dumps(items if isinstance(value, list) else items[0], ensure_ascii=False)
            given.append(f"{name}={shown}")
    if choices:
        return f"Choose {' and '.join(choices)}, then call {tool}{' with ' if given else ''}{', '.join(given)}."
    return f"{tool}({', '.join(given)})"


def wait_step(tool: str, seconds_left: int | None, resource: str, **entity: Value) -> str:
    """Return a tool call that waits for an entity, or a call for later if the entity takes too long."""
    if seconds_left is None or seconds_left <= DEFAULT_WAIT_SECONDS:
        return call_step(tool, **entity, wait_seconds=DEFAULT_WAIT_SECONDS, resource=resource)
    later = f"{seconds_left} s"
    if seconds_left >= 90:
        later = f"{seconds_left / 3600:.1f} h" if seconds_left >= 5400 else f"{seconds_left / 60:.0f} min"
    return f"{call_step(tool, **entity, resource=resource)} in about {later}"


def fit_steps(
    steps: Iterable[str], missing_tools: Collection[str], wait_seconds: int = DEFAULT_WAIT_SECONDS
) -> list[str]:
    """Leave out next steps that name a missing tool, and adapt suggested waits to the client."""
    kept = list(steps)
    if missing_tools:
        pattern = re.compile(rf"\b({'|'.join(map(re.escape, missing_tools))})\b")
        kept = [step for step in kept if not pattern.search(step)]
        kept = kept or ["This server does not offer the tools for the next step; ask its operator."]
    if wait_seconds == DEFAULT_WAIT_SECONDS:
        return kept
    return [_DEFAULT_WAIT.sub(lambda found: found[1] or f"wait_seconds={wait_seconds}", step) for step in kept]


def fit_findings(findings: Sequence[Finding], missing_tools: Collection[str], wait_seconds: int) -> list[Finding]:
    """Adapt the fixes of findings in the same way as `fit_steps`."""
    fixes = [fit_steps([finding.fix], missing_tools, wait_seconds)[0] for finding in findings]
    return [finding.model_copy(update={"fix": fix}) for finding, fix in zip(findings, fixes, strict=True)]
