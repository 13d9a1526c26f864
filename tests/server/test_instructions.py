"""The instructions: what they say with each set of options, and that the front says the same of a configured server."""

import re
from itertools import chain, combinations
from pathlib import Path

import pytest

from custom_speech_server.config_source import EMULATED_NAMES, resource_names
from custom_speech_server.emulated_resources import EMULATED_RESOURCES
from custom_speech_server.instructions import TOOLS_BY_TASK, instructions
from custom_speech_server.resource_config import load
from custom_speech_tools.runtime.registry import TOOLSETS, registered_tools, tool_names

SUBSETS = list(chain.from_iterable(combinations(TOOLSETS, size) for size in range(1, len(TOOLSETS) + 1)))


@pytest.mark.parametrize("read_only", [False, True])
def test_instructions_name_no_tool_that_is_not_offered(read_only: bool) -> None:
    for toolsets in SUBSETS:
        offered = {tool.name for tool in registered_tools(read_only=read_only, toolsets=toolsets)}
        text = instructions(offered, ("train",), read_only=read_only, emulated=True)

        assert set(re.findall(r"\w+", text)) & set(tool_names()) <= offered


def test_instructions_name_every_job_and_the_default_resource() -> None:
    text = instructions(tool_names(), ("train", "berlin"), read_only=False, emulated=False)

    assert {name for _, *names in TOOLS_BY_TASK for name in names} <= set(re.findall(r"\w+", text))
    assert "Speech resources: train (default), berlin." in text
    assert ("READ-ONLY" in text, "EMULATED" in text) == (False, False)


def test_instructions_have_no_sentence_above_40_words() -> None:
    text = instructions(tool_names(), EMULATED_NAMES, read_only=False, emulated=True)

    assert [one for one in re.split(r"[.:;]\s", text) if len(one.split()) > 40] == []


def test_emulated_resources_have_the_names_that_the_front_says() -> None:
    assert tuple(one.name for one in EMULATED_RESOURCES) == EMULATED_NAMES


@pytest.mark.parametrize("default", ['default = "berlin"\n', ""])
def test_names_of_resources_are_those_of_the_loaded_configuration(tmp_path: Path, default: str) -> None:
    file = tmp_path / "resources.toml"
    resource = '[resources.{0}]\nregion = "eastus"\nkey = {{ env = "ANY" }}\n'
    file.write_text("\ufeff" + default + "".join(map(resource.format, ("train", "berlin"))), encoding="utf-8")
    from_variables = {"SPEECH_KEY": "x", "SPEECH_REGION": "eastus", "XDG_CONFIG_HOME": str(tmp_path)}

    assert resource_names(file, {}) == load(file, {"ANY": "x"}).names
    assert resource_names(file, {})[0] == ("berlin" if default else "train")
    assert resource_names(None, from_variables) == ("speech",)


@pytest.mark.parametrize("text", ["", "resources = 1", "[resources]", "\0", 'default = "a"'])
def test_names_of_resources_of_a_wrong_file_are_not_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "resources.toml"
    file.write_text(text, encoding="utf-8")

    assert resource_names(file, {}) == ()
