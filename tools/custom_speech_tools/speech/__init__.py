"""A typed client of the Speech-to-text REST API, as far as custom models need it.

The only package that imports httpx. It knows nothing about MCP or the tools.
"""

from custom_speech_tools.speech.client import Speech as Speech
from custom_speech_tools.speech.errors import AnswerLostError as AnswerLostError
from custom_speech_tools.speech.errors import AzureError as AzureError
from custom_speech_tools.speech.errors import ForeignAddressError as ForeignAddressError
from custom_speech_tools.speech.errors import ForeignAnswerError as ForeignAnswerError
from custom_speech_tools.speech.errors import NoCredentialError as NoCredentialError
from custom_speech_tools.speech.errors import NotAllowedError as NotAllowedError
from custom_speech_tools.speech.errors import SpeechError as SpeechError
from custom_speech_tools.speech.errors import UnreachableError as UnreachableError
from custom_speech_tools.speech.errors import UnreadableAnswerError as UnreadableAnswerError
from custom_speech_tools.speech.http_exchange import Attempt as Attempt
from custom_speech_tools.speech.http_exchange import Change as Change
from custom_speech_tools.speech.http_exchange import RequestObserver as RequestObserver
from custom_speech_tools.speech.pipeline import RequestPipeline as RequestPipeline
from custom_speech_tools.speech.resource import VERSIONS as VERSIONS
from custom_speech_tools.speech.resource import Credential as Credential
from custom_speech_tools.speech.resource import KeyCredential as KeyCredential
from custom_speech_tools.speech.resource import SpeechResource as SpeechResource
from custom_speech_tools.speech.service_clock import ServiceClock as ServiceClock
