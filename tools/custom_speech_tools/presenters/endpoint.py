"""Endpoints in answers: what they host, until when, and how an application uses them."""

from collections.abc import Sequence
from datetime import datetime

from custom_speech_tools.presenters.entity import entity_fields, present_reference
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import Choice, call_step, wait_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote


class Endpoint(results.EntityAnswer):
    """An endpoint; `transcription_until` is the end of its model, after which it uses the newest base model."""

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
    previous: schemas.Reference | None = None,  # the model that it had before
    *,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
) -> Endpoint:
    """Return an endpoint with the names of its parts."""
    until, here = _transcription_until(endpoint, parts), speech.resource.name
    expired = []
    if until and until <= now:  # the endpoint itself stays Succeeded
        new = Choice("a model that still transcribes, or train one")
        message = (
            f"The endpoint's model ended on {until:%Y-%m-%d}: applications keep working, but silently with the newest "
            "base model."
        )
        expired = [
            results.warn(
                "model-is-ready", message, call_step("deploy_model", model=new, endpoint=endpoint.id, resource=here)
            )
        ]
    fields = entity_fields(speech, endpoint, now)
    return Endpoint(
        **fields,
        model=present_reference(endpoint.model, parts),
        previous_model=present_reference(previous, parts),
        project=present_reference(endpoint.project, parts),
        transcription_until=until,
        logging=endpoint.logging,
        url=None if speech.is_emulated else endpoint.url,  # the emulator's looks real and leads nowhere
        already_existed=already_existed,
        findings=[*findings, *expired],
        next_steps=_steps(speech, endpoint, previous, fields["check_again_after_seconds"], has_expired=bool(expired)),
    )


def present_listed_endpoint(endpoint: schemas.Endpoint, parts: Entities) -> ListedEndpoint:
    """Return an endpoint as a list shows it."""
    model, until = present_reference(endpoint.model, parts), _transcription_until(endpoint, parts)
    own = {"id": endpoint.id, "model": model, "transcription_until": until}
    return ListedEndpoint.model_validate(dict(endpoint) | own)


def _transcription_until(endpoint: schemas.Endpoint, parts: Entities) -> datetime | None:
    """Return when the endpoint's model ends, None if that is not known."""
    model = parts.get(endpoint.model.id) if endpoint.model else None
    return model.transcription_until if isinstance(model, schemas.Model) else None


def _steps(
    speech: Speech,
    endpoint: schemas.Endpoint,
    previous: schemas.Reference | None,
    again: int | None,
    *,
    has_expired: bool,
) -> list[str]:
    here = speech.resource.name
    if not is_terminal(endpoint):
        return [wait_step("get_endpoint", again, here, endpoint=endpoint.id)]
    if endpoint.status == "Failed":
        return ["Correct what `error` names, then deploy_model into this endpoint again."]
    steps = [call_step("check_expirations", resource=here)]
    if has_expired:
        return steps
    if previous:
        back = call_step("deploy_model", model=previous.id, endpoint=endpoint.id, resource=here)
        steps.insert(0, f"{back} goes back to the previous model")
    return [use_step(speech, endpoint), *steps]


def use_step(speech: Speech, endpoint: schemas.Endpoint) -> str:
    """Return how applications use an endpoint; those of the emulator can be reached by none."""
    use = "On Azure, applications would use" if speech.is_emulated else "Applications use"
    named = f"endpoint {quote(endpoint.display_name)} on {speech.resource.name}"
    return f"{use} {named} by setting endpoint_id of the Speech SDK's SpeechConfig to {endpoint.id}"
