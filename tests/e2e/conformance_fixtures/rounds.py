"""Tools and a prompt of protocol 2026-07-28 that need input from the client before they answer."""

from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

from e2e.conformance_fixtures.content import answer, text

Round = CallToolResult | InputRequiredResult
MISSING_CAPABILITY = -32021


def form(message: str, name: str, kind: str = "string") -> ElicitRequest:
    """A question with one field."""
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(words: str, most: int) -> CreateMessageRequest:
    """A question to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=words))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=most))


def accepted(ctx: Context, key: str, name: str) -> Any:
    """What the user filled in, None where that did not come."""
    said: Any = (ctx.input_responses or {}).get(key)
    return (getattr(said, "content", None) or {}).get(name) if getattr(said, "action", "") == "accept" else None


def add_to(server: MCPServer[Any]) -> None:
    """Register them beside the product's own."""
    _add_single(server)
    _add_with_state(server)
    _add_by_capability(server)

    @server.prompt(description="Needs to know its context.")
    async def test_input_required_result_prompt(ctx: Context) -> Any:
        context = accepted(ctx, "user_context", "context")
        if context is None:
            return InputRequiredResult(
                input_requests={"user_context": form("What context should the prompt use?", "context")}
            )
        return f"The context is {context}."


def _add_single(server: MCPServer[Any]) -> None:
    @server.tool(description="Needs a name.")
    async def test_input_required_result_elicitation(ctx: Context) -> Round:
        name = accepted(ctx, "user_name", "name")
        if name is None:
            return InputRequiredResult(input_requests={"user_name": form("What is your name?", "name")})
        return answer(text(f"Hello, {name}!"))

    @server.tool(description="Needs what a model says.")
    async def test_input_required_result_sampling(ctx: Context) -> Round:
        said: Any = (ctx.input_responses or {}).get("capital_question")
        if said is None:
            asked = sampling("What is the capital of France?", 100)
            return InputRequiredResult(input_requests={"capital_question": asked})
        return answer(text(f"It said: {said.content.text}"))

    @server.tool(description="Needs the client's roots.")
    async def test_input_required_result_list_roots(ctx: Context) -> Round:
        said: Any = (ctx.input_responses or {}).get("client_roots")
        if said is None:
            return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
        return answer(text(f"Roots: {', '.join(str(root.uri) for root in said.roots)}"))

    @server.tool(description="Asks on its stream as the protocol allows.")
    async def test_streaming_elicitation(ctx: Context) -> Round:
        await ctx.report_progress(1, 2)
        if accepted(ctx, "confirm", "ok") is None:
            return InputRequiredResult(input_requests={"confirm": form("Go on?", "ok", "boolean")})
        return answer(text("Went on."))


def _add_with_state(server: MCPServer[Any]) -> None:
    @server.tool(description="Gets its own state back.")
    async def test_input_required_result_request_state(ctx: Context) -> Round:
        if accepted(ctx, "confirm", "ok") is None or ctx.request_state != "asked":
            asked = {"confirm": form("Please confirm", "ok", "boolean")}
            return InputRequiredResult(input_requests=asked, request_state="asked")
        return answer(text("state-ok"))

    @server.tool(description="Refuses a state that was tampered with.")
    async def test_input_required_result_tampered_state(ctx: Context) -> Round:
        return await test_input_required_result_request_state(ctx)

    @server.tool(description="Needs several things at once.")
    async def test_input_required_result_multiple_inputs(ctx: Context) -> Round:
        asked = {
            "user_name": form("What is your name?", "name"),
            "greeting": sampling("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        if not asked.keys() <= (ctx.input_responses or {}).keys():
            return InputRequiredResult(input_requests=asked, request_state="several")
        return answer(text(f"Hello, {accepted(ctx, 'user_name', 'name')}!"))

    @server.tool(description="Needs two rounds.")
    async def test_input_required_result_multi_round(ctx: Context) -> Round:
        if accepted(ctx, "step2", "color") is not None and ctx.request_state == "second":
            return answer(text("Both steps are done."))
        if accepted(ctx, "step1", "name") is not None and ctx.request_state == "first":
            asked = {"step2": form("Step 2: What is your favorite color?", "color")}
            return InputRequiredResult(input_requests=asked, request_state="second")
        asked = {"step1": form("Step 1: What is your name?", "name")}
        return InputRequiredResult(input_requests=asked, request_state="first")


def _add_by_capability(server: MCPServer[Any]) -> None:
    @server.tool(description="Asks only in ways that the client has.")
    async def test_input_required_result_capabilities(ctx: Context) -> Round:
        has = ctx.client_capabilities or ClientCapabilities()
        asked: dict[str, Any] = {}
        if has.elicitation is not None:
            asked["user_name"] = form("What is your name?", "name")
        if has.sampling is not None:
            asked["greeting"] = sampling("Generate a greeting", 50)
        return InputRequiredResult(input_requests=asked) if asked else answer(text("Nobody can be asked."))

    @server.tool(description="Cannot do without sampling.")
    async def test_missing_capability(ctx: Context) -> CallToolResult:
        has = ctx.client_capabilities
        if has is None or has.sampling is None:
            data = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(code=MISSING_CAPABILITY, message="Missing required client capability", data=data)
        return answer(text("The client has it."))
