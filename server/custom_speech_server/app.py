"""The server: the catalogue of tools over the configured resources."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from mcp.server.caching import CacheHint
from mcp.server.context import ServerMiddleware
from mcp.server.mcpserver import MCPServer, RequestStateSecurity

from custom_speech_server import __version__, emulated_resources
from custom_speech_server.config import Resources
from custom_speech_server.request_state import Questions
from custom_speech_server.unknown_tool import Known
from custom_speech_tools.runtime.auditing import Audit, CallAuditor, NoAudit
from custom_speech_tools.runtime.confirmation import Spending
from custom_speech_tools.runtime.dependencies import AppContext
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.runtime.registry import catalogue
from custom_speech_tools.speech import Attempt, Speech, SpeechResource

if TYPE_CHECKING:
    from custom_speech_server.distributed_lock import Turns

INSTRUCTIONS = """\
Manage Azure custom speech models: list_base_models and list_datasets to choose, plan_model to check, create_model to \
train, get_model to wait, copy_model and get_copy for other regions, connect_model to show a model in a project. \
All parts of a model have one locale. Ids belong to one resource; list_resources names the resources. Every answer \
has next_steps with real values. An answer Running is no error: call get_model again with wait_seconds=45. \
Never repeat a refused call unchanged, and never pass confirm without your user's yes."""

EMULATED = """
These resources are EMULATED on this machine: nothing reaches Azure and nothing is charged. To work on real ones, \
configure them (README, "Real resources")."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person who starts the server decides.

    `state_key` is shared by replicas; `emulator` gives the ASGI application that answers for resources in this process.
    """

    resources: Resources
    state_key: bytes = field(repr=False)
    confirm: Literal["ask", "never"] = "ask"
    read_only: bool = False
    emulator: Callable[[], Callable[..., Any]] = emulated_resources.emulator
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pace: float = 1.0
    audit: Audit = field(default_factory=NoAudit)
    turns: "Turns | None" = None
    observe: Callable[[Attempt], None] = lambda attempt: None
    middleware: Sequence[ServerMiddleware[Any]] = ()


def build(settings: Settings) -> MCPServer[AppContext]:
    """The MCP server; it opens no connection before the first call that needs one."""
    emulated = all(resource.emulated for resource in settings.resources.all)
    server = MCPServer(
        "custom-speech",
        title="Azure custom speech",
        version=__version__,
        instructions=INSTRUCTIONS + (EMULATED if emulated else ""),
        tools=catalogue(read_only=settings.read_only),
        lifespan=lambda server: _connections(settings),
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="public")},
        request_state_security=RequestStateSecurity(codec=Questions([settings.state_key])),
        log_level="WARNING",
        middleware=settings.middleware,
    )
    server.middleware.append(Known(server))
    return server


def _allowed(resource: SpeechResource, settings: Settings) -> SpeechResource:
    """What the server may not change, none of its resources may be."""
    return replace(resource, read_only=True) if settings.read_only else resource


def _once(settings: Settings) -> IdempotentExecutor:
    in_doubt = settings.audit.in_doubt()
    if settings.turns is None:
        return IdempotentExecutor(in_doubt, settings.pace)
    from custom_speech_server.distributed_lock import DistributedExecutor

    return DistributedExecutor(settings.turns, in_doubt, settings.pace)


@asynccontextmanager
async def _connections(settings: Settings) -> AsyncIterator[AppContext]:
    app = settings.emulator if settings.resources.in_process else None
    watching = CallAuditor(settings.audit, settings.observe)
    speech = {resource.name: Speech(_allowed(resource, settings), app, watching) for resource in settings.resources.all}
    try:
        yield AppContext(
            speech=speech,
            default=settings.resources.default,
            spending=Spending(settings.confirm, settings.state_key),
            once=_once(settings),
            now=settings.now,
            pace=settings.pace,
        )
    finally:
        for opened in speech.values():
            await opened.close()
