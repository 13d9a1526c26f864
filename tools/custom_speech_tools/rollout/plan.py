"""The plan of a rollout: the checked state of its gate and its targets, and the question to the user."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import starmap

from custom_speech_tools.guardrails.charges import charge_notice, charge_sentence, hosting_effect, hosting_is_charged
from custom_speech_tools.guardrails.copy_facts import CopyFacts
from custom_speech_tools.guardrails.copy_plan import check_copy
from custom_speech_tools.guardrails.entity_lookup import missing_project_support
from custom_speech_tools.guardrails.shared_rules import is_blocked
from custom_speech_tools.rollout.definition import RolloutDefinition, RolloutModel, check_resources
from custom_speech_tools.rollout.gate import Gate, plan_gate
from custom_speech_tools.rollout.target import Target, read_target
from custom_speech_tools.runtime.agreements import Agreement, ConfirmationRequest, Effect, affected_resource
from custom_speech_tools.runtime.confirmation_flow import confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.speech import Speech
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import gather

EXPIRES_SOON = timedelta(days=90)  # a model that expires within this time is hardly worth a rollout


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The checked state of a rollout that no rule blocks as a whole."""

    definition: RolloutDefinition
    source: Speech
    model: RolloutModel
    gate: Gate
    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]
    now: datetime  # the service's time on the source

    @property
    def is_complete(self) -> bool:
        """True if every target has the model."""
        return self.gate.is_open and all(one.is_complete for one in self.targets)

    @property
    def is_terminal(self) -> bool:
        """True if the gate has not passed, or if every target is complete or has failed."""
        is_open = self.gate.is_open
        return self.gate.passed is False or all(one.is_failed or (is_open and one.is_complete) for one in self.targets)

    @property
    def new_endpoints(self) -> list[Target]:
        """The targets that get a new endpoint."""
        targets = () if self.gate.passed is False else self.targets
        return [one for one in targets if one.creates_endpoint and not one.findings]

    @property
    def unreachable(self) -> list[str]:
        """The resources that did not respond, which leaves the charge for their endpoints unknown."""
        return [one.speech.resource.name for one in self.targets if one.is_unreachable and one.definition.endpoint]

    @property
    def key(self) -> str:
        """The idempotency key of the rollout, to which the agreement is bound."""
        named = [(affected_resource(one.speech.resource), one.definition.endpoint) for one in self.targets]
        keys = sorted(starmap(idempotency_key, named))
        return idempotency_key("rollout", self.model.id, self.gate.conditions, *keys)

    def hosting_effect_on(self, target: Target) -> Effect:
        """Return the charge for a target's new endpoint, bound to the whole rollout."""
        return hosting_effect(target.speech, idempotency_key(target.definition.endpoint, self.key), self.model.id)

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user about all charges."""
        new, training = self.new_endpoints, self.model.training.effect if self.model.training else None
        costs = [training.description] if training else []
        if new:
            each = "; ".join(f"{quote(one.definition.endpoint or '')} on {one.speech.resource.name}" for one in new)
            details = f"Each runs around the clock: {each}. {charge_sentence(new[0].speech.resource, 'hosting')}"
            costs.append(charge_notice(f"Hosting {len(new)} new endpoint(s)", details, *(one.speech for one in new)))
        uncharged = [one.speech.resource.name for one in self.targets if one not in new and not one.is_deployed]
        also = f" Without a further charge it also goes to {', '.join(uncharged)}." if uncharged else ""
        gate, test = self.definition.gate, "without a test"
        if gate:
            limit = f", at most {gate.max_word_error_rate:.2%}" if gate.max_word_error_rate is not None else ""
            compared = f"test data {quote(gate.dataset)}, against {quote(gate.compare_with)}{limit}"
            test = f"once it has passed its gate ({compared})"
        model = f"Roll out model {quote(self.model.display_name)} ({self.model.locale}), {test}?{also}"
        return ConfirmationRequest(
            effects=(*map(self.hosting_effect_on, new), *([training] if training else [])),
            question=" ".join([*costs, model]),
            findings=self.findings,
            not_done="Nothing was rolled out.",
            declined="Name endpoints that exist, or leave out `endpoint`.",
            scope=self.key,
        )


async def confirmed_rollout(
    call: CallContext, token: str | None, make_plan: Callable[[], Awaitable[RolloutPlan]]
) -> tuple[RolloutPlan, Agreement]:
    """Return the plan and the user's agreement to its charges, and store the agreement for later calls.

    A stored agreement is reduced to the charges that remain, unless a target with an error leaves them unknown.
    """
    plan, agreement = await confirmed_plan(call, token, make_plan)
    is_new = bool(agreement.effects) and agreement.since is None
    if is_new or not any(one.error for one in plan.targets):
        call.app.confirmation.store_agreement(agreement, call.auditor.caller, call.app.now())
    return plan, agreement


async def plan_rollout(call: CallContext, definition: RolloutDefinition, model: RolloutModel) -> RolloutPlan:
    """Fetch the facts and return the plan; raises Refused with every finding if a rule blocks the whole rollout."""
    source, findings = check_resources(call, definition)
    now, trained, policy = call.now(source), model.trained, call.app.confirmation
    known = [one for one in definition.targets if one.resource in call.app.resources]
    targets = tuple(await gather(*(read_target(call, trained, model.locale, one, now) for one in known)))
    gate = await plan_gate(call, source, definition.gate, model, targets)
    findings += model.training.findings if model.training else ()
    for one in targets:
        unsupported = missing_project_support(one.speech.resource) if one.definition.project else None
        findings += check_copy(CopyFacts(source, one.speech, trained, unsupported, now))
    until = trained.transcription_until if trained else None
    if until is not None and now < until <= now + EXPIRES_SOON:
        message = f"Model {quote(model.display_name)} stops transcribing on {until:%Y-%m-%d}, and so do its copies."
        findings.append(warn("model-is-ready", message, "Train a new one on a newer base model."))
    findings += gate.findings
    if is_blocked(findings):
        every = [*findings, *(found for one in targets for found in one.findings)]
        raise Refused("Nothing was rolled out.", distinct(every))
    plan = RolloutPlan(definition, source, model, gate, targets, distinct(findings), now)
    charges = (hosting_is_charged(one.speech, one.definition.endpoint or "", policy) for one in plan.new_endpoints)
    return replace(plan, findings=(*plan.findings, *charges))


def distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without duplicates from several targets."""
    return tuple({(one.rule, one.message): one for one in findings}.values())
