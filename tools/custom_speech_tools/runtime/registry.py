"""The tools, found by file name: every module beside this package that declares `tool`."""

from collections.abc import Collection
from importlib import import_module
from pkgutil import iter_modules

import custom_speech_tools
from custom_speech_tools.runtime.tool import READ_ONLY, SpeechTool
from custom_speech_tools.runtime.toolsets import TOOLSETS

__all__ = ["TOOLSETS", "registered_tools", "tool_names"]


def tool_names() -> list[str]:
    """Return the name of every tool, in order, without importing any."""
    return [module.name for module in iter_modules(custom_speech_tools.__path__) if not module.ispkg]


def registered_tools(*, read_only: bool = False, toolsets: Collection[str] = TOOLSETS) -> list[SpeechTool]:
    """Return the tools in the order of their names.

    Args:
        read_only: Leave out every tool that changes something.
        toolsets: Leave out tools of other toolsets; `list_resources` is in all of them.
    """
    tools: list[SpeechTool] = [import_module(f"custom_speech_tools.{name}").tool for name in tool_names()]
    return [
        tool
        for tool in tools
        if (tool.toolset in toolsets or tool.name == "list_resources")
        and (tool.annotations in READ_ONLY or not read_only)
    ]
