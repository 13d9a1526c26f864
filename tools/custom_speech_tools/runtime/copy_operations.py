"""Following a copy until the model is there."""

from collections.abc import Iterable, Sequence

from custom_speech_tools.runtime import presenters, results
from custom_speech_tools.runtime.next_steps import after, call
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.regions import region
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.addresses import is_within, region_of


async def watched(source: Speech, operation: schemas.Operation, wait_seconds: float, pace: float) -> schemas.Operation:
    """The operation when it has ended, or when the time is over."""
    return await poll_until_terminal(
        operation, lambda: source.operations_get_model_copy(operation.id), wait_seconds, pace
    )


def link_of(operation: schemas.Operation | None) -> str | None:
    """Where a finished copy is."""
    done = operation and operation.status == "Succeeded" and operation.result
    return done.link if done else None


async def arrived(link: str, resources: Iterable[Speech]) -> tuple[Speech, schemas.CustomModel] | None:
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
    operation: schemas.Operation | None,
    target: Speech | None,
    model: schemas.CustomModel | None,
    *,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
    then: Sequence[str] = (),
) -> results.Copy:
    """A copy as the tools answer it; `then` is what remains to be done once it is there."""
    status = operation.status if operation else model.status if model else "NotStarted"
    steps = [*then, *after(target, model)] if target and model else _until_there(source, target, operation, then)
    return results.Copy(
        **presenters.where(source.resource),
        operation=operation.id if operation else None,
        status=status,
        model=presenters.copied_model(target, model, already_existed) if target and model else None,
        error=results.failure(operation.error) if operation else None,
        findings=list(findings),
        next_steps=steps,
    )


def _until_there(
    source: Speech, target: Speech | None, operation: schemas.Operation | None, then: Sequence[str]
) -> list[str]:
    if operation and operation.status == "Failed":
        return ["Nothing is on the target. Correct what `error` names, then call copy_model again."]
    if operation and operation.status == "Succeeded" and target is None:
        return ["The copy is done, on a resource that is not configured here; configure it to see the model."]
    follow = call(
        "get_copy", operation=operation.id if operation else None, wait_seconds=45, resource=source.resource.name
    )
    return [follow, *then]
