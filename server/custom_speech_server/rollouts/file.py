"""A rollout file: which model should be live where, in TOML; its keys are a contract (docs/rollouts.md)."""

from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StringConstraints

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.toml_file import Place, describe_fault, line_at, lines_of, read_toml_text
from custom_speech_tools.guardrails.model_facts import TrainingArguments
from custom_speech_tools.rollout.request import MAX_TARGETS, GateRequest, RolloutRequest, TargetRequest
from custom_speech_tools.rollout.training import DATE
from custom_speech_tools.runtime.parameters import LocaleText


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
    locale: LocaleText | None = None
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

    def request(self) -> RolloutRequest:
        """Return the rollout that the file describes."""
        gate = GateRequest(**self.gate.model_dump()) if self.gate else None
        targets = tuple(TargetRequest(one.resource, one.project, one.endpoint) for one in self.targets)
        return RolloutRequest(targets, gate, self.model.resource)

    def training(self) -> TrainingArguments | None:
        """Return what to train, None if the file names a model; its name may contain `{date}`."""
        if self.model.model is not None:
            return None
        given = self.model.model_dump(exclude={"model", "base_model"}, exclude_none=True)
        base_model = None if self.model.base_model == "newest" else self.model.base_model
        return TrainingArguments.model_validate(given | {"base_model": base_model})


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
