"""The MCP server: registered tools, configured resources and middleware."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mcp import types
from mcp.server.caching import CacheHint
from mcp.server.context import ServerMiddleware, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

from custom_speech_server import __version__
from custom_speech_server.emulated_resources import in_process_emulator
from custom_speech_server.instructions import instructions
from custom_speech_server.mcp_resources import APPS_EXTENSION, MCPResources, with_view, with_view_content
from custom_speech_server.prompts import Prompts
from custom_speech_server.resource_config import Resources
from custom_speech_tools.runtime.agreements import AgreementStore, ConfirmationPolicy
from custom_speech_tools.runtime.change_control import Audit
from custom_speech_tools.runtime.client_time_limits import ClientTimeLimits
from custom_speech_tools.runtime.context import CALL_SECONDS, DEFAULT_MAX_WAIT, AppContext
from custom_speech_tools.runtime.idempotency import IdempotentExecutor, RequestLock
from custom_speech_tools.runtime.registry import TOOLSETS, registered_tools, tool_names
from custom_speech_tools.runtime.tool import error_answer
from custom_speech_tools.speech import Attempt, RequestPipeline, Speech
from custom_speech_tools.speech.sanitize import quote

NAME = "custom-speech"
# The address of the published project, as in pyproject.toml, server.json and the bundle's manifest.
WEBSITE = "https://github.com/custom-speech-mcp/custom-speech-mcp"
ICON = "https://raw.githubusercontent.com/custom-speech-mcp/custom-speech-mcp/main/docs/icon.svg"

Request = ServerRequestContext[AppContext, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's settings."""

    resources: Resources
    state_key: bytes = field(repr=False)  # signs confirm tokens and questions; shared by all replicas
    confirm: Literal["ask", "never"] = "ask"
    read_only: bool = False
    toolsets: tuple[str, ...] = TOOLSETS
    emulator: Callable[[], Callable[..., Any]] = in_process_emulator  # serves in-process resources
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    audit: Audit = field(default_factory=Audit)
    lock: RequestLock | None = None  # held during a request, so that no other process sends an identical request
    observe: Callable[[Attempt], None] = lambda attempt: None
    middleware: Sequence[ServerMiddleware[Any]] = ()
    max_wait: int = DEFAULT_MAX_WAIT  # the longest wait of a call, in seconds
    client_time_limits_file: Path | None = None  # stores the time-outs of this machine's clients
    discover: Callable[[], Awaitable[str | None]] | None = None  # describes the user's resources without configuration
    data_dirs: tuple[Path, ...] = ()  # folders from which local files may be read
    allows_local_files: bool = True  # true if the server runs on its user's machine
    configuration_error: str | None = None  # the error that every tool returns if the configuration is invalid
    agreement_store: AgreementStore = field(default_factory=dict[str, str])  # agreements to rollouts, for later calls
    caller: str | None = None  # the caller in the audit log of a server without authentication


def build(settings: Settings) -> Server[AppContext]:
    """Return the MCP server, which connects to Azure only when a call needs it."""
    registered = registered_tools(read_only=settings.read_only, toolsets=settings.toolsets)
    tools = {tool.name: tool for tool in registered}

    async def list_tools(*arguments: Any) -> types.ListToolsResult:  # the arguments name a page; the list has one page
        return types.ListToolsResult(tools=[with_view(tool.definition) for tool in tools.values()])

    async def call_tool(
        request: Request, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if tool := tools.get(params.name):
            return with_view_content(request, params.name, await tool.run(request, params))
        unknown = f"This server has no tool {quote(params.name, 64)}."
        return error_answer(f"{unknown} Nothing was done; tools/list names its tools.")

    prompts, mcp_resources = Prompts(frozenset(tools)), MCPResources(frozenset(tools))
    server = Server[AppContext](
        NAME,
        title="Azure custom speech",
        version=__version__,
        description="Manage Azure custom speech models.",
        website_url=WEBSITE,
        icons=[types.Icon(src=ICON, mime_type="image/svg+xml", sizes=["any"])],
        instructions=instructions(
            tools,
            () if settings.configuration_error else settings.resources.names,
            read_only=settings.read_only,
            emulated=not settings.configuration_error and all(one.emulated for one in settings.resources.all),
        ),
        lifespan=lambda server: app_context(settings, frozenset(tools)),  # the SDK's signature
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="public")},
        # Without this, the SDK builds the whole list for each call over HTTP, 0.5 ms.
        get_tool_input_schema=lambda name: tools[name].definition.input_schema if name in tools else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=mcp_resources.list,
        on_list_resource_templates=mcp_resources.list_templates,
        on_read_resource=mcp_resources.read,
        on_list_prompts=prompts.list if prompts.offered else None,
        on_get_prompt=prompts.get if prompts.offered else None,
        on_completion=prompts.complete if prompts.offered else None,
    )
    server.extensions[APPS_EXTENSION] = {}
    questions = RequestStateBoundary(RequestStateSecurity(keys=[settings.state_key]), default_audience=NAME)
    server.middleware.extend([questions, *settings.middleware])
    return server


@asynccontextmanager
async def app_context(settings: Settings, offered: frozenset[str]) -> AsyncIterator[AppContext]:
    """Provide the AppContext of all calls, and close the connections on exit."""
    app = settings.emulator if settings.resources.in_process else None
    permitted = (replace(one, read_only=one.read_only or settings.read_only) for one in settings.resources.all)
    resources = {one.name: Speech(RequestPipeline(one, app, settings.now)) for one in permitted}
    try:
        yield AppContext(
            resources=resources,
            default=settings.resources.default,
            confirmation=ConfirmationPolicy(settings.confirm, settings.state_key, settings.agreement_store),
            idempotency=IdempotentExecutor(settings.audit.unresolved(), settings.lock),
            audit=settings.audit,
            observe=settings.observe,
            now=settings.now,
            max_wait=settings.max_wait,
            call_seconds=max(CALL_SECONDS, settings.max_wait + 3.0),
            client_time_limits=ClientTimeLimits(settings.client_time_limits_file),
            discover=settings.discover,
            missing_tools=frozenset(tool_names()) - offered,
            data_dirs=settings.data_dirs,
            allows_local_files=settings.allows_local_files,
            configuration_error=settings.configuration_error,
            caller=settings.caller,
            is_read_only=settings.read_only,
        )
    finally:
        for speech in resources.values():
            await speech.close()
