"""Deployments of models to endpoints: arguments and facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import pydantic
from pydantic import Field, StrictBool

from custom_speech_tools.guardrails import entity_lookup
from custom_speech_tools.guardrails.entity_lookup import AnyModel
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import ENDPOINT
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.service_urls import entity_of
from custom_speech_tools.speech.tasks_and_threads import task_group

# The custom properties of an endpoint with its previous model, and with the name in a rollout's definition, by which
# the endpoint is found even if it was renamed.
PREVIOUS_MODEL_PROPERTY = "custom-speech-mcp-previous-model"
REQUESTED_NAME_PROPERTY = "custom-speech-mcp-endpoint"


class DeploymentArguments(parameters.Arguments):
    """The arguments of deploy_model."""

    model: parameters.Reference
    endpoint: Annotated[
        parameters.Identifier | None,
        Field(description="Existing endpoint that gets the model: id, self URI or exact name"),
    ] = None
    display_name: Annotated[parameters.ShortText | None, Field(description="Name of a new endpoint")] = None
    project: parameters.OptionalReference = None
    logging: Annotated[StrictBool, Field(description="Store the audio that a new endpoint receives")] = False
    confirm: parameters.Confirm = None
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None

    @pydantic.model_validator(mode="after")
    def _names_one_endpoint(self) -> "DeploymentArguments":
        if (self.endpoint is None) == (self.display_name is None):
            raise ValueError("needs either endpoint (existing) or display_name (new)")
        return self


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """The facts for the rules of deployments; a Finding replaces an entity that was not found."""

    speech: Speech
    now: datetime  # the service's time
    model: AnyModel | Finding
    endpoint: schemas.Endpoint | Finding | None  # the existing endpoint that gets the model, None for a new endpoint
    project: schemas.Project | Finding | None
    display_name: str | None  # of a new endpoint
    logging: bool = False
    evaluations: Sequence[schemas.Evaluation] = ()  # the finished evaluations of the resource, for an existing endpoint
    endpoints: Sequence[schemas.Endpoint] = ()  # all endpoints of the resource, for a new endpoint
    is_evaluated: bool = False  # True if the gate of a rollout has compared the model with the endpoint's model
    requested_name: str | None = None  # the endpoint's name in the definition of a rollout

    @property
    def replaced(self) -> schemas.Reference | None:
        """The model that the deployment replaces, or None."""
        current = self.endpoint.model if isinstance(self.endpoint, schemas.Endpoint) else None
        return current if current and isinstance(self.model, AnyModel) and current.id != self.model.id else None


def previous_model(speech: Speech, endpoint: schemas.Endpoint) -> schemas.Reference | None:
    """Return the model that an endpoint had before, or None if no model of its resource is recorded on it."""
    uri = (endpoint.custom_properties or {}).get(PREVIOUS_MODEL_PROPERTY, "")
    is_model = entity_of(uri) is not None and speech.resource.is_own_link(uri)
    return schemas.Reference(self=uri) if is_model else None


async def gather_deployment_facts(call: CallContext, arguments: DeploymentArguments) -> DeploymentFacts:
    """Fetch all facts concurrently."""
    speech, existing = call.speech(arguments.resource), arguments.endpoint
    async with task_group() as tasks:
        model = tasks.create_task(entity_lookup.find_any_model(speech, arguments.model))
        project = tasks.create_task(entity_lookup.find_project(speech, arguments.project))
        endpoint = evaluations = endpoints = None
        if existing:
            endpoint = tasks.create_task(entity_lookup.find_entity(speech, ENDPOINT, existing))
            evaluations = tasks.create_task(speech.evaluations_list(status="Succeeded"))
        else:
            endpoints = tasks.create_task(speech.endpoints_list())
    return DeploymentFacts(
        speech,
        call.now(speech),
        model.return_value,
        endpoint.return_value if endpoint else None,
        project.return_value,
        arguments.display_name,
        arguments.logging,
        newest_first(evaluations.return_value.entities) if evaluations else (),
        endpoints.return_value.entities if endpoints else (),
    )
