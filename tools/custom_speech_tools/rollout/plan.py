"""The plan of a rollout: what exists, what the rules state about it, and what the user has to agree to."""

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
from custom_speech_tools.rollout.target import Target, read_target_state
from custom_speech_tools.runtime.confirmation_flow import confirmed_plan
from custom_speech_tools.runtime.confirmation_policy import Agreement, ConfirmationRequest, Effect, affected_resource
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.speech import Speech
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import gather

EXPIRES_SOON = timedelta(days=90)  # a model that ends within this time is hardly worth a rollout


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The plan of a rollout that no rule blocks as a whole, or the state that it has reached."""

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
        """True if nothing is left to do or to wait for."""
        is_open = self.gate.is_open
        return self.gate.passed is False or all(one.is_failed or (is_open and one.is_complete) for one in self.targets)

    @property
    def new_endpoints(self) -> list[Target]:
        """The targets that get a new endpoint."""
        if self.gate.passed is False:
            return []
        return [one for one in self.targets if one.creates_endpoint and not one.findings]

    @property
    def unknown(self) -> list[str]:
        """The resources that do not answer, so that it is not known whether an endpoint has to be created there."""
        return [one.speech.resource.name for one in self.targets if one.is_unreachable and one.definition.endpoint]

    @property
    def key(self) -> str:
        """The same for the same rollout: the digest of the model or its training, the gate, and every target."""
        named = [(affected_resource(one.speech.resource), one.definition.endpoint) for one in self.targets]
        keys = sorted(starmap(idempotency_key, named))
        return idempotency_key("rollout", self.model.id, self.gate.conditions, *keys)

    def effect_of(self, target: Target) -> Effect:
        """Return the charge of a target's new endpoint, bound to the whole rollout."""
        return hosting_effect(target.speech, idempotency_key(target.definition.endpoint, self.key), self.model.id)

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user: one for everything, with what each part costs."""
        new, training = self.new_endpoints, self.model.training.effect if self.model.training else None
        each = "; ".join(f"{quote(one.definition.endpoint or '')} on {one.speech.resource.name}" for one in new)
        hosting = ""
        if new:
            details = f"Each runs around the clock: {each}. {charge_sentence(new[0].speech.resource, 'hosting')}"
            hosting = charge_notice(f"Hosting {len(new)} new endpoint(s)", details, *(one.speech for one in new))
        others = [one.speech.resource.name for one in self.targets if one not in new and not one.is_deployed]
        also = f" Without a further charge it also goes to {', '.join(others)}." if others else ""
        model = f"{quote(self.model.display_name)} ({self.model.locale})"
        asked, test = self.definition.gate, "without a test"
        if asked:
            limit = f", at most {asked.max_word_error_rate:.2%}" if asked.max_word_error_rate is not None else ""
            compared = f"test data {quote(asked.dataset)}, against {quote(asked.compare_with)}{limit}"
            test = f"once it has passed its gate ({compared})"
        costs = f"{training.description if training else ''} {hosting}".strip()
        return ConfirmationRequest(
            effects=(*map(self.effect_of, new), *([training] if training else [])),
            question=f"{costs} Roll out model {model}, {test}?{also}",
            findings=self.findings,
            not_done="Nothing was rolled out.",
            declined="Name endpoints that exist, or leave out `endpoint`.",
            scope=self.key,
        )


async def agreed_rollout(
    call: CallContext, token: str | None, make_plan: Callable[[], Awaitable[RolloutPlan]]
) -> tuple[RolloutPlan, Agreement]:
    """Return the plan and the agreement to what it costs, which is kept for later calls of the same rollout.

    What exists by now is dropped from what is kept, unless a target that is stopped leaves that open.
    """
    plan, agreement = await confirmed_plan(call, token, make_plan)
    is_new = bool(agreement.effects) and agreement.since is None
    if is_new or not any(one.error for one in plan.targets):
        call.app.confirmation.store_agreement(agreement, call.auditor.caller, call.app.now())
    return plan, agreement


async def plan_rollout(call: CallContext, definition: RolloutDefinition, rollout_model: RolloutModel) -> RolloutPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule stops the whole rollout; every finding is listed, those of single targets as well.
    """
    source, findings = check_resources(call, definition)
    now, model, policy = call.now(source), rollout_model.trained, call.app.confirmation
    known = [one for one in definition.targets if one.resource in call.app.resources]
    targets = tuple(await gather(*(read_target_state(call, model, rollout_model.locale, one, now) for one in known)))
    gate = await plan_gate(call, source, definition.gate, rollout_model, targets)
    findings += rollout_model.training.findings if rollout_model.training else ()
    for one in targets:
        unsupported = missing_project_support(one.speech.resource) if one.definition.project else None
        findings += check_copy(CopyFacts(source, one.speech, model, unsupported, now))
    until = model.transcription_until if model else None
    if model and until is not None and now < until <= now + EXPIRES_SOON:
        message = f"Model {quote(model.display_name)} stops transcribing on {until:%Y-%m-%d}, and so do its copies."
        findings.append(warn("model-is-ready", message, "Train a new one on a newer base model."))
    findings += gate.findings
    if is_blocked(findings):
        every = [*findings, *(found for one in targets for found in one.findings)]
        raise Refused("Nothing was rolled out.", distinct(every))
    plan = RolloutPlan(definition, source, rollout_model, gate, targets, distinct(findings), now)
    charges = (hosting_is_charged(one.speech, one.definition.endpoint or "", policy) for one in plan.new_endpoints)
    return replace(plan, findings=(*plan.findings, *charges))


def distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, once each: several targets may give the same one."""
    return tuple({(one.rule, one.message): one for one in findings}.values())
