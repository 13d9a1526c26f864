"""The registry of tools: every module of the parent package is a tool and declares `tool`."""

from __future__ import annotations

from importlib import import_module

import custom_speech_tools

TYPE_CHECKING = False  # the command line imports this module at every start, and the module typing costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Collection

    from custom_speech_tools.runtime.tool import SpeechTool

TOOLSETS = ("models", "data", "quality", "deployment", "lifecycle")  # groups of tools that operators choose from


def tool_names() -> list[str]:
    """Return the names of all tools in alphabetical order, without importing the tools."""
    from pkgutil import iter_modules  # imports typing

    return [module.name for module in iter_modules(custom_speech_tools.__path__) if not module.ispkg]


def is_offered(name: str, toolset: str, is_read_only: bool, *, read_only: bool, toolsets: Collection[str]) -> bool:
    """Return whether a server with these options offers a tool; `list_resources` is in every toolset."""
    return (toolset in toolsets or name == "list_resources") and (is_read_only or not read_only)


def registered_tools(*, read_only: bool = False, toolsets: Collection[str] = TOOLSETS) -> list[SpeechTool]:
    """Return the offered tools, sorted by name."""
    tools: list[SpeechTool] = [import_module(f"custom_speech_tools.{name}").tool for name in tool_names()]
    return [
        tool
        for tool in tools
        if is_offered(tool.name, tool.toolset, tool.is_read_only, read_only=read_only, toolsets=toolsets)
    ]
