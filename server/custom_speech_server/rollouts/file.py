"""A rollout file: which model should be live where, in TOML; its keys are a contract (docs/rollouts.md)."""

from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StringConstraints

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.toml_file import Place, describe_fault, line_at, lines_of, read_toml_text
from custom_speech_tools.guardrails.rollout_model import DATE
from custom_speech_tools.guardrails.rollout_record import MAX_TARGETS
from custom_speech_tools.runtime.locales import canonical_locale, is_locale


def _locale(text: str) -> str:
    if not is_locale(text):
        raise ValueError("is not a valid locale; write language and region, such as en-US")
    return canonical_locale(text)


def _template(text: str) -> str:
    if "{" in text.replace(DATE, ""):
        raise ValueError(f"may have nothing but {DATE} in braces")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=1024, strip_whitespace=True)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]


class _Section(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True, frozen=True)


class ModelSection(_Section):
    """`[model]`: one that exists, or what to train."""

    resource: Text | None = None
    model: Text | None = None
    display_name: Annotated[Text, AfterValidator(_template)] | None = None
    locale: Annotated[str, AfterValidator(_locale)] | None = None
    datasets: list[Text] | None = Field(default=None, min_length=1, max_length=100)
    base_model: Text = "newest"
    project: Text | None = None
    description: Text | None = None

    @pydantic.model_validator(mode="after")
    def _is_one_or_the_other(self) -> "ModelSection":
        training = ("display_name", "locale", "datasets")
        given = [name for name in training if getattr(self, name) is not None]
        if self.model is not None and given:
            raise ValueError(f"needs either model (one that exists) or {', '.join(training)} (what to train)")
        if self.model is None and len(given) < len(training):
            missing = ", ".join(name for name in training if name not in given)
            raise ValueError(f"needs {missing}, to train a model, or model, to name one that exists")
        return self


class GateSection(_Section):
    """`[gate]`: what the model has to show before it goes live."""

    dataset: Text
    compare_with: Text = "base"
    max_word_error_rate: Fraction | None = None
    require_significance: StrictBool = True
    allow_seen_test_data: StrictBool = False


class TargetSection(_Section):
    """One of `[[targets]]`."""

    resource: Text
    project: Text | None = None
    endpoint: Text | None = None


class RolloutFile(_Section):
    """The whole file."""

    model: ModelSection
    gate: GateSection | None = None
    targets: list[TargetSection] = Field(min_length=1, max_length=MAX_TARGETS)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of roll_out, without the model."""
        gate = self.gate
        tested = {} if gate is None else {"test_dataset": gate.dataset, **gate.model_dump(exclude={"dataset"})}
        targets = [target.model_dump(exclude_none=True) for target in self.targets]
        return {"targets": targets, "resource": self.model.resource, **tested}

    def training(self, name: str | None, base_model: str | None) -> dict[str, Any]:
        """Return the arguments of create_model."""
        fields = self.model.model_dump(include={"locale", "datasets", "project", "description", "resource"})
        chosen = base_model if self.model.base_model == "newest" else self.model.base_model
        return {**fields, "display_name": name, "base_model": chosen}


def read_rollout_file(file: Path) -> RolloutFile:
    """Return the content of a rollout file.

    Raises:
        ConfigurationError: It is wrong; every fault is listed with its line.
    """
    import tomllib

    text = read_toml_text(file)
    try:
        content = tomllib.loads(text)
        return RolloutFile.model_validate(content)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: is not valid TOML: {error}.") from None
    except pydantic.ValidationError as error:
        lines = lines_of(text)
        faults = [
            (line_at(lines, fault["loc"]), _place(fault["loc"]), describe_fault(fault, {})) for fault in error.errors()
        ]
        shown = [f"{file}:{line}: {place}: {message}" for line, place, message in sorted(faults)]
        raise ConfigurationError("\n".join([*shown, "Correct the file and start again."])) from None


def _place(place: Place) -> str:
    shown = [f"{part + 1}" if isinstance(part, int) else part for part in place]
    return " ".join(shown) or "the file"
