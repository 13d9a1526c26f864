"""Azure Speech, as far as custom models go: a typed client of the Speech-to-text REST API.

The only package that imports httpx. It knows nothing of MCP and nothing of the tools.
"""

from custom_speech_tools.speech.client import Speech
from custom_speech_tools.speech.credential import Credential, KeyCredential
from custom_speech_tools.speech.errors import (
    AnswerLost,
    AzureError,
    ForeignAddress,
    NoCredential,
    NotAllowed,
    SpeechError,
    Unreachable,
    UnreadableAnswer,
)
from custom_speech_tools.speech.resource import SpeechResource
from custom_speech_tools.speech.versions import VERSIONS, ApiVersion
from custom_speech_tools.speech.watching import Attempt, Change, Watcher

__all__ = [
    "VERSIONS",
    "AnswerLost",
    "ApiVersion",
    "Attempt",
    "AzureError",
    "Change",
    "Credential",
    "ForeignAddress",
    "KeyCredential",
    "NoCredential",
    "NotAllowed",
    "Speech",
    "SpeechError",
    "SpeechResource",
    "Unreachable",
    "UnreadableAnswer",
    "Watcher",
]
