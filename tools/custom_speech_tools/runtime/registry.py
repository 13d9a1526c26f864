"""The tools, found by file name."""

from importlib import import_module
from pkgutil import iter_modules

from mcp.server.mcpserver.tools import Tool

import custom_speech_tools


def catalogue(*, read_only: bool = False) -> list[Tool]:
    """Every tool, in the order of their names; with `read_only` those that change nothing."""
    names = [module.name for module in iter_modules(custom_speech_tools.__path__) if not module.ispkg]
    tools: list[Tool] = [import_module(f"custom_speech_tools.{name}").tool for name in names]
    return [tool for tool in tools if not read_only or (tool.annotations and tool.annotations.read_only_hint)]
