"""The rollout file: a TOML file that names a model, its test and its target resources (docs/rollouts.md)."""

from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import AfterValidator, Field

from custom_speech_server.toml_file import parse_toml, read_toml_text
from custom_speech_tools.guardrails.training_facts import TrainingArguments
from custom_speech_tools.rollout.definition import MAX_TARGETS, GateDefinition, RolloutDefinition, TargetDefinition
from custom_speech_tools.rollout.model_choice import DATE
from custom_speech_tools.runtime import parameters


def _template(text: str) -> str:
    if "{" in text.replace(DATE, ""):
        raise ValueError(f"may have nothing but {DATE} in braces")
    return text


class ModelSection(parameters.Arguments):
    """The `[model]` table: an existing model, or the training request for a new model."""

    resource: parameters.Identifier | None = None
    model: parameters.Identifier | None = None
    display_name: Annotated[parameters.DisplayName, AfterValidator(_template)] | None = None
    locale: parameters.LocaleText | None = None
    datasets: parameters.DatasetReferences | None = None
    base_model: parameters.Identifier = "newest"
    project: parameters.Identifier | None = None
    description: parameters.Description = None

    @pydantic.model_validator(mode="after")
    def _is_one_or_the_other(self) -> "ModelSection":
        training = ("display_name", "locale", "datasets")
        given = [name for name in training if getattr(self, name) is not None]
        if self.model is not None and given:
            raise ValueError(f"needs either model (an existing model) or {', '.join(training)} (to train a model)")
        if self.model is None and len(given) < len(training):
            missing = ", ".join(name for name in training if name not in given)
            raise ValueError(f"needs {missing}, to train a model, or model, to name an existing model")
        return self


class RolloutFile(parameters.Arguments):
    """The schema of a rollout file."""

    model: ModelSection
    gate: GateDefinition | None = None
    targets: list[TargetDefinition] = Field(min_length=1, max_length=MAX_TARGETS)

    def definition(self) -> RolloutDefinition:
        """Return the definition of the rollout."""
        return RolloutDefinition(tuple(self.targets), self.gate, self.model.resource)

    def training(self) -> TrainingArguments | None:
        """Return the training request, or None if the file names an existing model."""
        if self.model.model is not None:
            return None
        given = self.model.model_dump(exclude={"model", "base_model"}, exclude_none=True)
        base_model = None if self.model.base_model == "newest" else self.model.base_model
        return TrainingArguments.model_validate(given | {"base_model": base_model})


def read_rollout_file(file: Path) -> RolloutFile:
    """Parse a rollout file; raises ConfigurationError with every mistake and its line."""
    return parse_toml(file, read_toml_text(file), RolloutFile)
