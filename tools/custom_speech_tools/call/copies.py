"""Following a copy until the model is there."""

from collections.abc import Iterable, Sequence

from custom_speech_tools.call import results, showing
from custom_speech_tools.call.looking import until_ended
from custom_speech_tools.call.next_steps import after, call
from custom_speech_tools.call.regions import region
from custom_speech_tools.speech import AzureError, Speech, wire
from custom_speech_tools.speech.addresses import is_within, region_of


async def watched(source: Speech, operation: wire.Operation, wait_seconds: float, pace: float) -> wire.Operation:
    """The operation when it has ended, or when the time is over."""
    return await until_ended(operation, lambda: source.operations_get_model_copy(operation.id), wait_seconds, pace)


def link_of(operation: wire.Operation | None) -> str | None:
    """Where a finished copy is."""
    done = operation and operation.status == "Succeeded" and operation.result
    return done.link if done else None


async def arrived(link: str, resources: Iterable[Speech]) -> tuple[Speech, wire.CustomModel] | None:
    """The copy that a link names, on the configured resource that it belongs to."""
    for target in filter(lambda speech: _may_be_on(link, speech), resources):
        try:
            return target, await target.models_get_custom_model(target.credible_id(link))
        except AzureError as error:
            if error.status not in (401, 403, 404):
                raise
    return None


def _may_be_on(link: str, speech: Speech) -> bool:
    """By its address, or by the region that its host names."""
    named = region_of(link)
    return is_within(speech.resource.endpoint, link) or (named is not None and region(speech.resource) == named)


def shown(
    source: Speech,
    operation: wire.Operation | None,
    target: Speech | None,
    model: wire.CustomModel | None,
    *,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
    then: Sequence[str] = (),
) -> results.Copy:
    """A copy as the tools answer it; `then` is what remains to be done once it is there."""
    status = operation.status if operation else model.status if model else "NotStarted"
    steps = [*then, *after(target, model)] if target and model else _until_there(source, target, operation, then)
    return results.Copy(
        **showing.where(source.resource),
        operation=operation.id if operation else None,
        status=status,
        model=showing.copied_model(target, model, already_existed) if target and model else None,
        error=results.failure(operation.error) if operation else None,
        findings=list(findings),
        next_steps=steps,
    )


def _until_there(
    source: Speech, target: Speech | None, operation: wire.Operation | None, then: Sequence[str]
) -> list[str]:
    if operation and operation.status == "Failed":
        return ["Nothing is on the target. Correct what `error` names, then call copy_model again."]
    if operation and operation.status == "Succeeded" and target is None:
        return ["The copy is done, on a resource that is not configured here; configure it to see the model."]
    follow = call(
        "get_copy", operation=operation.id if operation else None, wait_seconds=45, resource=source.resource.name
    )
    return [follow, *then]
