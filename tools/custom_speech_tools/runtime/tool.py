"""Declaration and execution of tools: the SDK's own Tool, with one object in both channels of the answer."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, Literal

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import Field, ValidationError

from custom_speech_tools.runtime import error_texts
from custom_speech_tools.runtime.auditing import CallAuditor
from custom_speech_tools.runtime.confirmation import InputRequired
from custom_speech_tools.runtime.context import CallContext, call_seconds
from custom_speech_tools.runtime.dependencies import AppContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.json_schemas import arguments_schema, result_schema
from custom_speech_tools.runtime.next_steps import offered_findings, only_offered
from custom_speech_tools.runtime.parameters import Arguments
from custom_speech_tools.runtime.results import Answer
from custom_speech_tools.speech import SpeechError

Toolset = Literal["models", "data", "quality", "deployment", "lifecycle"]

_log = logging.getLogger(__name__)


class Effect(Enum):
    """The effect of a tool, as its annotations say: read-only, destructive, idempotent, open world."""

    READ = (True, False, True, True)
    READ_LOCAL = (True, False, True, False)
    CREATE = (False, False, False, True)
    UPDATE = (False, False, True, True)
    DELETE = (False, True, True, True)


class SpeechTool(Tool):
    """A tool of this server; `fn` takes its arguments and the call."""

    arguments: type[Arguments] = Field(exclude=True)
    toolset: Toolset = Field(exclude=True)
    effect: Effect = Field(exclude=True)

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: ARG002  # the SDK's signature
    ) -> CallToolResult | InputRequiredResult:
        """Run the tool, no longer than a call may take, and return its answer or the text of its error."""
        app = context.request_context.lifespan_context
        assert isinstance(app, AppContext)  # noqa: S101  # the server's lifespan provides nothing else
        if app.configuration_error:
            return error_answer(app.configuration_error)
        seconds = call_seconds(app.max_wait)
        with anyio.move_on_after(seconds) as scope:
            auditor = CallAuditor(app.audit, app.observe, caller_of(context))
            started = anyio.current_time()
            call = CallContext(self.name, arguments, app, context, scope, started, auditor)
            return await self._answer(call)
        return error_answer(error_texts.timed_out(self.name, call.elapsed(), auditor.last_change))

    async def _answer(self, call: CallContext) -> CallToolResult | InputRequiredResult:
        try:
            arguments, notes = self.arguments.read(call.arguments, call.app.max_wait)
            return success_answer(await self.fn(arguments, call), notes, call.app.missing_tools)
        except InputRequired as question:
            return question.result
        except ValidationError as error:
            return error_answer(error_texts.invalid_arguments(self.name, list(self.parameters["properties"]), error))
        except Refused as refusal:
            return error_answer(str(_offered(refusal, call.app.missing_tools)))
        except SpeechError as error:
            return error_answer(f"{self.name}: {error} {error_texts.next_step_after(error)}")
        except Exception:
            reference = secrets.token_hex(4)
            _log.exception("%s failed unexpectedly, reference %s", self.name, reference)
            return error_answer(error_texts.internal_error(self.name, reference))


def declare(
    function: Callable[[Any, CallContext], Awaitable[Answer]], title: str, effect: Effect, toolset: Toolset
) -> SpeechTool:
    """Declare a tool: its name, description, arguments and result are those of the function."""
    types = function.__annotations__
    read_only, destructive, idempotent, open_world = effect.value
    name = function.__name__
    return SpeechTool(
        fn=function,
        name=name,
        title=title,
        description=" ".join((function.__doc__ or "").split()),
        parameters=arguments_schema(types["arguments"]),
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema=result_schema(types["return"])),
        is_async=True,
        annotations=ToolAnnotations(
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=idempotent,
            open_world_hint=open_world,
        ),
        arguments=types["arguments"],
        toolset=toolset,
        effect=effect,
    )


def success_answer(answer: Answer, notes: list[str], missing_tools: frozenset[str]) -> CallToolResult:
    """Return the same object as text and as structure: some clients show the assistant only one of them."""
    note = " ".join([*notes, *([answer.note] if answer.note else [])]) or None
    update: dict[str, Any] = {"next_steps": only_offered(answer.next_steps, missing_tools), "note": note}
    if findings := getattr(answer, "findings", None):
        update["findings"] = offered_findings(findings, missing_tools)
    content = answer.model_copy(update=update).model_dump(mode="json")
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def error_answer(text: str) -> CallToolResult:
    """Return an error; many clients show the assistant only its text."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def caller_of(context: Context[Any, Any]) -> str | None:
    """Return the authenticated caller, None where the server does not authenticate."""
    request: Any = context.request_context.request
    user = request.scope.get("user") if request else None
    return getattr(user, "username", None)


def _offered(refusal: Refused, missing_tools: frozenset[str]) -> Refused:
    findings = offered_findings(refusal.findings, missing_tools)
    return Refused(refusal.not_done, findings, only_offered([refusal.next_step], missing_tools)[0])
