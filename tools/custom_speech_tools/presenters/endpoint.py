"""Results about endpoints, with the next steps."""

from collections.abc import Sequence
from datetime import datetime

from custom_speech_tools.guardrails.shared_rules import hosted_model_is_ready
from custom_speech_tools.presenters.entity import entity_fields, present_reference
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import call_step, wait_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote


class Endpoint(results.EntityAnswer):
    """An endpoint. After `transcription_until`, its model has expired and it uses the newest base model."""

    model: results.EntityReference | None
    previous_model: results.EntityReference | None
    project: results.ReferenceField | None
    transcription_until: results.Day | None
    logging: bool | None
    url: results.ServiceText | None
    already_existed: bool


class ListedEndpoint(results.Row):
    """An endpoint in a list."""

    model: results.EntityReference | None
    transcription_until: results.Day | None = results.optional()


class Endpoints(results.Listing):
    """The endpoints of a resource, newest first."""

    endpoints: list[ListedEndpoint]


def present_endpoint(
    speech: Speech,
    endpoint: schemas.Endpoint,
    parts: Entities,
    now: datetime,
    previous: schemas.Reference | None = None,  # the previous model
    *,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
) -> Endpoint:
    """Return an endpoint with the names of the entities it references."""
    until, resource_name = _transcription_until(endpoint, parts), speech.resource.name
    expired = [*hosted_model_is_ready(endpoint, until, now, resource_name)]
    fields = entity_fields(speech, endpoint, now)
    if not is_terminal(endpoint):
        again = fields["check_again_after_seconds"]
        steps = [wait_step("get_endpoint", again, resource_name, endpoint=endpoint.id)]
    elif endpoint.status == "Failed":
        steps = ["Correct what `error` names, then deploy_model into this endpoint again."]
    else:
        uses = [] if expired else [use_step(speech, endpoint)]
        restores = [restore_step(speech, endpoint, previous.id)] if previous and not expired else []
        steps = [*uses, *restores, call_step("check_expirations", resource=resource_name)]
    return Endpoint(
        **fields,
        model=present_reference(endpoint.model, parts),
        previous_model=present_reference(previous, parts),
        project=present_reference(endpoint.project, parts),
        transcription_until=until,
        logging=endpoint.logging,
        url=None if speech.is_emulated else endpoint.url,  # an emulated URL looks real but leads nowhere
        already_existed=already_existed,
        findings=[*findings, *expired],
        next_steps=steps,
    )


def present_listed_endpoint(endpoint: schemas.Endpoint, parts: Entities) -> ListedEndpoint:
    """Return an endpoint as a list item."""
    model, until = present_reference(endpoint.model, parts), _transcription_until(endpoint, parts)
    own = {"id": endpoint.id, "model": model, "transcription_until": until}
    return ListedEndpoint.model_validate(dict(endpoint) | own)


def _transcription_until(endpoint: schemas.Endpoint, parts: Entities) -> datetime | None:
    """Return when the endpoint's model expires, or None if unknown."""
    model = parts.get(endpoint.model.id) if endpoint.model else None
    return model.transcription_until if isinstance(model, schemas.Model) else None


def use_step(speech: Speech, endpoint: schemas.Endpoint) -> str:
    """Return how applications use the endpoint, or would use it on Azure."""
    use = "On Azure, applications would use" if speech.is_emulated else "Applications use"
    named = f"endpoint {quote(endpoint.display_name)} on {speech.resource.name}"
    return f"{use} {named} by setting endpoint_id of the Speech SDK's SpeechConfig to {endpoint.id}"


def restore_step(speech: Speech, endpoint: schemas.Endpoint, previous_model: str) -> str:
    """Return the call that deploys the previous model to the endpoint again."""
    name = speech.resource.name
    deploy = call_step("deploy_model", model=previous_model, endpoint=endpoint.id, resource=name)
    return f"{deploy} goes back to the previous model"
