"""list_endpoints: list the deployments of a resource."""

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.lists import ALL_RESOURCES, exact_locale, list_fields, list_from, matches_locale
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.parameters import Arguments, Limit, LocaleFilter, ResourceNameOrAll
from custom_speech_tools.runtime.presenters.endpoint import Endpoints, ListedEndpoint, transcription_until
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.concurrency import gather


class ListEndpointsArguments(Arguments):
    """The arguments of list_endpoints."""

    locale: LocaleFilter = None
    limit: Limit = 20
    resource: ResourceNameOrAll = None


async def list_endpoints(arguments: ListEndpointsArguments, call: CallContext) -> Endpoints:
    """List the endpoints of a resource, newest first, with the model that each hosts.

    `transcription_until` is the end of its model, after which applications silently get the newest base model.
    """
    found = await list_from(
        call, arguments.resource, lambda speech: speech.endpoints_list(locale=exact_locale(arguments.locale))
    )
    kept = [(speech, one) for speech, one in found.items() if matches_locale(one.locale, arguments.locale)]
    is_everywhere = arguments.resource == ALL_RESOURCES
    hosted = {speech: [one.model for other, one in kept[: arguments.limit] if other is speech] for speech, _ in kept}
    await gather(*(load_references(speech, models) for speech, models in hosted.items()))
    shown = [
        ListedEndpoint(
            id=one.id,
            display_name=one.display_name,
            locale=one.locale,
            status=one.status,
            model=present_reference(speech, one.model),
            transcription_until=transcription_until(speech, one),
            created=one.created_date_time,
            resource=speech.resource.name if is_everywhere else None,
        )
        for speech, one in kept[: arguments.limit]
    ]
    where = (shown[0].resource if shown else None) or (None if is_everywhere else arguments.resource)
    here = where or call.app.default
    model, name = Placeholder("model"), Placeholder("endpoint name")
    step = call_step("deploy_model", model=model, display_name=name, resource=here)
    if shown:
        step = call_step("get_endpoint", endpoint=shown[0].id, resource=here)
    return Endpoints(
        **list_fields(call, arguments.resource, found, kept, len(shown)), endpoints=shown, next_steps=[step]
    )


tool = declare(list_endpoints, "List endpoints", Annotations.READ, "deployment")
