"""Azure Speech, as far as custom models go: a typed client of the Speech-to-text REST API.

The only package that imports httpx. It knows nothing of MCP and nothing of the tools.
"""

from custom_speech_tools.speech.client import Speech
from custom_speech_tools.speech.credential import Credential, KeyCredential
from custom_speech_tools.speech.errors import (
    AnswerLostError,
    AzureError,
    ForeignAddressError,
    NoCredentialError,
    NotAllowedError,
    SpeechError,
    UnreachableError,
    UnreadableAnswerError,
)
from custom_speech_tools.speech.hooks import Attempt, Change, RequestObserver
from custom_speech_tools.speech.resource import SpeechResource
from custom_speech_tools.speech.versions import VERSIONS, ApiVersion

__all__ = [
    "VERSIONS",
    "AnswerLostError",
    "ApiVersion",
    "Attempt",
    "AzureError",
    "Change",
    "Credential",
    "ForeignAddressError",
    "KeyCredential",
    "NoCredentialError",
    "NotAllowedError",
    "RequestObserver",
    "Speech",
    "SpeechError",
    "SpeechResource",
    "UnreachableError",
    "UnreadableAnswerError",
]
