"""The client of the REST API: all operations on one Speech resource."""

from custom_speech_tools.speech.operations.datasets import DatasetOperations
from custom_speech_tools.speech.operations.endpoints import EndpointOperations
from custom_speech_tools.speech.operations.evaluations import EvaluationOperations
from custom_speech_tools.speech.operations.models import ModelOperations
from custom_speech_tools.speech.operations.projects import ProjectOperations
from custom_speech_tools.speech.operations.transcriptions import TranscriptionOperations


class Speech(
    ProjectOperations,
    DatasetOperations,
    ModelOperations,
    EvaluationOperations,
    EndpointOperations,
    TranscriptionOperations,
):
    """The custom speech operations of one Speech resource."""
