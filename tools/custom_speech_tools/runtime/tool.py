"""How a tool is declared, checked and answered: the SDK's own Tool, strict and compact."""

import json
import logging
import secrets
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ConfigDict, ValidationError

from custom_speech_tools.runtime import json_schemas
from custom_speech_tools.runtime.context import CALL_SECONDS, Call, begin, current
from custom_speech_tools.runtime.dependencies import GIVEN, Given, app_context_of
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Result
from custom_speech_tools.speech import (
    AnswerLostError,
    AzureError,
    NoCredentialError,
    NotAllowedError,
    SpeechError,
    UnreachableError,
    UnreadableAnswerError,
)
from custom_speech_tools.speech.sanitize import plain

_log = logging.getLogger(__name__)


MOST_FAULTS = 20
"""Wrong arguments that are named in one answer."""


def reads(function: Callable[..., Any], title: str) -> Tool:
    """Declare a tool that changes nothing."""
    return _declare(function, title, ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True))


def writes(function: Callable[..., Any], title: str, *, idempotent: bool) -> Tool:
    """Declare a tool that adds or changes something and destroys nothing."""
    hints = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=idempotent)
    return _declare(function, title, hints)


class StrictMetadata(FuncMetadata):
    """Takes arrays that a client sent as JSON text and leaves other texts as they are; adds what the server gives."""

    arrays: frozenset[str]
    """The names of the parameters that are arrays."""

    given: dict[str, Given]
    """The parameters that hold the server's connections, or of them the one that the call names."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Read the text of an array parameter as JSON; texts such as `123` or `{}` stay texts."""
        texts = [name for name in self.arrays if isinstance(data.get(name), str)]
        return data | {name: _array(data[name]) for name in texts}

    async def call_fn(
        self,
        fn: Callable[..., Any],
        fn_is_async: bool,
        arguments: dict[str, Any],
        arguments_to_pass_directly: dict[str, Any] | None = None,
    ) -> Any:
        """Call the tool's function; raises Refused for a resource that is not there."""
        connections = app_context_of(current().context)
        given = {name: give(connections, arguments) for name, give in self.given.items()}
        return await super().call_fn(fn, fn_is_async, arguments, given | (arguments_to_pass_directly or {}))


class SpeechTool(Tool):
    """A tool whose answer is one compact object in both channels, and whose error is one text."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Run the tool, no longer than a call may take; raises ToolError with a text that ends with the next step."""
        with anyio.move_on_after(CALL_SECONDS) as limit:
            call = Call(self.name, arguments, context, limit)
            begin(call)
            try:
                result = await super().run(arguments, context)
            except ToolError as error:
                raise ToolError(self._explain(error)) from error.__cause__
            return answer(result) if isinstance(result, Result) else result
        raise ToolError(_too_late(call))

    def _explain(self, error: ToolError) -> str:
        match error.__cause__:
            case ValidationError() as cause:
                return invalid_arguments(self.name, list(self.parameters["properties"]), cause)
            case Refused() as cause:
                return str(cause)
            case SpeechError() as cause:
                return f"{self.name}: {cause} {next_step(cause)}"
            case ToolError():
                return f"{self.name}: the client's answer to the question does not fit it. {NOTHING}"
        reference = secrets.token_hex(4)
        _log.error("%s failed unforeseen, reference %s", self.name, reference, exc_info=error.__cause__)
        return (
            f"{self.name} failed for a reason of its own (reference {reference}); its log says why. Do not repeat it."
        )


def answer(result: Result) -> CallToolResult:
    """The same object as text and as structure: some clients show a model only the one, some only the other."""
    content = result.model_dump(mode="json")
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def invalid_arguments(tool: str, parameters: list[str], error: ValidationError) -> str:
    """Every argument that is wrong, and what the tool takes."""
    faults = error.errors()
    lines = [f"- {plain('.'.join(map(str, fault['loc'])), 80)}: {_fault(fault)}" for fault in faults[:MOST_FAULTS]]
    takes = f"It takes {', '.join(parameters) or 'no arguments'}. Correct all of this, then call again."
    return "\n".join([f"{tool} was not run: invalid arguments.", *lines, takes])


def _too_late(call: Call) -> str:
    may_be = f"{call.sent} may have been carried out; the same call looks first for what is already there."
    return f"{call.tool} did not end in {call.elapsed():.0f} s. {may_be if call.sent else NOTHING}"


NOTHING = "Nothing was changed; the same call can be repeated."


def next_step(error: SpeechError) -> str:
    """What a caller does after a service error."""
    match error:
        case AzureError(status=401):
            return "Check the key and region of the resource with `custom-speech-mcp doctor`."
        case AzureError(status=403):
            return "The identity lacks a role for custom speech on this resource; ask its owner."
        case AzureError(status=429 | 500 | 502 | 503 | 504, retry_after=wait):
            return f"The same call can be repeated in {wait or 10:.0f} s."
        case AzureError():
            return "The same call will fail again; correct what it names first."
        case UnreachableError():
            return "Check endpoint and network with `custom-speech-mcp doctor`; the same call can be repeated."
        case NoCredentialError() | NotAllowedError():
            return "Nothing was sent; the same call can be repeated once that is mended."
        case AnswerLostError() | UnreadableAnswerError():
            return "The same call can be repeated; nothing is made twice."
    return "Repeat the call once; if it stays, run `custom-speech-mcp doctor`."


def _fault(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown argument"
    return str(fault["msg"]).removeprefix("Value error, ")


def _array(text: str) -> Any:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, list) else text


def _declare(function: Callable[..., Any], title: str, hints: ToolAnnotations) -> Tool:
    hints.open_world_hint = True
    description = " ".join((function.__doc__ or "").split())
    # Not structured for the SDK: it would build, and check each answer by, a schema of its own.
    tool = SpeechTool.from_function(
        function, title=title, description=description, annotations=hints, structured_output=False
    )
    tool.parameters = json_schemas.of_arguments(tool.parameters)
    given = {name: GIVEN[by.fn] for name, (by, _) in tool.resolved_params.items() if by.fn in GIVEN}
    tool.resolved_params = {name: how for name, how in tool.resolved_params.items() if name not in given}
    tool.fn_metadata = StrictMetadata(
        arg_model=_strict(tool.fn_metadata.arg_model),
        output_schema=json_schemas.of_result(function.__annotations__["return"]),
        arrays=frozenset(name for name, part in tool.parameters["properties"].items() if part["type"] == "array"),
        given=given,
    )
    return tool


def _strict(arguments: type[ArgModelBase]) -> type[ArgModelBase]:
    """The same arguments, refusing those that the tool does not know and echoing no value."""
    config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)
    return type(arguments.__name__, (arguments,), {"model_config": config, "__module__": __name__})
