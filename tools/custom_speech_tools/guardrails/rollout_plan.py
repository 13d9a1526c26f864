"""The plan of a rollout: what is true on Azure, what the rules state about it, and what the user has to agree to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import anyio

from custom_speech_tools.guardrails.deployment_plan import PREVIOUS_MODEL_PROPERTY, hosting_of
from custom_speech_tools.guardrails.evaluation_plan import EvaluationPlan, plan_evaluation
from custom_speech_tools.guardrails.model_plan import next_step_when_blocked
from custom_speech_tools.guardrails.references import MODEL, find, find_any_model
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.guardrails.rollout_facts import RolloutArguments, TargetFacts, read_targets
from custom_speech_tools.guardrails.rollout_gate import BASE, DEPLOYED, Gate, read_gate
from custom_speech_tools.guardrails.rollout_record import (
    AGREED_PROPERTY,
    AGREEMENT_LIFETIME,
    Record,
)
from custom_speech_tools.guardrails.rollout_rules import check_request, check_target, check_targets
from custom_speech_tools.runtime.agreement import ConfirmationPolicy, ConfirmationRequest, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.sanitize import quote

NEXT_STEP = "Correct every finding of level block, then call again."


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """A rollout that nothing blocks as a whole; `read_at` is when its facts were read (`anyio.current_time`).

    Attributes:
        now: The service's time on the source.
        faults: What stops single targets, by resource.
    """

    request: RolloutArguments
    source: Speech
    model: schemas.CustomModel
    gate: Gate
    targets: tuple[TargetFacts, ...]
    faults: dict[str, list[Finding]]
    findings: tuple[Finding, ...]
    now: datetime
    read_at: float

    @property
    def new_endpoints(self) -> list[TargetFacts]:
        """The targets that get a new endpoint, to which the user has not agreed yet."""
        agreed = Record.read(self.model, AGREED_PROPERTY).recent(self.now, AGREEMENT_LIFETIME)
        wanted = [one for one in self.targets if one.creates_endpoint and not self.faults[one.asked.resource]]
        return [one for one in wanted if one.agreement_tag not in agreed]

    @property
    def asks(self) -> bool:
        """True if the user has to agree to something."""
        return any(finding.level == "confirm" for finding in self.findings)

    @property
    def agreed(self) -> set[str]:
        """The tags of all endpoints that the user has agreed to, once they have agreed to this plan."""
        earlier = Record.read(self.model, AGREED_PROPERTY).recent(self.now, AGREEMENT_LIFETIME)
        return {*earlier, *(one.agreement_tag for one in self.new_endpoints)}

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user: one for all targets, with what each costs."""
        new = self.new_endpoints
        each = "; ".join(f"{quote(one.asked.endpoint or '')} on {one.speech.resource.name}" for one in new)
        is_emulated = all(one.speech.is_emulated for one in new)
        cost = "would be charged on Azure; these resources are emulated" if is_emulated else "is charged"
        others = [one.speech.resource.name for one in self.targets if one not in new and not one.is_deployed]
        also = f" Without a further charge it also goes to {', '.join(others)}." if others else ""
        return ConfirmationRequest(
            effects=tuple(hosting_of(one.speech, one.agreement_tag, self.model.id) for one in new),
            question=f"Hosting {len(new)} new endpoint(s) {cost}, each around the clock: {each}. Roll out model "
            f"{quote(self.model.display_name)} ({self.model.locale}), once its gate has passed?{also}",
            findings=self.findings,
            not_done="Nothing was rolled out.",
            declined="Name endpoints that exist, or leave out `endpoint`.",
        )


async def plan_rollout(call: CallContext, request: RolloutArguments) -> RolloutPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule stops the whole rollout; every finding is listed, those of single targets as well.
    """
    wrong = check_targets(call, request)
    if (request.resource or call.app.default) not in call.app.resources:
        raise Refused("Nothing was rolled out.", wrong, NEXT_STEP)
    source, read_at = call.speech(request.resource), anyio.current_time()
    model = await find(source, MODEL, request.model or "")
    known = [one for one in request.targets if one.resource in call.app.resources]
    now = call.now(source)
    named = [(call.speech(one.resource), one.project is not None) for one in known]
    findings = [*wrong, *check_request(source, model, named, now)]
    if isinstance(model, Finding):
        raise Refused("Nothing was rolled out.", findings, NEXT_STEP)
    targets = await read_targets(call, model, model.locale, known, now)
    faults = {one.asked.resource: check_target(one, model, model.locale) for one in targets}
    gate_plan, gate_findings = await _plan_test(call, request, source, model, targets)
    findings += gate_findings or ([] if request.test_dataset else [_is_not_tested(model)])
    if is_blocked(findings):
        every = [*findings, *(fault for found in faults.values() for fault in found)]
        distinct = tuple({(one.rule, one.message): one for one in every}.values())
        raise Refused("Nothing was rolled out.", distinct, next_step_when_blocked(distinct))
    gate = await read_gate(request, gate_plan)
    plan = RolloutPlan(request, source, model, gate, targets, faults, tuple(findings), now, read_at)
    charged = [] if gate.verdict.passed is False else hosting_charges(plan.new_endpoints, call.app.confirmation)
    return replace(plan, findings=(*plan.findings, *charged))


async def _plan_test(
    call: CallContext,
    request: RolloutArguments,
    source: Speech,
    model: schemas.CustomModel,
    targets: tuple[TargetFacts, ...],
) -> tuple[EvaluationPlan | None, list[Finding]]:
    """Return the plan of the gate's test, None where none is asked for or it is blocked, and what the rules state."""
    if request.test_dataset is None:
        return None, []
    compare_with: str | None = request.compare_with if request.compare_with != BASE else None
    try:
        if request.compare_with == DEPLOYED:
            compare_with = await _deployed_model(source, model, targets)
        plan = await plan_evaluation(
            call,
            model=model.id,
            dataset=request.test_dataset,
            compare_with=compare_with,
            display_name=None,
            project=None,
            resource=request.resource,
        )
    except Refused as refusal:
        return None, list(refusal.findings)
    return plan, list(plan.findings)


async def _deployed_model(source: Speech, model: schemas.CustomModel, targets: tuple[TargetFacts, ...]) -> str | None:
    """Return the model on the source from which what the endpoints have was copied; None where they have none.

    Raises:
        Refused: The endpoints have different models, or one that is not on the source.
    """
    uris = [(one.speech, uri) for one in targets if (uri := replaced_model(one))]
    deployed = await gather(*(find_any_model(speech, uri) for speech, uri in uris))
    known = (await source.models_list_custom_models(locale=model.locale)).entities if deployed else []
    found: dict[str, str] = {}
    for (speech, uri), one in zip(uris, deployed, strict=True):
        name = f"{speech.resource.name}: {uri.rpartition('/')[2].partition('?')[0]}"
        if isinstance(one, schemas.BaseModel):
            base = await find_any_model(source, one.display_name, model.locale)
            found[name] = "" if isinstance(base, Finding) else base.id
        else:
            found[name] = "" if isinstance(one, Finding) else _origin(one, known)
    distinct = set(found.values())
    if len(distinct) > 1 or "" in distinct:
        raise Refused("Nothing was rolled out.", [_not_one_deployed(found)], "Then call again.")
    return next(iter(distinct), None)


def _origin(copy: schemas.CustomModel, known: list[schemas.CustomModel]) -> str:
    """Return the id of the model that a copy was made from."""
    key = (copy.custom_properties or {}).get(KEY_PROPERTY)
    return next((one.id for one in known if key and (one.custom_properties or {}).get(KEY_PROPERTY) == key), "")


def replaced_model(target: TargetFacts) -> str | None:
    """Return the URI of the model that the target's endpoint has, or had before the copy."""
    endpoint = target.endpoint
    if not isinstance(endpoint, schemas.Endpoint):
        return None
    if target.is_deployed:
        return (endpoint.custom_properties or {}).get(PREVIOUS_MODEL_PROPERTY)
    return endpoint.model.uri if endpoint.model else None


def _not_one_deployed(found: dict[str, str]) -> Finding:
    shown = "; ".join(
        f"{name} ({'from ' + origin if origin else 'not on this resource'})" for name, origin in found.items()
    )
    return Finding(
        rule="reference-found",
        level="block",
        message=f"The endpoints do not have one model that this resource knows: {shown}.",
        fix="Name the model to compare with as compare_with.",
    )


def _is_not_tested(model: schemas.CustomModel) -> Finding:
    return Finding(
        rule="better-than-current",
        level="warn",
        message=f"No test is asked for: model {quote(model.display_name)} goes live whatever its quality.",
        fix="Name a test_dataset.",
    )


def hosting_charges(new_endpoints: Sequence[TargetFacts], policy: ConfirmationPolicy) -> list[Finding]:
    """Return what the user has to agree to: each new endpoint."""
    return [
        agreement_finding(
            "hosting",
            policy,
            f"Endpoint {quote(one.asked.endpoint or '')} is new; hosting it is charged around the clock to "
            f"resource {one.speech.resource.name}."
            f"{' It is emulated, so nothing is really charged.' if one.speech.is_emulated else ''}",
            "An existing endpoint can take the model instead, and keeps its id.",
        )
        for one in new_endpoints
    ]
