"""Schemas of the service's answers, reduced to what is used here.

Names are Azure's (source: the definitions of the same names in the published specifications). Unknown properties and
values are ignored, so that a later version of the service does not break the client.
"""

from custom_speech_tools.speech.schemas.datasets import Dataset, UploadedBlocks
from custom_speech_tools.speech.schemas.endpoints import Endpoint
from custom_speech_tools.speech.schemas.entities import Entity, EntityError, Moment, Reference, Schema
from custom_speech_tools.speech.schemas.errors import Error, InnerError
from custom_speech_tools.speech.schemas.evaluations import Evaluation, Score
from custom_speech_tools.speech.schemas.files import File
from custom_speech_tools.speech.schemas.lists import Listed, Page
from custom_speech_tools.speech.schemas.models import BaseModel, CustomModel, ModelCopyAuthorization, Operation
from custom_speech_tools.speech.schemas.projects import Project
from custom_speech_tools.speech.schemas.transcriptions import FastTranscription, Transcription, TranscriptionLocales

__all__ = [
    "BaseModel",
    "CustomModel",
    "Dataset",
    "Endpoint",
    "Entity",
    "EntityError",
    "Error",
    "Evaluation",
    "FastTranscription",
    "File",
    "InnerError",
    "Listed",
    "ModelCopyAuthorization",
    "Moment",
    "Operation",
    "Page",
    "Project",
    "Reference",
    "Schema",
    "Score",
    "Transcription",
    "TranscriptionLocales",
    "UploadedBlocks",
]
