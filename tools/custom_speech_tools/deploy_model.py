"""deploy_model: deploy a model to a new endpoint, or put it into an existing one."""

from typing import Annotated

import pydantic
from pydantic import Field, StrictBool

from custom_speech_tools.guardrails.deployment_plan import deploy, plan_deployment
from custom_speech_tools.guardrails.deployment_rules import DeploymentRequest
from custom_speech_tools.runtime.confirmation import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import (
    Arguments,
    Confirm,
    Identifier,
    ModelReference,
    OptionalProject,
    ResourceName,
    ShortText,
    WaitSeconds,
)
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.endpoint import Endpoint, present_endpoint
from custom_speech_tools.runtime.tool import Annotations, declare


class DeployModelArguments(Arguments):
    """The arguments of deploy_model."""

    model: ModelReference
    endpoint: Annotated[
        Identifier | None, Field(description="Existing endpoint that gets the model: id, self URI or exact name")
    ] = None
    display_name: Annotated[ShortText | None, Field(description="Name of a new endpoint")] = None
    project: OptionalProject = None
    logging: Annotated[StrictBool, Field(description="Keep recordings of a new endpoint")] = False
    confirm: Confirm = None
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _names_one_endpoint(self) -> "DeployModelArguments":
        if (self.endpoint is None) == (self.display_name is None):
            raise ValueError("needs either endpoint (existing) or display_name (new)")
        return self


async def deploy_model(arguments: DeployModelArguments, call: CallContext) -> Endpoint:
    """Deploy a trained model: into an existing endpoint, which keeps its id, or to a new one.

    A new endpoint is charged around the clock; your user must agree. The same request twice makes one.
    Then get_endpoint.
    """
    request = DeploymentRequest(
        arguments.model,
        arguments.endpoint,
        arguments.display_name,
        arguments.project,
        arguments.logging,
        arguments.resource,
    )
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_deployment(call, request))
    first, existed = await carry_out(call, agreement, plan.effect, lambda how: deploy(call, plan, how))
    speech = plan.speech
    last = await poll_until_terminal(call, first, lambda: speech.endpoints_get(first.id), arguments.wait_seconds)
    findings = [finding for finding in plan.findings if finding.level != "confirm"]
    return await present_endpoint(call, speech, last, plan.facts.replaced, already_existed=existed, findings=findings)


tool = declare(deploy_model, "Deploy a model", Annotations.CREATE, "deployment")
