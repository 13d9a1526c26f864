"""The Speech resources that a tool can reach, and what the person who started the server allowed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context, Resolve

from custom_speech_tools.runtime.confirmation import Spending
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.runtime.parameters import ResourceName
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech

_OUTCOME = AcceptedElicitation[Any]
"""What the SDK wraps every resolved value in. pydantic forgets a parametrized model that nobody holds, and would build
it anew in every call."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """Every configured resource by name, the policy, and the sources of time.

    `pace` scales the pauses between two looks at something that is running.
    """

    speech: Mapping[str, Speech]
    default: str
    spending: Spending
    once: IdempotentExecutor
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pace: float = 1.0

    def of(self, resource: str | None) -> Speech:
        """The resource of that name; raises Refused with the names there are."""
        name = resource or self.default
        if name in self.speech:
            return self.speech[name]
        known = ", ".join(self.speech)
        missing = Finding(
            rule="reference-found",
            level="block",
            message=f"No Speech resource is called {name[:80]!r}.",
            fix=f"Use one of: {known}.",
        )
        raise Refused("Nothing was done.", [missing], "Call again with the name of a configured resource.")


def app_context_of(ctx: Context) -> AppContext:
    """What the server of this call has."""
    connections = ctx.request_context.lifespan_context
    assert isinstance(connections, AppContext)  # noqa: S101  # the server's lifespan gives nothing else
    return connections


async def all_connections(ctx: Context) -> AppContext:
    """Every resource that the server has."""
    return app_context_of(ctx)


WithApp = Annotated[AppContext, Resolve(all_connections)]


async def named_speech(resource: ResourceName, connections: WithApp) -> Speech:
    """The resource that the call names."""
    return connections.of(resource)


Named = Annotated[Speech, Resolve(named_speech)]

Given = Callable[[AppContext, Mapping[str, Any]], Any]

GIVEN: Mapping[Callable[..., Any], Given] = {
    all_connections: lambda connections, arguments: connections,
    named_speech: lambda connections, arguments: connections.of(arguments["resource"]),
}
"""What these give to a tool itself, without the SDK's machinery for questions: it costs 5 % of a call."""
