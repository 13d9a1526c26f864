"""The view: one self-contained page that shows what ends when, error rates, models and the state of a rollout.

Clients with MCP Apps render it beside the answer of a tool, which stays complete without it; `report --html` writes the
same page with the answers inside. It loads nothing, and shows text of the service as text.
"""

import json
from importlib.resources import files
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextResourceContents,
    Tool,
)

URI = "ui://custom-speech/view.html"
MIME_TYPE = "text/html;profile=mcp-app"

SHOWN = frozenset({"check_expirations", "get_evaluation", "list_models", "roll_out"})
"""The tools whose answers it shows."""

_DATA = "<!-- data -->"


class Views:
    """The view as handlers of the server, and as `_meta` of the tools that it shows."""

    extension = "io.modelcontextprotocol/ui"

    def bound(self, tool: Tool) -> Tool:
        """Return the definition of a tool, with its view where it has one."""
        if tool.name not in SHOWN:
            return tool
        return tool.model_copy(update={"meta": {"ui": {"resourceUri": URI}}})

    async def list(
        self,
        request: ServerRequestContext[Any, Any],  # noqa: ARG002  # the SDK's signature
        params: Any,  # noqa: ARG002  # there is one page
    ) -> ListResourcesResult:
        """Answer resources/list."""
        view = Resource(
            uri=URI,
            name="view",
            title="Azure custom speech",
            description="Expirations, error rates, models and rollouts as a page",
            mime_type=MIME_TYPE,
        )
        return ListResourcesResult(resources=[view])

    async def list_templates(
        self,
        request: ServerRequestContext[Any, Any],  # noqa: ARG002  # the SDK's signature
        params: Any,  # noqa: ARG002  # there is one page
    ) -> ListResourceTemplatesResult:
        """Answer resources/templates/list: some gateways drop a server that announces resources and refuses it."""
        return ListResourceTemplatesResult(resource_templates=[])

    async def read(
        self,
        request: ServerRequestContext[Any, Any],  # noqa: ARG002  # the SDK's signature
        params: ReadResourceRequestParams,
    ) -> ReadResourceResult:
        """Answer resources/read.

        Raises:
            MCPError: There is no such resource.
        """
        if str(params.uri) != URI:
            raise MCPError(INVALID_PARAMS, f"This server has one resource: {URI}.")
        meta = {"ui": {"prefersBorder": True}}
        content = TextResourceContents(uri=URI, mime_type=MIME_TYPE, text=page(), meta=meta)
        return ReadResourceResult(contents=[content])


def page(answers: list[dict[str, Any]] | None = None) -> str:
    """Return the page; with answers of tools it shows them at once, without them it asks the client.

    Args:
        answers: Structured contents, shown in this order.
    """
    html = files(__package__).joinpath("view.html").read_text(encoding="utf-8")
    if answers is None:
        return html.replace(_DATA, "")
    # A script element ends at "</", wherever that stands; in JSON "<" may always be escaped.
    data = json.dumps(answers, ensure_ascii=True).replace("<", "\\u003c")
    return html.replace(_DATA, f'<script type="application/json" id="answers">{data}</script>')
