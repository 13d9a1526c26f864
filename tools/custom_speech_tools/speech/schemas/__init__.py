"""Schemas of the service's answers, reduced to what is used here.

Names are Azure's (source: the definitions of the same names in the published specifications). Unknown properties and
values are ignored, so that a later version of the service does not break the client.
"""

from custom_speech_tools.speech.schemas.datasets import Dataset
from custom_speech_tools.speech.schemas.entities import Entity, EntityError, Moment, Reference, Schema
from custom_speech_tools.speech.schemas.errors import Error, InnerError
from custom_speech_tools.speech.schemas.lists import Listed, Page
from custom_speech_tools.speech.schemas.models import BaseModel, CustomModel, ModelCopyAuthorization, Operation
from custom_speech_tools.speech.schemas.projects import Project

__all__ = [
    "BaseModel",
    "CustomModel",
    "Dataset",
    "Entity",
    "EntityError",
    "Error",
    "InnerError",
    "Listed",
    "ModelCopyAuthorization",
    "Moment",
    "Operation",
    "Page",
    "Project",
    "Reference",
    "Schema",
]
