"""deploy_model: deploy a model to a new or an existing endpoint."""

from custom_speech_tools.guardrails.deployment_facts import DeploymentArguments
from custom_speech_tools.guardrails.deployment_plan import deploy, plan_deployment
from custom_speech_tools.guardrails.shared_rules import after_agreement
from custom_speech_tools.presenters.endpoint import Endpoint, present_endpoint
from custom_speech_tools.runtime.confirmation_flow import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.sanitize import quote


async def deploy_model(arguments: DeploymentArguments, call: CallContext) -> Endpoint:
    """Deploy a trained model to an existing endpoint, which keeps its id, or to a new endpoint.

    A new endpoint is charged around the clock, so your user must agree. A repeated call creates no second endpoint.
    Then get_endpoint.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_deployment(call, arguments))
    first, existed = await carry_out(call, agreement, plan.effect, lambda use: deploy(call, plan, use))
    speech = plan.facts.speech
    last = await poll_until_terminal(call, first, speech.endpoints_get, arguments.wait_seconds)
    replaced, findings = plan.facts.replaced, after_agreement(plan.findings)
    parts = await read_related(speech, [*last.parts, replaced], [plan.model, plan.facts.project])
    now = call.now(speech)
    answer = present_endpoint(speech, last, parts, now, replaced, already_existed=existed, findings=findings)
    if replaced is None or existed:
        return answer
    note = f"The endpoint had model {quote(parts[replaced.id].display_name) if replaced.id in parts else replaced.id}. "
    note += "All applications that use the endpoint get the new model; their number is not known. "
    note += "get_endpoint says how to go back."
    return answer.model_copy(update={"note": note})


tool = declare(deploy_model, "Deploy a model", Annotations.CREATE, "deployment")
