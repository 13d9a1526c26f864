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


def is_offered(name: str, toolset: str, is_read_only: bool, *, read_only: bool, toolsets: Collection[str]) -> bool:
    """Return whether a server with these options offers a tool; `list_resources` is in every toolset."""
    return (toolset in toolsets or name == "list_resources") and (is_read_only or not read_only)


def registered_tools(*, read_only: bool = False, toolsets: Collection[str] = TOOLSETS) -> "list[SpeechTool]":
    """Return the offered tools, sorted by name."""
    tools: list[SpeechTool] = [import_module(f"custom_speech_tools.{name}").tool for name in tool_names()]
    return [
        tool
        for tool in tools
        if is_offered(tool.name, tool.toolset, tool.is_read_only, read_only=read_only, toolsets=toolsets)
    ]
