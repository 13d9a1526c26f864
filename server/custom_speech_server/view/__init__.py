"""The view: one self-contained page that shows what ends when, error rates, models and the state of a rollout.

`report --html` writes it. Clients with MCP Apps show the same parts beside the answer of a tool, which stays complete
without them: the answer carries them in `_meta`, and the page puts them in place. It loads nothing, reads without a
script, and shows text of the service as text.
"""

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.types import CallToolResult, InputRequiredResult, Tool

URI = "ui://custom-speech/view.html"
MIME_TYPE = "text/html;profile=mcp-app"
CONTENT = "custom-speech-mcp/view"  # the entry in `_meta` of an answer that holds its part of the page as HTML
SHOWN = frozenset({"check_expirations", "get_evaluation", "list_models", "roll_out"})  # tools whose answers it shows


class Views:
    """The view as `_meta` of the tools that it shows, and of their answers."""

    extension = "io.modelcontextprotocol/ui"

    def bound(self, tool: Tool) -> Tool:
        """Return the definition of a tool, with its view if it has one."""
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
        from custom_speech_server.view.page import fragment  # the template engine costs 30 ms at the start

        meta = {CONTENT: fragment(tool, result.structured_content)}
        return result.model_copy(update={"meta": (result.meta or {}) | meta})
