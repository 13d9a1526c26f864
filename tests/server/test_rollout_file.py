"""The rollout file: every fault at once, with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.rollout_file import read_rollout_file
from custom_speech_server.toml_file import lines_of
from custom_speech_tools.rollout.definition import GateDefinition, RolloutDefinition, TargetDefinition

COMPLETE = """\
[model]
resource = "train"
display_name = "Clinic {date}"
locale = "en-us"
datasets = ["Clinic audio", "Clinic terms"]
base_model = "newest"
project = "Clinic"

[gate]
dataset = "Clinic test calls"
compare_with = "base"
max_word_error_rate = 0.15
require_significance = true

[[targets]]
resource = "berlin"
project = "Clinic"
endpoint = "clinic-live"
"""


def written(folder: Path, text: str) -> Path:
    """Return a file with that text."""
    file = folder / "rollout.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_rollout_file_of_the_design_is_read(tmp_path: Path) -> None:
    content = read_rollout_file(written(tmp_path, COMPLETE))

    assert content.definition() == RolloutDefinition(
        (TargetDefinition(resource="berlin", project="Clinic", endpoint="clinic-live"),),
        GateDefinition(dataset="Clinic test calls", compare_with="base", max_word_error_rate=0.15),
        "train",
    )
    training = content.training()
    assert training is not None
    assert training.model_dump(exclude_defaults=True) == {
        "display_name": "Clinic {date}",
        "locale": "en-US",
        "datasets": ["Clinic audio", "Clinic terms"],
        "project": "Clinic",
        "resource": "train",
    }


def test_rollout_file_says_every_fault_with_its_line(tmp_path: Path) -> None:
    text = """\
[model]
display_name = "Clinic {day}"
locale = "english"
datasets = []
speed = 3

[gate]
max_word_error_rate = 15

[[targets]]
project = "Clinic"

[[targets]]
resource = "berlin"
endpoint = ""
"""
    file = written(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        read_rollout_file(file)

    lines = str(caught.value).splitlines()
    assert lines[0] == f"{file} is invalid:"
    assert [line.partition(": ")[0].strip() for line in lines[1:-1]] == [
        "line 2, model.display_name",
        "line 3, model.locale",
        "line 4, model.datasets",
        "line 5, model.speed",
        "line 7, gate.dataset",
        "line 8, gate.max_word_error_rate",
        "line 10, targets.0.resource",
        "line 15, targets.1.endpoint",
    ]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ('model = "Clinic"\nlocale = "en-US"', "either model (an existing model) or"),
        ('locale = "en-US"', "needs display_name, datasets, to train a model, or model"),
        ("", "needs display_name, locale, datasets"),
    ],
)
def test_rollout_file_names_a_model_or_a_training(tmp_path: Path, model: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"line 1, model: ") as caught:
        read_rollout_file(written(tmp_path, f'[model]\n{model}\n[[targets]]\nresource = "berlin"\n'))

    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["[model", "targets = 3", "", 'model = "x"\ntargets = []', "\ufeff[model]\n"])
def test_rollout_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"rollout\.toml"):
        read_rollout_file(written(tmp_path, text))


@given(st.text(max_size=200))
def test_rollout_file_lines_are_found_in_any_text(text: str) -> None:
    assert lines_of(text)[()] == 1


@pytest.mark.parametrize("name", ["Clinic {", "{}", "{day} {date}"])
def test_rollout_file_name_has_nothing_but_the_date_in_braces(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"display_name: may have nothing but \{date\} in braces"):
        read_rollout_file(written(tmp_path, COMPLETE.replace("Clinic {date}", name)))
