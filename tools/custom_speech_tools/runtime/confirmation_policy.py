"""Agreements to what costs money or destroys something: effects, who agreed to them, tokens, and the operator's policy.

An effect is what one write costs or destroys; an agreement is a set of effects. Directly before such a write
`Agreement.require` decides whether it was agreed to; nothing else does. How an agreement is obtained: confirmation.py.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from custom_speech_tools.runtime.change_audit import AgreementUse
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource

CONFIRMATION_LIFETIME = timedelta(minutes=10)  # of a token, of the user's answer to a question, and of a no
STORED_LIFETIME = timedelta(hours=24)  # of an agreement that is kept for later calls: training and copying take a while

EffectKind = Literal["training", "hosting", "transcription", "deletion"]

RULE_OF: dict[EffectKind, str] = {
    "training": "training-is-charged",
    "hosting": "hosting-is-charged",
    "transcription": "transcription-is-charged",
    "deletion": "deletion-is-final",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """The cost or the loss of one write."""

    kind: EffectKind
    resource: SpeechResource  # the one that is billed or loses an entity
    request: str  # the digest of the exact request, of resolved ids: everything that the user is told about it
    price_basis: tuple[str, ...]  # what the price depends on: for a training its base model
    description: str  # what the user reads: the cost or the loss

    @property
    def digest(self) -> str:
        """The digest of everything but the words, by which an agreement holds the effect."""
        return idempotency_key(self.kind, affected_resource(self.resource), self.request, *self.price_basis)


def affected_resource(resource: SpeechResource) -> str:
    """Return what an agreement is bound to: with another endpoint, a resource of the same name is another one."""
    return f"{resource.identity} {resource.endpoint}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The effects that somebody agreed to, and how."""

    effects: frozenset[str]  # their digests
    how: str  # who agreed and how, for the audit log
    id: str = field(default_factory=lambda: secrets.token_hex(8))  # tells it from others, so that each is used once
    is_general: bool = False  # covers every effect, as the operator's own `--confirm never` does and nothing else
    scope: str | None = None  # see ConfirmationRequest
    since: datetime | None = None  # when it was given, if that was in an earlier call

    def includes(self, effect: Effect) -> bool:
        """Return whether an effect was agreed to."""
        return self.is_general or effect.digest in self.effects

    def require(self, effect: Effect | None) -> AgreementUse:
        """Return how an effect was agreed to, or raise Refused; call it directly before the write."""
        if effect is None:  # the write costs and destroys nothing
            return AgreementUse("not charged")
        if self.includes(effect):
            return AgreementUse(f"{self.how}, in an earlier call" if self.since else self.how)
        message, fix = f"This needs agreement: {effect.description}", "It was not part of what the user agreed to."
        missing = Finding(rule=RULE_OF[effect.kind], level="confirm", message=message, fix=fix)
        raise Refused("Nothing was sent.", [missing], "Call again, so that your user is asked.")


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A question that the user has to agree to."""

    effects: tuple[Effect, ...]  # what an agreement will hold; empty if nobody has to be asked
    question: str  # what the user reads: the cost first, then every name, quoted
    findings: tuple[Finding, ...]  # everything the rules stated, for each effect one of level `confirm`
    not_done: str  # what did not happen if the user does not agree, such as "Nothing was created."
    declined: str  # what to do if the user declines
    scope: str | None = None  # what later calls may use the agreement for; None if each call has to ask
    stored_lifetime: timedelta = STORED_LIFETIME  # for how long they may use it

    def agreement(self, how: str, identifier: str) -> Agreement:
        """Return the agreement to all of it."""
        return Agreement(frozenset(effect.digest for effect in self.effects), how, identifier, scope=self.scope)

    def refusal(self, why: str, next_step: str) -> Refused:
        """Return the refusal of all of it."""
        rule = RULE_OF[self.effects[0].kind]
        finding = Finding(rule=rule, level="confirm", message=why, fix=self.declined)
        return Refused(self.not_done, [finding], next_step)


def digest_of(effects: Iterable[Effect]) -> str:
    """Return what stands for a set of effects."""
    return idempotency_key(*sorted(effect.digest for effect in effects))


class AgreementStore(Protocol):
    """The store of signed agreements: a dict, or files of the state directory."""

    def __getitem__(self, name: str, /) -> str:
        """Return what is kept; raises KeyError."""

    def __setitem__(self, name: str, content: str, /) -> None:
        """Keep an agreement."""


@dataclass(frozen=True, slots=True)
class ConfirmationPolicy:
    """The operator's policy for obtaining agreement, and the key that signs what was agreed to."""

    mode: Literal["ask", "never"]  # never: the operator agreed to everything in advance
    key: bytes = field(repr=False)  # signs tokens and kept agreements; all processes that accept them share it
    # By caller and scope.
    store: AgreementStore = field(default_factory=dict[str, str], repr=False)

    def issue_token(
        self, effects: Sequence[Effect], caller: str | None, now: datetime, *, is_after_failure: bool = False
    ) -> str:
        """Return a token for exactly these effects and this caller, whose client may have failed to ask its user."""
        end, kind = int((now + CONFIRMATION_LIFETIME).timestamp()), "f" if is_after_failure else "n"
        issued = f"{end}-{kind}{secrets.token_hex(6)}"
        return f"{issued}-{self._sign('token', issued, digest_of(effects), caller)}"

    def read_token(
        self, token: str, effects: Sequence[Effect], caller: str | None, now: datetime
    ) -> Literal["normal", "after failure"] | None:
        """Return the kind of a token, None unless it is valid and was issued for these effects and this caller."""
        issued, _, signature = token.rpartition("-")
        expected = self._sign("token", issued, digest_of(effects), caller)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        end, _, identifier = issued.partition("-")
        kind: Literal["normal", "after failure"] = "after failure" if identifier.startswith("f") else "normal"
        return kind if now.timestamp() <= int(end) else None

    def store_agreement(self, agreement: Agreement, caller: str | None, now: datetime) -> None:
        """Keep an agreement in place of the last one for the same; its lifetime begins when it was given."""
        if agreement.is_general or agreement.scope is None:
            return
        if not agreement.effects and self.stored_agreement(agreement.scope, caller, now) is None:
            return  # nothing is to be kept, nor to be replaced
        name = idempotency_key(caller, agreement.scope)
        since = (agreement.since or now).isoformat()
        content = [since, agreement.how, agreement.id, " ".join(sorted(agreement.effects))]
        self.store[name] = json.dumps([*content, self._sign("kept", *content, name)])

    def stored_agreement(
        self, scope: str | None, caller: str | None, now: datetime, lifetime: timedelta = STORED_LIFETIME
    ) -> Agreement | None:
        """Return what this caller agreed to in an earlier call; what is forged or old counts as nothing."""
        name = idempotency_key(caller, scope)
        try:
            *content, signature = map(str, json.loads(self.store[name]))
            if not hmac.compare_digest(signature, self._sign("kept", *content, name)):
                return None
            when, how, identifier, effects = content
        except (KeyError, ValueError, TypeError):  # not kept, not JSON, another form, a signature that is not ASCII
            return None
        since = datetime.fromisoformat(when)
        agreement = Agreement(frozenset(effects.split()), how, identifier, scope=scope, since=since)
        return agreement if timedelta() <= now - since <= lifetime else None

    def remove_effect(self, agreement: Agreement, effect: Effect, caller: str | None, now: datetime) -> None:
        """Drop an effect that has been carried out from what is kept."""
        if agreement.scope and (kept := self.stored_agreement(agreement.scope, caller, now)):
            self.store_agreement(replace(kept, effects=kept.effects - {effect.digest}), caller, now)

    def _sign(self, *parts: str | None) -> str:
        return hmac.new(self.key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:40]


def agreement_finding(kind: EffectKind, policy: ConfirmationPolicy, message: str, instead: str = "") -> Finding:
    """Return the finding that the user has to agree, or that the operator did; `instead` says what costs less."""
    asks = policy.mode == "ask"
    agree = "Your user must agree first." if asks else "This server was started with --confirm never."
    fix = f"{agree} {instead}".strip()
    return Finding(rule=RULE_OF[kind], level="confirm" if asks else "warn", message=message, fix=fix)
