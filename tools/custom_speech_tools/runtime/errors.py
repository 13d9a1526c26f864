"""A refusal: a guardrail said no and nothing was changed."""

from collections.abc import Iterable

from custom_speech_tools.runtime.results import Finding


class Refused(Exception):
    """`str()` is the whole answer: what was not done, every reason, and what to do instead."""

    def __init__(self, not_done: str, findings: Iterable[Finding], then: str) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join([not_done, *map(_line, self.findings), then]))


def _line(finding: Finding) -> str:
    return f"- [{finding.rule}] {finding.message} {finding.fix}"
