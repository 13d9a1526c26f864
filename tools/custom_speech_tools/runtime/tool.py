"""Declaration and execution of tools."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.types import CallToolRequestParams, CallToolResult, InputRequiredResult, TextContent, Tool, ToolAnnotations
from pydantic import ValidationError

from custom_speech_tools.runtime.calling_client import WRITE_SCOPE, InputRequired, MCPClient
from custom_speech_tools.runtime.change_control import CallAuditor
from custom_speech_tools.runtime.client_time_limits import identify_client
from custom_speech_tools.runtime.context import AppContext, CallContext
from custom_speech_tools.runtime.errors import Refused, invalid_arguments, next_step_after
from custom_speech_tools.runtime.json_schemas import arguments_schema, result_schema
from custom_speech_tools.runtime.next_steps import fit_findings, fit_steps
from custom_speech_tools.runtime.parameters import Arguments
from custom_speech_tools.runtime.results import Listing, ToolAnswer
from custom_speech_tools.speech import SpeechError

TRANSIENT = "custom-speech-mcp/transient"  # in `_meta` of an error after which the same call may succeed later
LONG_LIST = 20  # rows of a longer list are shown without null fields

_log = logging.getLogger(__name__)


class Annotations(Enum):
    """The MCP annotations of a tool: read-only, destructive, idempotent, open world."""

    READ = (True, False, True, True)
    READ_LOCAL = (True, False, True, False)
    CREATE = (False, False, False, True)
    UPDATE = (False, False, True, True)
    DELETE = (False, True, True, True)


@dataclass(frozen=True, slots=True)
class SpeechTool:
    """A tool of this server."""

    name: str
    definition: Tool  # as tools/list shows it
    function: Callable[[Any, CallContext], Awaitable[ToolAnswer]]
    arguments: type[Arguments]
    toolset: str
    annotations: Annotations

    @property
    def is_read_only(self) -> bool:
        """True if the tool changes nothing."""
        return self.annotations.value[0]

    async def run(
        self, request: ServerRequestContext[AppContext, Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """Run the tool within the time limit of a call, and return its result or the text of its error."""
        app = request.lifespan_context
        if app.configuration_error:
            return error_answer(app.configuration_error)
        with anyio.move_on_after(app.call_seconds) as scope:
            given, user = params.arguments or {}, request.request.scope.get("user") if request.request else None
            caller, scopes = getattr(user, "username", None) or app.caller, getattr(user, "scopes", None)
            auditor = CallAuditor(app.audit, app.observe, self.name, given, caller)
            connection = MCPClient(request, params, caller, may_write=scopes is None or WRITE_SCOPE in scopes)
            call = CallContext(app, connection, scope, anyio.current_time(), auditor)
            client, session = identify_client(request)
            longest, suggested = app.client_time_limits.waits(client, session, app.max_wait)
            try:
                return await self._answer(call, given, longest, suggested)
            except anyio.get_cancelled_exc_class():
                if given.get("wait_seconds") and not scope.cancel_called:  # the client has given up
                    app.client_time_limits.record_timeout(client, session, call.elapsed())
                raise
        sent = f"{auditor.last_change} may have been carried out; the same call first searches for the created entity."
        outcome = sent if auditor.last_change else "Nothing was changed; the same call can be repeated."
        return error_answer(f"{self.name} did not finish within {call.elapsed():.0f} s. {outcome}", is_transient=True)

    async def _answer(
        self, call: CallContext, given: Mapping[str, Any], max_wait: int, suggested_wait: int
    ) -> CallToolResult | InputRequiredResult:
        missing = call.app.missing_tools
        try:
            arguments, notes = self.arguments.read(given, max_wait)
            return success_answer(await self.function(arguments, call), notes, call.app, suggested_wait)
        except InputRequired as question:
            return question.result
        except ValidationError as error:
            return error_answer(invalid_arguments(self.name, self.definition.input_schema["properties"], error))
        except Refused as refusal:
            findings = fit_findings(refusal.findings, missing, suggested_wait)
            fitted = Refused(refusal.not_done, findings, *fit_steps([refusal.next_step], missing, suggested_wait))
            return error_answer(str(fitted), is_transient=refusal.is_transient)
        except SpeechError as error:
            return error_answer(f"{self.name}: {error} {next_step_after(error)}", is_transient=error.is_transient)
        except Exception:
            reference = secrets.token_hex(4)
            _log.exception("%s failed unexpectedly, reference %s", self.name, reference)
            what = f"{self.name} failed with an internal error (reference {reference})"
            cause = "The server's log has the cause under this reference"
            return error_answer(f"{what}. {cause}. Do not repeat the call; report it to the operator of the server.")


def declare(
    function: Callable[[Any, CallContext], Awaitable[ToolAnswer]], title: str, annotations: Annotations, toolset: str
) -> SpeechTool:
    """Declare a tool with the name, docstring, arguments and result type of its function."""
    types, name = function.__annotations__, function.__name__
    read_only, destructive, idempotent, open_world = annotations.value
    hints = ToolAnnotations(
        read_only_hint=read_only, destructive_hint=destructive, idempotent_hint=idempotent, open_world_hint=open_world
    )
    definition = Tool(
        name=name,
        title=title,
        description=" ".join((function.__doc__ or "").split()),
        input_schema=arguments_schema(types["arguments"]),
        output_schema=result_schema(types["return"]),
        annotations=hints,
    )
    return SpeechTool(name, definition, function, types["arguments"], toolset, annotations)


def success_answer(answer: ToolAnswer, notes: list[str], app: AppContext, suggested_wait: int) -> CallToolResult:
    """Return a tool result with the same content as structure and as text: some clients show only one of them."""
    note = " ".join([*notes, *([answer.note] if answer.note else [])]) or None
    unread = ", ".join(one.resource for one in getattr(answer, "unread", ()))
    refused = {"copy_model"} if len(app.resources) == 1 else set[str]()  # a copy needs another resource
    steps = fit_steps(answer.next_steps, app.missing_tools | refused, suggested_wait)
    if unread:
        steps = [f"Not everything was read: entities of {unread} may be missing. Call again later.", *steps]
    update: dict[str, Any] = {"next_steps": steps, "note": note}
    if findings := getattr(answer, "findings", None):
        update["findings"] = fit_findings(findings, app.missing_tools, suggested_wait)
    if targets := getattr(answer, "targets", None):  # of a rollout, whose errors name calls
        errors = [fit_steps([one.error or ""], (), suggested_wait)[0] or None for one in targets]
        update["targets"] = [
            one.model_copy(update={"error": error}) for one, error in zip(targets, errors, strict=True)
        ]
    content = answer.model_copy(update=update).model_dump(mode="json", by_alias=True)
    if isinstance(answer, Listing):
        for name, rows in content.items():
            if isinstance(rows, list) and len(rows) > LONG_LIST and isinstance(rows[0], dict):
                content[name] = [{key: value for key, value in row.items() if value is not None} for row in rows]
    if unread:  # at the beginning, because the rest is incomplete
        content = {"unread": content["unread"]} | content
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def error_answer(text: str, *, is_transient: bool = False) -> CallToolResult:
    """Return a tool error, whose `_meta` tells programs whether the same call may succeed later."""
    meta = {TRANSIENT: True} if is_transient else None
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True, meta=meta)
