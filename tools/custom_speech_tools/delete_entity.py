"""delete_entity: delete a model, dataset, evaluation, endpoint, project or transcription that nothing uses."""

from custom_speech_tools.guardrails.deletion_plan import KINDS, DeletionArguments, plan_deletion
from custom_speech_tools.runtime.auditing import Confirmation, Decision
from custom_speech_tools.runtime.confirmation import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import Findings, ResourceAnswer, ServiceText
from custom_speech_tools.runtime.tool import Annotations, declare


class DeletedEntity(ResourceAnswer):
    """An entity that no longer exists."""

    id: str
    kind: str
    display_name: ServiceText
    locale: ServiceText
    findings: Findings


async def delete_entity(arguments: DeletionArguments, call: CallContext) -> DeletedEntity:
    """Delete a model, dataset, evaluation, endpoint, project or transcription for good; your user must agree.

    Refused while it is running or in use, with what uses it.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_deletion(call, arguments))
    kind = KINDS[plan.kind]

    async def delete(how: Confirmation) -> None:
        assert kind.delete  # noqa: S101  # everything in KINDS can be deleted
        await kind.delete(call.writer(plan.speech, Decision(plan.findings, None, how)), plan.entity.id)

    await carry_out(call, agreement, plan.effect, delete)
    return DeletedEntity(
        **resource_fields(plan.speech),
        id=plan.entity.id,
        kind=plan.kind,
        display_name=plan.entity.display_name,
        locale=plan.entity.locale,
        findings=[finding for finding in plan.findings if finding.level == "warn"],
        next_steps=[f"{call_step(kind.list_tool, resource=plan.speech.resource.name)} shows what is left"]
        if kind.list_tool.startswith("list_")
        else ["Nothing more has to be done"],
    )


tool = declare(delete_entity, "Delete an entity", Annotations.DELETE, "lifecycle")
