"""The examples of docs/rollouts.md: files that can be read, commands that this program takes, valid schedules."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from custom_speech_server.__main__ import parse, split
from custom_speech_server.rollout_file import read_rollout_file

PAGE = (Path(__file__).parents[2] / "docs" / "rollouts.md").read_text(encoding="utf-8")


def examples(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


WORKFLOW, PIPELINE, CRONJOB, ARGO = examples("yaml")
SERVICE, TIMER = examples("ini")
ARGUMENTS: list[list[str]] = [
    yaml.safe_load(CRONJOB)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"],
    yaml.safe_load(ARGO)["spec"]["workflowSpec"]["templates"][0]["container"]["args"],
    *(
        line.split()[1:]
        for line in re.findall(r"custom-speech-mcp (?:rollout|emulator) .*", PAGE.replace(" $CONTINUE", ""))
        for line in [f"x {line.partition(' ')[2].partition('  #')[0]}"]
    ),
]


@pytest.mark.parametrize("text", examples("toml"), ids=["the file", "the emulator's"])
def test_rollout_page_shows_files_that_can_be_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rollout.toml"
    file.write_text(text, encoding="utf-8")

    assert read_rollout_file(file).targets


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_rollout_page_shows_commands_that_are_taken(arguments: list[str]) -> None:
    parse(arguments)

    assert split(arguments)[0] in ("rollout", "emulator")
    assert "--confirm" in arguments or "--plan" in arguments or "--history" in arguments or len(arguments) <= 7


def test_rollout_page_says_every_key_of_the_file() -> None:
    from custom_speech_server.rollout_file import ModelSection
    from custom_speech_tools.rollout.definition import GateDefinition, TargetDefinition

    keys = {name for section in (ModelSection, GateDefinition, TargetDefinition) for name in section.model_fields}
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))

    assert keys <= named


@pytest.mark.skipif(importlib.util.find_spec("check_jsonschema") is None, reason="needs check-jsonschema")
@pytest.mark.parametrize(
    ("text", "schema"), [(WORKFLOW, "vendor.github-workflows"), (PIPELINE, "vendor.azure-pipelines")]
)
def test_rollout_page_shows_valid_pipelines(tmp_path: Path, text: str, schema: str) -> None:
    file = tmp_path / "pipeline.yaml"
    document = yaml.load(text, yaml.BaseLoader)  # noqa: S506  # the schema of Azure Pipelines has every value as text
    file.write_text(text if "github" in schema else yaml.safe_dump(document), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "--regex-variant", "nonunicode"]
    if "azure" in schema:
        command += ["--data-transform", "azure-pipelines"]

    checked = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_rollout_page_shows_a_valid_cron_job() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")

    kubernetes_validate.validate(yaml.safe_load(CRONJOB), "1.33", strict=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_rollout_page_shows_valid_units(tmp_path: Path) -> None:
    files = {"speech-rollout.service": SERVICE, "speech-rollout.timer": TIMER}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in files)]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "speech-rollout" not in checked.stderr, checked.stderr


@pytest.mark.parametrize("text", [WORKFLOW, PIPELINE, CRONJOB, ARGO])
def test_rollout_page_schedules_take_secrets_by_reference(text: str) -> None:
    document: Any = yaml.safe_load(text)

    assert "KEY" not in str(document) or "secrets." in text or "$(CONTOSO" in text
    assert not re.search(r"[0-9a-f]{32}", text)
