"""A refusal: nothing was changed, and the caller learns every reason at once."""

from collections.abc import Iterable

from custom_speech_tools.runtime.results import Finding


class Refused(Exception):
    """A guardrail stopped the call.

    `str()` is the whole answer: what was not done, every finding, and what to do instead.

    Attributes:
        is_transient: Whether the same call may succeed a little later.
    """

    def __init__(
        self, not_done: str, findings: Iterable[Finding], next_step: str, *, is_transient: bool = False
    ) -> None:
        self.not_done = not_done
        self.findings = tuple(findings)
        self.next_step = next_step
        blocking = [finding for finding in self.findings if finding.level == "block"]
        waits = bool(blocking) and all(finding.remedy == "wait" for finding in blocking)
        self.is_transient = is_transient or waits
        lines = [f"- [{finding.rule}] {finding.message} {finding.fix}" for finding in self.findings]
        super().__init__("\n".join([not_done, *lines, next_step]))
