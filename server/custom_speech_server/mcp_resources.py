"""The MCP resources: the view for clients with MCP Apps, and the agent skill for everyone."""

from pathlib import Path
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
)

from custom_speech_server import view

SKILL_URI = "skill://improve-recognition/SKILL.md"
"""As SEP-2640 names the files of a skill."""

SKILL_FILE = Path(__file__).parent / "plugin" / "skills" / "improve-recognition" / "SKILL.md"
SKILL_TOOLS = frozenset(
    {
        "transcribe",
        "check_data",
        "upload_dataset",
        "plan_model",
        "create_model",
        "create_evaluation",
        "get_evaluation",
        "deploy_model",
    }
)
"""What the skill cannot do without; it is offered where all of them are."""

_VIEW = Resource(
    uri=view.URI,
    name="view",
    title="Azure custom speech",
    description="Expirations, error rates, models and rollouts as a page",
    mime_type=view.MIME_TYPE,
)
_SKILL = Resource(
    uri=SKILL_URI,
    name="improve-recognition",
    title="Improve recognition",
    description="Agent skill: find out what a model mishears, teach it exactly that, and prove that it is better",
    mime_type="text/markdown",
)

Request = ServerRequestContext[Any, Any]


class MCPResources:
    """The resources as handlers of the server.

    Args:
        tools: The tools that the server offers.
    """

    def __init__(self, tools: frozenset[str]) -> None:
        self._offered = [_VIEW, _SKILL] if tools >= SKILL_TOOLS else [_VIEW]

    async def list(self, request: Request, params: Any) -> ListResourcesResult:  # noqa: ARG002  # the SDK's signature
        """Answer resources/list."""
        return ListResourcesResult(resources=self._offered)

    async def list_templates(
        self,
        request: Request,  # noqa: ARG002  # the SDK's signature
        params: Any,  # noqa: ARG002  # the list is empty
    ) -> ListResourceTemplatesResult:
        """Answer resources/templates/list: some gateways drop a server that announces resources and refuses it."""
        return ListResourceTemplatesResult(resource_templates=[])

    async def read(
        self,
        request: Request,  # noqa: ARG002  # the SDK's signature
        params: ReadResourceRequestParams,
    ) -> ReadResourceResult:
        """Answer resources/read.

        Raises:
            MCPError: There is no such resource.
        """
        offered = {str(one.uri): one for one in self._offered}
        if str(params.uri) not in offered:
            raise MCPError(INVALID_PARAMS, f"There is no such resource. This server has: {', '.join(offered)}.")
        return ReadResourceResult(contents=[_content(offered[str(params.uri)])])


def _content(resource: Resource) -> TextResourceContents:
    uri, kind = resource.uri, resource.mime_type
    if resource is _VIEW:
        from custom_speech_server.view.page import html_page  # the template engine costs 30 ms at the start

        meta = {"ui": {"prefersBorder": True}}
        return TextResourceContents(uri=uri, mime_type=kind, text=html_page(), meta=meta)
    return TextResourceContents(uri=uri, mime_type=kind, text=SKILL_FILE.read_text("utf-8"))
