"""The MCP resources: an HTML view for clients with MCP Apps, and an agent skill for all clients.

The view is the page of `report --html`. For tools whose results it can show, `_meta` of a result contains the matching
part of the page. The result is complete without it.
"""

import re
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from custom_speech_tools.runtime.registry import tool_names

APPS_EXTENSION = "io.modelcontextprotocol/ui"
VIEW_URI = "ui://custom-speech/view.html"
VIEW_MIME_TYPE = "text/html;profile=mcp-app"
VIEW_CONTENT = "custom-speech-mcp/view"  # the entry in `_meta` with the HTML of a result
VIEWED_TOOLS = frozenset({"check_expirations", "get_evaluation", "list_models", "roll_out"})

SKILL_URI = "skill://improve-recognition/SKILL.md"  # the form of SEP-2640
SKILL_FILE = Path(__file__).parent / "plugin" / "skills" / "improve-recognition" / "SKILL.md"

_VIEW = types.Resource(
    uri=VIEW_URI,
    name="view",
    title="Azure custom speech",
    description="Expirations, error rates, models and rollouts as a page",
    mime_type=VIEW_MIME_TYPE,
)
_SKILL = types.Resource(
    uri=SKILL_URI,
    name="improve-recognition",
    title="Improve recognition",
    description="Agent skill: find out what a model mishears, teach it exactly that, and prove that it is better",
    mime_type="text/markdown",
)

Request = ServerRequestContext[Any, Any]


class MCPResources:
    """MCP handlers for the resources. The skill is offered only if every tool that it names is offered."""

    def __init__(self, tools: frozenset[str]) -> None:
        named = re.findall(r"`(\w+)", SKILL_FILE.read_text("utf-8"))
        self._offered = [_VIEW, _SKILL] if tools.issuperset(set(named).intersection(tool_names())) else [_VIEW]

    async def list(self, *arguments: Any) -> types.ListResourcesResult:
        """Handle resources/list."""
        return types.ListResourcesResult(resources=self._offered)

    async def list_templates(self, *arguments: Any) -> types.ListResourceTemplatesResult:
        """Handle resources/templates/list, because some gateways drop a server with resources that rejects it."""
        return types.ListResourceTemplatesResult(resource_templates=[])

    async def read(self, _request: Request, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """Handle resources/read; raises MCPError if the resource does not exist."""
        offered = {str(one.uri): one for one in self._offered}
        found = offered.get(str(params.uri))
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no such resource. This server has: {', '.join(offered)}.")
        if found is _VIEW:
            from custom_speech_server.view import html_page  # the template engine costs 30 ms at the start

            text, meta = html_page(), {"ui": {"prefersBorder": True}}
        else:
            text, meta = SKILL_FILE.read_text("utf-8"), None
        content = types.TextResourceContents(uri=found.uri, mime_type=found.mime_type, text=text, meta=meta)
        return types.ReadResourceResult(contents=[content])


def with_view(tool: types.Tool) -> types.Tool:
    """Return the definition of a tool, with the URI of the view if that can show its results."""
    return tool.model_copy(update={"meta": {"ui": {"resourceUri": VIEW_URI}}}) if tool.name in VIEWED_TOOLS else tool


def with_view_content(
    request: Request, tool: str, result: types.CallToolResult | types.InputRequiredResult
) -> types.CallToolResult | types.InputRequiredResult:
    """Return a result with its HTML in `_meta`, which the assistant does not see, if the client supports MCP Apps."""
    capabilities = request.session.client_capabilities
    extensions = (capabilities.extensions if capabilities else None) or {}
    is_shown = tool in VIEWED_TOOLS and APPS_EXTENSION in extensions
    if not is_shown or not isinstance(result, types.CallToolResult) or result.structured_content is None:
        return result
    from custom_speech_server.view import fragment  # the template engine costs 30 ms at the start

    meta = {VIEW_CONTENT: fragment(tool, result.structured_content)}
    return result.model_copy(update={"meta": (result.meta or {}) | meta})
