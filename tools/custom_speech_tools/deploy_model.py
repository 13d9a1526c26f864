"""deploy_model: deploy a model to a new endpoint, or put it into an existing one."""

from custom_speech_tools.guardrails.deployment_plan import DeploymentArguments, deploy, plan_deployment
from custom_speech_tools.runtime.confirmation import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parts import read_parts
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.endpoint import Endpoint, present_endpoint
from custom_speech_tools.runtime.tool import Annotations, declare


async def deploy_model(arguments: DeploymentArguments, call: CallContext) -> Endpoint:
    """Deploy a trained model: into an existing endpoint, which keeps its id, or to a new one.

    A new endpoint is charged around the clock; your user must agree. The same request twice makes one.
    Then get_endpoint.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_deployment(call, arguments))
    first, existed = await carry_out(call, agreement, plan.effect, lambda how: deploy(call, plan, how))
    speech = plan.facts.speech
    last = await poll_until_terminal(call, first, speech.endpoints_get, arguments.wait_seconds)
    findings = [finding for finding in plan.findings if finding.level != "confirm"]
    replaced = plan.facts.replaced
    parts = await read_parts(speech, [*last.parts, replaced], [plan.model, plan.facts.project])
    return present_endpoint(speech, last, parts, call.now(speech), replaced, already_existed=existed, findings=findings)


tool = declare(deploy_model, "Deploy a model", Annotations.CREATE, "deployment")
