"""Endpoints in answers: what they host, until when, and how an application uses them."""

from collections.abc import Sequence
from datetime import datetime

from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.polling import check_again_after, is_terminal
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import (
    Created,
    Day,
    EntityReference,
    FailureField,
    Finding,
    Findings,
    Listing,
    Moment,
    ReferenceField,
    ResourceAnswer,
    Result,
    ServiceText,
    optional,
    present_failure,
)
from custom_speech_tools.speech import Speech, schemas


class Endpoint(ResourceAnswer):
    """An endpoint; `transcription_until` is the end of its model, after which it uses the newest base model."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    model: EntityReference | None
    previous_model: EntityReference | None
    project: ReferenceField | None
    transcription_until: Day | None
    logging: bool | None
    url: ServiceText | None
    created: Moment | None
    last_action: Moment | None
    error: FailureField | None
    already_existed: bool
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


class ListedEndpoint(Result):
    """An endpoint in a list."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    model: EntityReference | None
    transcription_until: Day | None = optional()
    created: Moment | None = Created
    resource: str | None = optional()


class Endpoints(Listing):
    """The endpoints of a resource, newest first."""

    endpoints: list[ListedEndpoint]


async def present_endpoint(
    call: CallContext,
    speech: Speech,
    endpoint: schemas.Endpoint,
    previous: schemas.Reference | None = None,
    *,
    already_existed: bool = False,
    findings: Sequence[Finding] = (),
) -> Endpoint:
    """Return an endpoint with the names of its parts; unknown names cost one concurrent round trip.

    Args:
        previous: The model that the endpoint had before.
    """
    await load_references(speech, [endpoint.model, previous, endpoint.project])
    now = call.now(speech)
    again = None if is_terminal(endpoint) else check_again_after(endpoint.last_action_date_time, now)
    return Endpoint(
        **resource_fields(speech),
        id=endpoint.id,
        display_name=endpoint.display_name,
        locale=endpoint.locale,
        status=endpoint.status,
        model=present_reference(speech, endpoint.model),
        previous_model=present_reference(speech, previous),
        project=present_reference(speech, endpoint.project),
        transcription_until=transcription_until(speech, endpoint),
        logging=endpoint.logging,
        url=endpoint.url,
        created=endpoint.created_date_time,
        last_action=endpoint.last_action_date_time,
        error=present_failure(endpoint.error),
        already_existed=already_existed,
        findings=[*findings, *_expired_model(speech, endpoint, now)],
        now=now,
        check_again_after_seconds=again,
        next_steps=_steps(speech, endpoint, previous, now),
    )


def transcription_until(speech: Speech, endpoint: schemas.Endpoint) -> datetime | None:
    """Return when the endpoint's model ends, None if that is not known."""
    model = speech.known.get(endpoint.model.id) if endpoint.model else None
    return getattr(model, "transcription_until", None)


def _expired_model(speech: Speech, endpoint: schemas.Endpoint, now: datetime) -> list[Finding]:
    """Warn of a model that has ended, although the endpoint itself stays Succeeded."""
    until = transcription_until(speech, endpoint)
    if until is None or until > now:
        return []
    deploy = call_step("deploy_model", model=Placeholder("model"), endpoint=endpoint.id, resource=speech.resource.name)
    return [
        Finding(
            rule="model-is-ready",
            level="warn",
            message=f"The endpoint's model ended on {until:%Y-%m-%d}: applications keep working, but silently with the "
            "newest base model.",
            fix=f"Train a new one, then {deploy}.",
        )
    ]


def _steps(speech: Speech, endpoint: schemas.Endpoint, previous: schemas.Reference | None, now: datetime) -> list[str]:
    here = speech.resource.name
    if not is_terminal(endpoint):
        return [call_step("get_endpoint", endpoint=endpoint.id, wait_seconds=suggested_wait(), resource=here)]
    if endpoint.status == "Failed":
        return ["Correct what `error` names, then deploy_model into this endpoint again."]
    if _expired_model(speech, endpoint, now):
        return [call_step("check_expirations", resource=here)]
    steps = [f"Applications use the endpoint by setting endpoint_id of the Speech SDK's SpeechConfig to {endpoint.id}"]
    if previous:
        back = call_step("deploy_model", model=previous.id, endpoint=endpoint.id, resource=here)
        steps.append(f"{back} goes back to the previous model")
    return [*steps, call_step("check_expirations", resource=here)]
