"""The plan of a rollout: what exists, what the rules state about it, and what the user has to agree to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio

from custom_speech_tools.guardrails import copy_rules
from custom_speech_tools.guardrails.copy_rules import CopyFacts
from custom_speech_tools.guardrails.deployment_plan import hosting_of
from custom_speech_tools.guardrails.evaluation_plan import RULES as EVALUATION_RULES
from custom_speech_tools.guardrails.evaluation_plan import AnyModel, EvaluationFacts, base_model_of, check_evaluation
from custom_speech_tools.guardrails.model_plan import ModelPlan, next_step_when_blocked
from custom_speech_tools.guardrails.references import DATASET, find, find_any_model
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.rollout.gate import Gate, read_gate
from custom_speech_tools.rollout.request import BASE, DEPLOYED, RolloutRequest, check_resources
from custom_speech_tools.rollout.target import Target, read_target
from custom_speech_tools.runtime.agreement import Agreement, ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.sanitize import quote

SOON = timedelta(days=90)
"""A model that ends within this time is hardly worth a rollout."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that a rollout is about.

    Attributes:
        id: What an agreement names: the model, or for a rollout file the training that makes it.
        model: None until it is trained.
        training: The plan of the training, if there is no model yet.
    """

    id: str
    display_name: str
    locale: str
    model: schemas.CustomModel | None = None
    training: ModelPlan | None = None

    @property
    def trained(self) -> schemas.CustomModel | None:
        """The model, if it is trained."""
        return self.model if self.model is not None and self.model.status == "Succeeded" else None

    @classmethod
    def of(cls, model: schemas.CustomModel, identifier: str | None = None) -> "Subject":
        """Return the subject for a model that exists."""
        return cls(identifier or model.id, model.display_name, model.locale, model)


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """A rollout that nothing blocks as a whole; `read_at` is when reading began (`anyio.current_time`).

    Attributes:
        conditions: The gate as the user is asked to agree to it: resolved ids and limits.
        kept: What the caller agreed to in an earlier call.
        now: The service's time on the source.
    """

    request: RolloutRequest
    source: Speech
    subject: Subject
    gate: Gate
    conditions: str
    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]
    kept: Agreement
    now: datetime
    read_at: float

    @property
    def model(self) -> schemas.CustomModel:
        """The model; only of a plan whose subject is trained."""
        if self.subject.model is None:
            raise LookupError("the model is not trained yet")
        return self.subject.model

    def effect_of(self, target: Target) -> Effect:
        """Return the charge of a target's new endpoint, bound to the gate and to every target that is named."""
        named = sorted((one.speech.resource.identity, one.asked.endpoint or "") for one in self.targets)
        flat = [part for pair in named for part in pair]
        request = idempotency_key(target.asked.endpoint, self.conditions, *flat)
        return hosting_of(target.speech, request, self.subject.id)

    @property
    def new_endpoints(self) -> list[Target]:
        """The targets that get a new endpoint."""
        if self.gate.passed is False:
            return []
        return [one for one in self.targets if one.creates_endpoint and not one.faults]

    @property
    def training_effect(self) -> Effect | None:
        """The charge of the training, None if there is none."""
        return self.subject.training.effect if self.subject.training else None

    @property
    def effects(self) -> list[Effect]:
        """Everything that costs money and was not agreed to before."""
        every = [self.effect_of(one) for one in self.new_endpoints]
        every += [self.training_effect] if self.training_effect else []
        return [effect for effect in every if not self.kept.covers(effect)]

    @property
    def unknown(self) -> list[str]:
        """The resources that do not answer, so that nobody can say whether an endpoint has to be created there."""
        return [one.speech.resource.name for one in self.targets if one.is_unknown and one.asked.endpoint]

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user: one for everything, with what each part costs."""
        new = [one for one in self.new_endpoints if not self.kept.covers(self.effect_of(one))]
        each = "; ".join(f"{quote(one.asked.endpoint or '')} on {one.speech.resource.name}" for one in new)
        is_emulated = all(one.speech.is_emulated for one in new)
        cost = "would be charged on Azure; these resources are emulated" if is_emulated else "is charged"
        hosting = f"Hosting {len(new)} new endpoint(s) {cost}, each around the clock: {each}." if new else ""
        training = self.training_effect.words if self.training_effect else ""
        others = [one.speech.resource.name for one in self.targets if one not in new and not one.is_deployed]
        also = f" Without a further charge it also goes to {', '.join(others)}." if others else ""
        subject = f"{quote(self.subject.display_name)} ({self.subject.locale})"
        return ConfirmationRequest(
            effects=tuple(self.effects),
            question=f"{training} {hosting}".strip() + f" Roll out model {subject}, {self._gate_in_words()}?{also}",
            findings=self.findings,
            not_done="Nothing was rolled out.",
            declined="Name endpoints that exist, or leave out `endpoint`.",
        )

    def _gate_in_words(self) -> str:
        gate = self.request.gate
        if gate is None:
            return "without a test"
        limit = f", at most {gate.max_word_error_rate:.2%}" if gate.max_word_error_rate is not None else ""
        return (
            f"once it has passed its gate (test data {quote(gate.dataset)}, against {quote(gate.compare_with)}{limit})"
        )


async def plan_rollout(call: CallContext, request: RolloutRequest, subject: Subject) -> RolloutPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule stops the whole rollout; every finding is listed, those of single targets as well.
    """
    source, read_at = call.speech(request.resource), anyio.current_time()
    now, model = call.now(source), subject.trained
    known = [one for one in request.targets if one.resource in call.app.resources]
    targets = tuple(await gather(*(read_target(call, model, subject.locale, one, now) for one in known)))
    trained_by = subject.training.findings if subject.training else ()
    findings = [*check_resources(call, request), *trained_by, *_check_model(source, subject, targets, now)]
    gate, conditions, tested = await _plan_gate(source, request, subject, targets, now, read_at)
    findings += tested
    if is_blocked(findings):
        every = [*findings, *(fault for one in targets for fault in one.faults)]
        distinct = tuple({(one.rule, one.message): one for one in every}.values())
        raise Refused("Nothing was rolled out.", distinct, next_step_when_blocked(distinct))
    nothing = Agreement(frozenset(), "", "")
    draft = RolloutPlan(request, source, subject, gate, conditions, targets, tuple(findings), nothing, now, read_at)
    return _with_charges(call, draft)


def _with_charges(call: CallContext, draft: RolloutPlan) -> RolloutPlan:
    """Return the plan with what was agreed to before, and a finding for each new endpoint."""
    policy = call.app.confirmation
    plan = replace(draft, kept=policy.kept_for(draft.effects, call.caller, call.app.now()))
    charges = [
        agreement_finding(
            "hosting",
            policy,
            f"Endpoint {quote(one.asked.endpoint or '')} is new; hosting it is charged around the clock to resource "
            f"{one.speech.resource.name}."
            f"{' It is emulated, so nothing is really charged.' if one.speech.is_emulated else ''}",
            "An existing endpoint can take the model instead, and keeps its id.",
        )
        for one in plan.new_endpoints
        if not plan.kept.covers(plan.effect_of(one))
    ]
    return replace(plan, findings=(*plan.findings, *charges))


def _check_model(source: Speech, subject: Subject, targets: Iterable[Target], now: datetime) -> list[Finding]:
    """Return what stops the whole rollout, from the model and the configuration of the resources."""
    findings: dict[tuple[str, str], Finding] = {}
    for target in targets:
        facts = CopyFacts(
            source=source.resource,
            target=target.speech.resource,
            now=now,
            model=subject.trained,
            project=None,
            wants_project=target.asked.project is not None,
            target_has_key=target.speech.resource.credential.has_key,
            clock_skew=source.clock.skew,
        )
        for finding in (found for rule in copy_rules.RULES for found in rule(facts)):
            findings[finding.rule, finding.message] = finding
    model = subject.trained
    until = model.transcription_until if model else None
    if model and until is not None and now < until <= now + SOON:
        message = f"Model {quote(model.display_name)} stops transcribing on {until:%Y-%m-%d}, and so do its copies."
        fix = "Train a new one on a newer base model."
        findings["ends", message] = Finding(rule="model-is-ready", level="warn", message=message, fix=fix)
    return list(findings.values())


async def _plan_gate(
    source: Speech,
    request: RolloutRequest,
    subject: Subject,
    targets: tuple[Target, ...],
    now: datetime,
    read_at: float,
) -> tuple[Gate, str, list[Finding]]:
    """Return the gate, what the user agrees to with it, and what the rules state."""
    asked, model = request.gate, subject.trained
    if asked is None:
        return Gate(None), "no test", [_is_not_tested(subject)]
    dataset = await find(source, DATASET, asked.dataset, subject.locale)
    try:
        other = await _find_other(source, asked.compare_with, model, targets)
    except Refused as refusal:
        return Gate(asked), "", list(refusal.findings)
    other_name = asked.compare_with if asked.compare_with in (BASE, DEPLOYED) else getattr(other, "id", None)
    dataset_id = dataset.id if isinstance(dataset, schemas.Dataset) else None
    conditions = idempotency_key(
        dataset_id,
        other_name,
        asked.max_word_error_rate,
        asked.require_significance,
        asked.allow_seen_test_data,
    )
    facts = EvaluationFacts(source, now, model, other, dataset, None, False)
    if model is None:
        findings = [finding for rule in EVALUATION_RULES for finding in rule(facts)]
        findings += _check_untrained(subject, asked.allow_seen_test_data, dataset)
        return Gate(asked, reason="The model is tested when it is trained."), conditions, findings
    try:
        plan = check_evaluation(facts, None, read_at)
    except Refused as refusal:
        return Gate(asked), conditions, list(refusal.findings)
    return await read_gate(asked, plan), conditions, list(plan.findings)


def _check_untrained(subject: Subject, allow_seen: bool, dataset: schemas.Dataset | Finding) -> Iterator[Finding]:
    """Check before days of training what the test will need."""
    if not isinstance(dataset, schemas.Dataset):
        return
    if dataset.locale.lower() != subject.locale.lower():
        message = (
            f"Dataset {quote(dataset.display_name)} has locale {quote(dataset.locale)}, the model {subject.locale}."
        )
        yield Finding(rule="locale-match", level="block", message=message, fix=f"Use a dataset of {subject.locale}.")
    training, model = subject.training, subject.model
    datasets = training.facts.found_datasets if training else (model.datasets if model else None) or []
    if dataset.id in {one.id for one in datasets} and not allow_seen:
        yield Finding(
            rule="test-data-unseen",
            level="block",
            message=f"The model is trained with {quote(dataset.display_name)}, so a test with it can never pass.",
            fix="Test with recordings that it is not trained with, or set allow_seen_test_data = true.",
        )


async def _find_other(
    source: Speech, asked: str, model: schemas.CustomModel | None, targets: tuple[Target, ...]
) -> AnyModel | Finding | None:
    """Return the model to compare with; None if there is none yet.

    Raises:
        Refused: The endpoints do not have one model that the source knows.
    """
    if asked not in (BASE, DEPLOYED):
        return await find_any_model(source, asked, model.locale if model else None)
    if model is None:
        return None
    deployed = await _deployed_model(source, model, targets) if asked == DEPLOYED else None
    return deployed or await base_model_of(source, model)


async def _deployed_model(source: Speech, model: schemas.CustomModel, targets: tuple[Target, ...]) -> AnyModel | None:
    """Return the model on the source from which what the endpoints have was copied; None if they have none.

    Raises:
        Refused: The endpoints have different models, or one that is not on the source.
    """
    uris = [(one.speech, uri) for one in targets if (uri := one.previous_model)]
    deployed = await gather(*(find_any_model(speech, uri) for speech, uri in uris))
    known = (await source.models_list_custom_models(locale=model.locale)).entities if deployed else []
    found: dict[str, AnyModel | None] = {}
    for (speech, uri), one in zip(uris, deployed, strict=True):
        origin: AnyModel | Finding | None = None
        if isinstance(one, schemas.BaseModel):
            origin = await find_any_model(source, one.display_name, model.locale)
        elif isinstance(one, schemas.CustomModel):
            key = (one.custom_properties or {}).get(KEY_PROPERTY)
            same = (other for other in known if key and (other.custom_properties or {}).get(KEY_PROPERTY) == key)
            origin = next(same, None)
        name = f"{speech.resource.name}: {uri.rpartition('/')[2].partition('?')[0]}"
        found[name] = None if isinstance(origin, Finding) else origin
    origins = {one.id: one for one in found.values() if one}
    if len(origins) > 1 or None in found.values():
        raise Refused("Nothing was rolled out.", [_not_one_deployed(found)], "Then call again.")
    return next(iter(origins.values()), None)


def _not_one_deployed(found: dict[str, AnyModel | None]) -> Finding:
    shown = "; ".join(
        f"{name} ({'from ' + origin.id if origin else 'not on this resource'})" for name, origin in found.items()
    )
    return Finding(
        rule="reference-found",
        level="block",
        message=f"The endpoints do not have one model that this resource knows: {shown}.",
        fix="Name the model to compare with as compare_with.",
    )


def _is_not_tested(subject: Subject) -> Finding:
    return Finding(
        rule="better-than-current",
        level="warn",
        message=f"No test is asked for: model {quote(subject.display_name)} goes live whatever its quality.",
        fix="Name a test_dataset.",
    )
