"""Logs, traces and metrics, as the operator asks for them."""

from collections.abc import Mapping
from dataclasses import replace

from mcp.server.context import HandlerResult
from mcp.types import CallToolResult

from custom_speech_server.app import Settings
from custom_speech_server.errors import ConfigurationError


def with_observability(settings: Settings, *, json_logs: bool, telemetry: bool) -> Settings:
    """Return the settings of a server that logs and measures its calls.

    Raises:
        ConfigurationError: Telemetry needs the extra `otel`.
    """
    if json_logs:
        from custom_speech_server.observability.logs import log_calls, log_json_to_stderr

        log_json_to_stderr()
        settings = replace(settings, middleware=(*settings.middleware, log_calls))
    if not telemetry:
        return settings
    from custom_speech_server.observability.telemetry import start

    try:
        started = start()
    except ImportError:
        raise ConfigurationError("--telemetry needs: pip install 'custom-speech-mcp[otel]'.") from None
    return replace(settings, observe=started.attempted, middleware=(*settings.middleware, started.measure_calls))


def is_error(result: HandlerResult) -> bool:
    """Return whether a tool answered with an error."""
    if isinstance(result, Mapping):
        return bool(result.get("isError"))
    return isinstance(result, CallToolResult) and result.is_error
