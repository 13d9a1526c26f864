"""The tools of the command rollout: those that say more about a gate than an assistant needs, or only look."""

from dataclasses import replace

from custom_speech_tools import roll_out as registered
from custom_speech_tools.guardrails import rollout_history, rollout_preview
from custom_speech_tools.guardrails.rollout_model import StrictRolloutArguments
from custom_speech_tools.roll_out import RollOutArguments
from custom_speech_tools.runtime.tool import SpeechTool


class FileRollOutArguments(StrictRolloutArguments, RollOutArguments):
    """The arguments of roll_out, with everything that a rollout file may say about its gate."""


def rollout_tools() -> tuple[SpeechTool, ...]:
    """Return the tools of the command."""
    strict = replace(registered.tool, arguments=FileRollOutArguments)
    return (rollout_preview.tool, rollout_history.tool, strict)
