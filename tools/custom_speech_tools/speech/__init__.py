"""A typed client for the part of the Speech-to-text REST API that custom models need, independent of MCP."""

from custom_speech_tools.speech.client import Speech as Speech
from custom_speech_tools.speech.errors import AzureError as AzureError
from custom_speech_tools.speech.errors import InterceptedResponseError as InterceptedResponseError
from custom_speech_tools.speech.errors import NoCredentialError as NoCredentialError
from custom_speech_tools.speech.errors import NotAllowedError as NotAllowedError
from custom_speech_tools.speech.errors import ResponseLostError as ResponseLostError
from custom_speech_tools.speech.errors import SpeechError as SpeechError
from custom_speech_tools.speech.errors import UnreachableError as UnreachableError
from custom_speech_tools.speech.errors import UnreadableResponseError as UnreadableResponseError
from custom_speech_tools.speech.errors import UntrustedUrlError as UntrustedUrlError
from custom_speech_tools.speech.pipeline import RequestPipeline as RequestPipeline
from custom_speech_tools.speech.request_observer import Attempt as Attempt
from custom_speech_tools.speech.request_observer import Change as Change
from custom_speech_tools.speech.request_observer import RequestObserver as RequestObserver
from custom_speech_tools.speech.resource import VERSIONS as VERSIONS
from custom_speech_tools.speech.resource import Credential as Credential
from custom_speech_tools.speech.resource import KeyCredential as KeyCredential
from custom_speech_tools.speech.resource import SpeechResource as SpeechResource
from custom_speech_tools.speech.service_clock import ServiceClock as ServiceClock
