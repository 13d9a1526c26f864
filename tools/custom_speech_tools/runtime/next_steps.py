"""Next steps for the caller: complete calls, or sentences about what only the caller can choose."""

import json
import re
from collections.abc import Collection, Iterable, Sequence

from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech.sanitize import sanitize

MAX_VALUE = 200  # characters of an argument that are shown


class Choice(str):
    """An argument that only the caller can choose, such as "a test dataset"."""


Value = str | int | bool | list[str] | None


def call_step(tool: str, **arguments: Value) -> str:
    """Return a call with real values, or a sentence if the caller has to choose; None leaves an argument out."""
    choices = " and ".join(f"{value} ({name})" for name, value in arguments.items() if isinstance(value, Choice))
    known = {name: value for name, value in arguments.items() if value is not None and not isinstance(value, Choice)}
    given = ", ".join(f"{name}={_written(value)}" for name, value in known.items())
    if choices:
        return f"Choose {choices}, then call {tool}{' with ' if given else ''}{given}."
    return f"{tool}({given})"


def _written(value: Value) -> str:
    every = value[:10] if isinstance(value, list) else [value]
    values = [sanitize(one, MAX_VALUE) if isinstance(one, str) else one for one in every]
    return json.dumps(values if isinstance(value, list) else values[0], ensure_ascii=False)


def only_offered(steps: Iterable[str], missing: Collection[str]) -> list[str]:
    """Return the steps that name no tool of `missing`: tools that this server does not offer."""
    if not missing:
        return list(steps)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, missing))})\b")
    kept = [step for step in steps if not pattern.search(step)]
    return kept or ["This server does not offer the tools for the next step; ask whoever runs it."]


def offered_findings(findings: Sequence[Finding], missing: Collection[str]) -> list[Finding]:
    """Return the findings with fixes that name no missing tool."""
    return [finding.model_copy(update={"fix": only_offered([finding.fix], missing)[0]}) for finding in findings]
