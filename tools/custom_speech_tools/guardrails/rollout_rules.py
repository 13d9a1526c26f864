"""The rules of a rollout: those about the request stop it, those about one target stop that target alone."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from custom_speech_tools.guardrails import copy_rules
from custom_speech_tools.guardrails.copy_rules import CopyFacts, name_is_free
from custom_speech_tools.guardrails.rollout_facts import RolloutArguments, TargetFacts
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, sanitize, word

Findings = Iterator[Finding]

SOON = timedelta(days=90)
"""A model that ends within this time is hardly worth a rollout."""


def check_targets(call: CallContext, request: RolloutArguments) -> list[Finding]:
    """Return what is wrong with the resources that are named, which the configuration alone shows."""
    findings: list[Finding] = []
    for name in dict.fromkeys([request.resource, *(target.resource for target in request.targets)]):
        try:
            call.app.resource(name)
        except Refused as refusal:
            findings += refusal.findings
    known = [call.app.resources[one.resource] for one in request.targets if one.resource in call.app.resources]
    for identity, count in Counter(speech.resource.identity for speech in known).items():
        if count > 1:
            names = [speech.resource.name for speech in known if speech.resource.identity == identity]
            findings.append(_named_twice(names))
    return findings


def check_request(
    source: Speech, model: schemas.CustomModel | Finding | None, targets: list[tuple[Speech, bool]], now: datetime
) -> list[Finding]:
    """Return what stops the whole rollout, from the model and the configuration of the resources.

    Args:
        model: None where it is still to be trained.
        targets: The resources, and whether a project is asked for on each.
    """
    findings: dict[tuple[str, str], Finding] = {}
    for target, wants_project in targets:
        facts = CopyFacts(
            source=source.resource,
            target=target.resource,
            now=now,
            model=model,
            project=None,
            wants_project=wants_project,
            target_has_key=target.resource.credential.has_key,
            clock_skew=source.clock.skew,
        )
        for finding in (found for rule in copy_rules.RULES for found in rule(facts)):
            findings[finding.rule, finding.message] = finding
    if isinstance(model, schemas.CustomModel):
        findings |= {(one.rule, one.message): one for one in _ends_soon(model, now)}
    return list(findings.values())


def check_target(target: TargetFacts, model: schemas.CustomModel | None, locale: str) -> list[Finding]:
    """Return what stops this target, from what its resource has."""
    findings = [part for part in (target.project, target.endpoint) if isinstance(part, Finding)]
    for noun, part in (("Project", target.project), ("Endpoint", target.endpoint)):
        if isinstance(part, schemas.Entity) and part.locale.lower() != locale.lower():
            findings.append(_other_locale(noun, part, locale))
    if model and target.copy is None:
        others = list(target.others)
        findings += name_is_free(model, others, target.speech.resource.name, allow_duplicate=False)
    if target.copy is not None and target.copy.status == "Failed":
        findings.append(_copy_failed(target.copy))
    endpoint = target.endpoint
    if isinstance(endpoint, schemas.Endpoint) and not target.is_deployed and not is_terminal(endpoint):
        message = f"Endpoint {quote(endpoint.display_name)} is getting another model ({word(endpoint.status)})."
        findings.append(
            Finding(rule="endpoint-is-ready", level="block", message=message, fix="Wait for it.", remedy="wait")
        )
    return findings


def _named_twice(names: list[str]) -> Finding:
    return Finding(
        rule="target-named-once",
        level="block",
        message=f"{quote(names[0])} is a target {len(names)} times, as {', '.join(map(quote, names))}.",
        fix="Name each resource once; deploy_model puts the copy into further endpoints.",
    )


def _other_locale(noun: str, part: schemas.Entity, locale: str) -> Finding:
    return Finding(
        rule="locale-match",
        level="block",
        message=f"{noun} {quote(part.display_name)} has locale {word(part.locale)}, the model {word(locale)}.",
        fix=f"Use a {noun.lower()} of {word(locale)}.",
    )


def _copy_failed(copy: schemas.CustomModel) -> Finding:
    why = copy.error.message if copy.error else None
    return Finding(
        rule="model-is-ready",
        level="block",
        message=f"The copy {copy.id} failed{': ' + sanitize(why) if why else '.'}",
        fix=f'delete_entity(kind="model", entity="{copy.id}") removes it, and then it is copied again.',
    )


def _ends_soon(model: schemas.CustomModel, now: datetime) -> Findings:
    until = model.transcription_until
    if until is not None and now < until <= now + SOON:
        yield Finding(
            rule="model-is-ready",
            level="warn",
            message=f"Model {quote(model.display_name)} stops transcribing on {until:%Y-%m-%d}, and so do its copies.",
            fix="Train a new one on a newer base model.",
        )
