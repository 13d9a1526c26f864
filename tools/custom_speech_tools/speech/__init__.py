"""A typed client of the Speech-to-text REST API, as far as custom models need it.

The only package that imports httpx. It knows nothing about MCP or the tools.
"""

from custom_speech_tools.speech.client import Speech
from custom_speech_tools.speech.errors import (
    AnswerLostError,
    AzureError,
    ForeignAddressError,
    ForeignAnswerError,
    NoCredentialError,
    NotAllowedError,
    SpeechError,
    UnreachableError,
    UnreadableAnswerError,
)
from custom_speech_tools.speech.hooks import Attempt, Change, RequestObserver
from custom_speech_tools.speech.pipeline import RequestPipeline
from custom_speech_tools.speech.resource import VERSIONS, ApiVersion, Credential, KeyCredential, SpeechResource
from custom_speech_tools.speech.service_clock import ServiceClock

__all__ = [
    "VERSIONS",
    "AnswerLostError",
    "ApiVersion",
    "Attempt",
    "AzureError",
    "Change",
    "Credential",
    "ForeignAddressError",
    "ForeignAnswerError",
    "KeyCredential",
    "NoCredentialError",
    "NotAllowedError",
    "RequestObserver",
    "RequestPipeline",
    "ServiceClock",
    "Speech",
    "SpeechError",
    "SpeechResource",
    "UnreachableError",
    "UnreadableAnswerError",
]
