"""Tools that talk back while they run: news, questions, and changes of what is offered."""

from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import (
    CallToolResult,
    EmptyResult,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)

from e2e.conformance_fixtures.content import answer, text

STEP_SECONDS = 0.05
"""The suite prescribes this pause between two pieces of news."""

DEFAULTS: dict[str, Any] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}

_THREE = ["option1", "option2", "option3"]


def _titled(*titles: str) -> list[dict[str, str]]:
    return [{"const": f"value{n}", "title": title} for n, title in enumerate(titles, 1)]


ENUMS: dict[str, Any] = {
    "untitledSingle": {"type": "string", "enum": _THREE},
    "titledSingle": {"type": "string", "oneOf": _titled("First Option", "Second Option", "Third Option")},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _THREE}},
    "titledMulti": {
        "type": "array",
        "items": {"anyOf": _titled("First Choice", "Second Choice", "Third Choice")},
    },
}

USER: dict[str, Any] = {
    "username": {"type": "string", "description": "User's response"},
    "email": {"type": "string", "description": "User's email address"},
}


def add_to(server: MCPServer[Any]) -> None:
    """Register them beside the product's own."""
    _add_news(server)
    _add_questions(server)
    _add_changes(server)
    _add_what_the_product_does_without(server)


def _add_news(server: MCPServer[Any]) -> None:
    @server.tool(description="Logs while it runs.")
    async def test_tool_with_logging(ctx: Context) -> CallToolResult:
        for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(words)
            await anyio.sleep(STEP_SECONDS)
        return answer(text("Logged three times."))

    @server.tool(description="Logs once.")
    async def test_logging_tool(ctx: Context) -> CallToolResult:
        await ctx.info("A message")
        return answer(text("Logged once."))

    @server.tool(description="Says how far it is.")
    async def test_tool_with_progress(ctx: Context) -> CallToolResult:
        for step in (0, 50, 100):
            await ctx.report_progress(step, 100)
            await anyio.sleep(STEP_SECONDS)
        return answer(text("Done."))

    @server.tool(description="Closes its stream and answers on the next one.")
    async def test_reconnection(ctx: Context) -> CallToolResult:
        await ctx.close_sse_stream()
        await anyio.sleep(STEP_SECONDS)
        return answer(text("Reconnected."))


def _add_questions(server: MCPServer[Any]) -> None:
    """Each goes out on the stream of its call: the client may not have opened the other one yet."""

    @server.tool(description="Has the client's model say something.")
    async def test_sampling(prompt: str, ctx: Context) -> CallToolResult:
        message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
        said = await ctx.session.create_message(messages=[message], max_tokens=100, related_request_id=ctx.request_id)
        return answer(text(f"LLM response: {getattr(said.content, 'text', said.content)}"))

    @server.tool(description="Asks the user.")
    async def test_elicitation(message: str, ctx: Context) -> CallToolResult:
        schema = {"type": "object", "properties": USER, "required": ["username", "email"]}
        said = await ctx.session.elicit_form(message, schema, ctx.request_id)
        return answer(text(f"User response: action={said.action}, content={said.content}"))

    @server.tool(description="Asks the user with defaults.")
    async def test_elicitation_sep1034_defaults(ctx: Context) -> CallToolResult:
        said = await ctx.session.elicit_form(
            "Look these over", {"type": "object", "properties": DEFAULTS}, ctx.request_id
        )
        return answer(text(f"Elicitation completed: action={said.action}, content={said.content}"))

    @server.tool(description="Asks the user to choose.")
    async def test_elicitation_sep1330_enums(ctx: Context) -> CallToolResult:
        said = await ctx.session.elicit_form("Choose", {"type": "object", "properties": ENUMS}, ctx.request_id)
        return answer(text(f"Elicitation completed: action={said.action}, content={said.content}"))


def _add_changes(server: MCPServer[Any]) -> None:
    @server.tool(description="Says that the tools changed.")
    async def test_trigger_tool_change(ctx: Context) -> CallToolResult:
        await ctx.notify_tools_changed()
        return answer(text("Said."))

    @server.tool(description="Says that the prompts changed.")
    async def test_trigger_prompt_change(ctx: Context) -> CallToolResult:
        await ctx.notify_prompts_changed()
        return answer(text("Said."))


def _add_what_the_product_does_without(server: MCPServer[Any]) -> None:
    """Setting a log level and watching a resource, both of the handshake versions only."""

    async def agree(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, agree)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, agree)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, agree)
