"""delete_entity: delete a model, dataset, evaluation, endpoint or transcription, or a project with its contents."""

from typing import Annotated

from pydantic import WithJsonSchema

from custom_speech_tools.guardrails.deletion_facts import KINDS, DeletionArguments
from custom_speech_tools.guardrails.deletion_plan import Deletion, DeletionPlan, check_again, plan_deletion
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.agreements import Agreement
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.confirmation_flow import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused, next_step_after
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import SpeechError

_LIST_SCHEMA = WithJsonSchema({"type": "array"}, mode="serialization")


class DeletionOutcome(results.EntityReference):
    """The outcome of one of several deletions: "deleted", "already gone", "not known" or "not deleted"."""

    kind: str
    outcome: str


class DeletedEntity(results.ResourceAnswer):
    """The requested entity; for a project with its contents, `deletions` lists all entities in order of deletion."""

    id: str
    kind: str
    display_name: results.ServiceText
    locale: results.ServiceText
    deleted: bool
    deletions: Annotated[list[DeletionOutcome] | None, _LIST_SCHEMA] = results.optional()
    findings: results.Findings


async def delete_entity(arguments: DeletionArguments, call: CallContext) -> DeletedEntity:
    """Permanently delete a model, dataset, evaluation, endpoint, project or transcription; your user must agree.

    Refused while the entity is running or in use; the refusal names the cause.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_deletion(call, arguments))
    requested, outcomes, note = plan.deletions[-1], None, None
    if plan.with_contents:
        outcomes, note = await _delete_in_order(call, plan, agreement)
    else:
        await _delete(call, plan, agreement, requested)
    kind, entity, resource_name = requested.kind, requested.entity, requested.speech.resource.name
    step = "Nothing more has to be done"
    if note:
        again = call_step("delete_entity", kind=kind, entity=entity.id, with_contents=True, resource=resource_name)
        step = f"{again} goes on with the rest"
    elif kind != "transcription":  # no tool lists transcriptions
        step = KINDS[kind].listing(resource_name)
    return DeletedEntity(
        **results.resource_fields(requested.speech),
        id=entity.id,
        kind=kind,
        display_name=entity.display_name,
        locale=entity.locale,
        deleted=note is None,
        deletions=outcomes,
        findings=[finding for finding in plan.findings if finding.level == "warn"],
        next_steps=[step],
        note=note,
    )


async def _delete(call: CallContext, plan: DeletionPlan, agreement: Agreement, deletion: Deletion) -> None:
    delete = KINDS[deletion.kind].delete
    assert delete  # noqa: S101  # everything in KINDS can be deleted
    speech, findings, entity = deletion.speech, plan.findings, deletion.entity.id
    await carry_out(
        call, agreement, deletion.effect, lambda use: delete(call.writer(speech, Decision(findings, None, use)), entity)
    )


async def _delete_in_order(
    call: CallContext, plan: DeletionPlan, agreement: Agreement
) -> tuple[list[DeletionOutcome], str | None]:
    """Delete the contents of a project and then the project, and return the outcomes and the reason for a failure.

    The agreement is stored, so that the next call can delete the remaining entities without a new question.
    """
    if agreement.since is None:
        call.app.confirmation.store_agreement(agreement, call.auditor.caller, call.app.now())
    outcomes, why, total = ["not deleted"] * len(plan.deletions), None, len(plan.deletions)
    for done, deletion in enumerate(plan.deletions):
        await call.report_progress(f"{done} of {total} deleted; next: {deletion.description}")
        present = None
        try:
            present = await check_again(deletion, plan.deletions[-1])
            if present:
                await _delete(call, plan, agreement, present)
            outcomes[done] = "deleted" if present else "already gone"
        except (SpeechError, Refused) as error:
            fate = "was not deleted"
            if isinstance(error, Refused):
                reason = " ".join(f"{one.message} {one.fix}" for one in error.findings if one.level != "warn")
            else:
                reason = f"{error} {next_step_after(error)}"
                if present and error.outcome_unknown:  # otherwise, only a GET request failed
                    outcomes[done], fate = "not known", "may have been deleted"
            why = f"{done} of {total} are deleted. The {deletion.description} {fate}: {reason}"
            break
    return [
        DeletionOutcome(kind=one.kind, id=one.entity.id, display_name=one.entity.display_name, outcome=outcome)
        for one, outcome in zip(plan.deletions, outcomes, strict=True)
    ], why


tool = declare(delete_entity, "Delete an entity", Annotations.DELETE, "lifecycle")
