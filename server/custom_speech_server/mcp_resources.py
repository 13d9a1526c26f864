"""The MCP resources: the view for clients with MCP Apps, and the agent skill for everyone.

The view is the page of `report --html`, whose parts such clients show beside the answers of tools. An answer stays
complete without it: `_meta` carries its part of the page, and the page puts that in place.
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
VIEW_CONTENT = "custom-speech-mcp/view"  # the entry in `_meta` of an answer that holds its part of the page as HTML
VIEWED_TOOLS = frozenset({"check_expirations", "get_evaluation", "list_models", "roll_out"})

SKILL_URI = "skill://improve-recognition/SKILL.md"  # as SEP-2640 names the files of a skill
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
    """The resources as handlers of a server; the skill is offered if all tools that it names are."""

    def __init__(self, tools: frozenset[str]) -> None:
        named = re.findall(r"`(\w+)", SKILL_FILE.read_text("utf-8"))
        self._offered = [_VIEW, _SKILL] if tools.issuperset(set(named).intersection(tool_names())) else [_VIEW]

    async def list(self, *arguments: Any) -> types.ListResourcesResult:
        """Answer resources/list."""
        return types.ListResourcesResult(resources=self._offered)

    async def list_templates(self, *arguments: Any) -> types.ListResourceTemplatesResult:
        """Answer resources/templates/list: some gateways drop a server that announces resources and refuses it."""
        return types.ListResourceTemplatesResult(resource_templates=[])

    async def read(self, _request: Request, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """Answer resources/read, or raise MCPError if there is no such resource."""
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
    """Return the definition of a tool, with the view if that shows its answers."""
    return tool.model_copy(update={"meta": {"ui": {"resourceUri": VIEW_URI}}}) if tool.name in VIEWED_TOOLS else tool


def with_view_content(
    request: Request, tool: str, result: types.CallToolResult | types.InputRequiredResult
) -> types.CallToolResult | types.InputRequiredResult:
    """Return a result with its part of the page, if the client shows such pages; the model does not see it."""
    capabilities = request.session.client_capabilities
    extensions = (capabilities.extensions if capabilities else None) or {}
    is_shown = tool in VIEWED_TOOLS and APPS_EXTENSION in extensions
    if not is_shown or not isinstance(result, types.CallToolResult) or result.structured_content is None:
        return result
    from custom_speech_server.view import fragment  # the template engine costs 30 ms at the start

    meta = {VIEW_CONTENT: fragment(tool, result.structured_content)}
    return result.model_copy(update={"meta": (result.meta or {}) | meta})
