"""Agreements to charges and deletions: effects, agreements, confirmation tokens, and the operator's policy.

An effect is the charge or the loss that one write causes, and an agreement is a set of effects. Directly before such a
write, `Agreement.require` checks that the agreement includes its effect; nothing else decides.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from custom_speech_tools.runtime.change_control import AgreementUse
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import EVENT_SECONDS, idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource

# The lifetime of a confirmation token, of the user's answer to a question, and of a refusal by the user.
CONFIRMATION_LIFETIME = timedelta(seconds=EVENT_SECONDS)
LIFETIME_TEXT = f"{CONFIRMATION_LIFETIME.seconds // 60} minutes"
STORED_LIFETIME = timedelta(hours=24)  # of an agreement for later calls, because training and copying take long

EffectKind = Literal["training", "hosting", "transcription", "deletion"]

RULE_OF: dict[EffectKind, str] = {
    "training": "training-is-charged",
    "hosting": "hosting-is-charged",
    "transcription": "transcription-is-charged",
    "deletion": "deletion-is-final",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """The charge or the loss that one write causes."""

    kind: EffectKind
    resource: SpeechResource  # is billed, or loses an entity
    request: str  # the digest of the exact request with resolved ids: everything that the user is told about it
    price_basis: tuple[str, ...]  # the facts that determine the price, such as the base model of a training
    description: str  # the charge or the loss as the user reads it

    @property
    def digest(self) -> str:
        """The digest of all fields except the description."""
        return idempotency_key(self.kind, affected_resource(self.resource), self.request, *self.price_basis)


def affected_resource(resource: SpeechResource) -> str:
    """Return the identity and endpoint of a resource. Agreements are bound to both, because names can be reused."""
    return f"{resource.identity} {resource.endpoint}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The effects that were agreed to, and how the agreement was given."""

    effects: frozenset[str]  # their digests
    how: str  # who agreed and how, for the audit log
    id: str = field(default_factory=lambda: secrets.token_hex(8))  # each agreement is used once for each effect
    is_general: bool = False  # includes every effect; only for the operator's `--confirm never`
    scope: str | None = None  # see ConfirmationRequest
    since: datetime | None = None  # the time of the agreement if it was given in an earlier call

    def includes(self, effect: Effect) -> bool:
        """Return whether the agreement includes an effect."""
        return self.is_general or effect.digest in self.effects

    def require(self, effect: Effect | None) -> AgreementUse:
        """Return how a write was agreed to; raises Refused if the agreement does not include the effect."""
        if effect is None:  # the write costs and destroys nothing
            return AgreementUse("not charged")
        if self.includes(effect):
            return AgreementUse(f"{self.how}, in an earlier call" if self.since else self.how)
        message, fix = f"This needs agreement: {effect.description}", "It was not part of what the user agreed to."
        missing = Finding(rule=RULE_OF[effect.kind], level="confirm", message=message, fix=fix)
        raise Refused("Nothing was sent.", [missing], "Call again, so that your user is asked.")


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A question that asks the user to agree to effects."""

    effects: tuple[Effect, ...]  # empty if the user need not be asked
    question: str  # begins with the charge or the loss, and quotes every name
    findings: tuple[Finding, ...]  # all findings of the rules, with one of level `confirm` for each effect
    not_done: str  # begins the refusal, such as "Nothing was created."
    declined: str  # advice if the user declines
    scope: str | None = None  # the job for which later calls may use the agreement; None if each call has to ask
    stored_lifetime: timedelta = STORED_LIFETIME  # the time in which later calls may use it

    def agreement(self, how: str, identifier: str) -> Agreement:
        """Return an agreement to all effects of the question."""
        return Agreement(frozenset(effect.digest for effect in self.effects), how, identifier, scope=self.scope)

    def refusal(self, why: str, next_step: str) -> Refused:
        """Return the error that refuses the whole request."""
        rule = RULE_OF[self.effects[0].kind]
        finding = Finding(rule=rule, level="confirm", message=why, fix=self.declined)
        return Refused(self.not_done, [finding], next_step)


def digest_of(effects: Iterable[Effect]) -> str:
    """Return the digest of a set of effects."""
    return idempotency_key(*sorted(effect.digest for effect in effects))


class AgreementStore(Protocol):
    """A store of signed agreements: a dict, or files in the state directory."""

    def __getitem__(self, name: str, /) -> str:
        """Return the stored content; raises KeyError."""

    def __setitem__(self, name: str, content: str, /) -> None:
        """Store an agreement."""


@dataclass(frozen=True, slots=True)
class ConfirmationPolicy:
    """The operator's confirmation policy, which also signs tokens and stored agreements."""

    mode: Literal["ask", "never"]  # never: the operator agreed to everything in advance
    key: bytes = field(repr=False)  # signs tokens and stored agreements; shared by all processes that accept them
    store: AgreementStore = field(default_factory=dict[str, str], repr=False)  # by caller and scope

    def issue_token(
        self, effects: Sequence[Effect], caller: str | None, now: datetime, *, is_after_failure: bool = False
    ) -> str:
        """Return a confirmation token that is bound to the effects and the caller."""
        end, kind = int((now + CONFIRMATION_LIFETIME).timestamp()), "f" if is_after_failure else "n"
        issued = f"{end}-{kind}{secrets.token_hex(6)}"
        return f"{issued}-{self._sign('token', issued, digest_of(effects), caller)}"

    def read_token(
        self, token: str, effects: Sequence[Effect], caller: str | None, now: datetime
    ) -> Literal["normal", "after failure"] | None:
        """Return the kind of a token, or None if it has expired or is for other effects or another caller."""
        issued, _, signature = token.rpartition("-")
        expected = self._sign("token", issued, digest_of(effects), caller)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        end, _, identifier = issued.partition("-")
        kind: Literal["normal", "after failure"] = "after failure" if identifier.startswith("f") else "normal"
        return kind if now.timestamp() <= int(end) else None

    def store_agreement(self, agreement: Agreement, caller: str | None, now: datetime) -> None:
        """Store an agreement, replacing the previous agreement of the same caller and scope."""
        if agreement.is_general or agreement.scope is None:
            return
        if not agreement.effects and self.stored_agreement(agreement.scope, caller, now) is None:
            return  # no effect to store, and no agreement to replace
        name = idempotency_key(caller, agreement.scope)
        since = (agreement.since or now).isoformat()
        content = [since, agreement.how, agreement.id, " ".join(sorted(agreement.effects))]
        self.store[name] = json.dumps([*content, self._sign("kept", *content, name)])

    def stored_agreement(
        self, scope: str | None, caller: str | None, now: datetime, lifetime: timedelta = STORED_LIFETIME
    ) -> Agreement | None:
        """Return the stored agreement of a caller, or None if it is missing, forged or expired."""
        name = idempotency_key(caller, scope)
        try:
            *content, signature = map(str, json.loads(self.store[name]))
            if not hmac.compare_digest(signature, self._sign("kept", *content, name)):
                return None
            when, how, identifier, effects = content
        except (KeyError, ValueError, TypeError):  # missing, not JSON, another form, or a signature that is not ASCII
            return None
        since = datetime.fromisoformat(when)
        agreement = Agreement(frozenset(effects.split()), how, identifier, scope=scope, since=since)
        return agreement if timedelta() <= now - since <= lifetime else None

    def remove_effect(self, agreement: Agreement, effect: Effect, caller: str | None, now: datetime) -> None:
        """Remove a completed effect from the stored agreement."""
        if agreement.scope and (stored := self.stored_agreement(agreement.scope, caller, now)):
            self.store_agreement(replace(stored, effects=stored.effects - {effect.digest}), caller, now)

    def _sign(self, *parts: str | None) -> str:
        return hmac.new(self.key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:40]


def agreement_finding(kind: EffectKind, policy: ConfirmationPolicy, message: str, instead: str = "") -> Finding:
    """Return a finding that the user must agree, or that the operator agreed in advance."""
    asks = policy.mode == "ask"
    agree = "Your user must agree first." if asks else "This server was started with --confirm never."
    fix = f"{agree} {instead}".strip()
    return Finding(rule=RULE_OF[kind], level="confirm" if asks else "warn", message=message, fix=fix)
