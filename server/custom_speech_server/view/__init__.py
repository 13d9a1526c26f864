"""The view: one self-contained page that shows what ends when, error rates, models and the state of a rollout.

`report --html` writes it. Clients with MCP Apps show the same parts beside the answer of a tool, which stays complete
without them: the answer carries them in `_meta`, and the page puts them in place. It loads nothing, reads without a
script, and shows text of the service as text.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.types import CallToolResult, InputRequiredResult, Tool

from custom_speech_server.view.evaluations import test_details
from custom_speech_server.view.expirations import needed_actions, timeline
from custom_speech_server.view.inventory import models_table, rollout, unread_notice
from custom_speech_server.view.markup import Answer, Child, element, join
from custom_speech_server.view.page import emulated_badge, html_page

URI = "ui://custom-speech/view.html"
MIME_TYPE = "text/html;profile=mcp-app"
CONTENT = "custom-speech-mcp/view"
"""The entry in `_meta` of an answer that holds its part of the page as HTML."""

_PARTS: Mapping[str, Callable[[Answer], Child]] = {
    "check_expirations": lambda answer: (needed_actions(answer), timeline(answer)),
    "get_evaluation": lambda answer: (element("h2", answer["display_name"]), test_details(answer)),
    "list_models": models_table,
    "roll_out": rollout,
}

SHOWN = frozenset(_PARTS)
"""The tools whose answers it shows."""


class Views:
    """The view as `_meta` of the tools that it shows, and of their answers."""

    extension = "io.modelcontextprotocol/ui"

    def bound(self, tool: Tool) -> Tool:
        """Return the definition of a tool, with its view where it has one."""
        if tool.name not in SHOWN:
            return tool
        return tool.model_copy(update={"meta": {"ui": {"resourceUri": URI}}})

    def rendered(
        self, request: ServerRequestContext[Any, Any], tool: str, result: CallToolResult | InputRequiredResult
    ) -> CallToolResult | InputRequiredResult:
        """Return a result with its part of the page, if the client shows such pages; the model does not see it."""
        capabilities = request.session.client_capabilities
        extensions = (capabilities.extensions if capabilities else None) or {}
        is_shown = tool in SHOWN and self.extension in extensions
        if not is_shown or not isinstance(result, CallToolResult) or result.structured_content is None:
            return result
        meta = {CONTENT: fragment(tool, result.structured_content)}
        return result.model_copy(update={"meta": (result.meta or {}) | meta})


def empty_page() -> str:
    """Return the page that a client with MCP Apps loads before the answer of a tool."""
    return html_page(element("p", "Waiting for the answer of a tool.", class_="soft"))


def fragment(tool: str, answer: Answer) -> str:
    """Return the part of the page that shows the answer of a tool."""
    return join(emulated_badge(answer), unread_notice(answer.get("unread", ())), _PARTS[tool](answer))
