"""Base models in answers."""

from typing import Annotated

from pydantic import BeforeValidator

from custom_speech_tools.runtime.results import MAX_PARTS, Created, Day, Listing, Result, ServiceText, optional


class BaseModel(Result):
    """A base model in a list; `training_is_charged` is true where the service does not say."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    created: Day | None = Created
    trains_with: Annotated[list[ServiceText], BeforeValidator(lambda kinds: kinds[:MAX_PARTS])]
    adaptation_until: Day | None
    transcription_until: Day | None
    training_is_charged: bool
    resource: str | None = optional()


class BaseModels(Listing):
    """The base models of a locale, newest first."""

    base_models: list[BaseModel]
