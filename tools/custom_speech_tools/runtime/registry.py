"""The registry of tools: every module of the parent package is a tool and declares `tool`."""

from collections.abc import Collection
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import custom_speech_tools

if TYPE_CHECKING:  # the command line reads the toolsets before it imports anything heavy
    from custom_speech_tools.runtime.tool import SpeechTool

TOOLSETS = ("models", "data", "quality", "deployment", "lifecycle")  # groups of tools that operators choose from


def tool_names() -> list[str]:
    """Return the names of all tools in alphabetical order, without importing the tools."""
    return [module.name for module in iter_modules(custom_speech_tools.__path__) if not module.ispkg]


def registered_tools(*, read_only: bool = False, toolsets: Collection[str] = TOOLSETS) -> "list[SpeechTool]":
    """Return the tools of the toolsets, sorted by name; `list_resources` belongs to every toolset."""
    tools: list[SpeechTool] = [import_module(f"custom_speech_tools.{name}").tool for name in tool_names()]
    offered = [tool for tool in tools if tool.toolset in toolsets or tool.name == "list_resources"]
    return [tool for tool in offered if tool.is_read_only or not read_only]
