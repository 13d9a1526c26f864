"""What an operator asked to see of the server."""

from dataclasses import replace

from custom_speech_server.app import Settings
from custom_speech_server.config import ConfigurationError


def observed(settings: Settings, *, json_logs: bool, telemetry: bool) -> Settings:
    """The settings of a server that shows it; raises ConfigurationError where the extra `otel` is missing."""
    if json_logs:
        from custom_speech_server.observability import logs

        logs.to_stderr()
        settings = replace(settings, middleware=(*settings.middleware, logs.logged))
    if telemetry:
        settings = _with_telemetry(settings)
    return settings


def _with_telemetry(settings: Settings) -> Settings:
    from custom_speech_server.observability.telemetry import start

    try:
        started = start()
    except ImportError:
        raise ConfigurationError("--telemetry needs: pip install 'custom-speech-mcp[otel]'.") from None
    return replace(settings, observe=started.attempted, middleware=(*settings.middleware, started.called))
