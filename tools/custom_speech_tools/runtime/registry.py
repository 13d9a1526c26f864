"""The tools, found by file name: every module beside this package that declares `tool`."""

from collections.abc import Collection
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import custom_speech_tools

if TYPE_CHECKING:  # the command line reads the toolsets before anything heavy is imported
    from custom_speech_tools.runtime.tool import SpeechTool

TOOLSETS = ("models", "data", "quality", "deployment", "lifecycle")  # parts of the list, for operators to choose


def tool_names() -> list[str]:
    """Return the name of every tool, in order, without importing any."""
    return [module.name for module in iter_modules(custom_speech_tools.__path__) if not module.ispkg]


def registered_tools(*, read_only: bool = False, toolsets: Collection[str] = TOOLSETS) -> "list[SpeechTool]":
    """Return the tools of the toolsets in the order of their names; `list_resources` is in every toolset."""
    tools: list[SpeechTool] = [import_module(f"custom_speech_tools.{name}").tool for name in tool_names()]
    offered = [tool for tool in tools if tool.toolset in toolsets or tool.name == "list_resources"]
    return [tool for tool in offered if tool.is_read_only or not read_only]
