"""What the program itself says on stderr: a line of text, or of JSON where the logs are JSON."""

import sys


def notice(text: str, log: str) -> None:
    """Say it at once; `log` is text or json."""
    line = _json(text) if log == "json" else f"custom-speech-mcp: {text}"
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _json(text: str) -> str:
    import logging

    from custom_speech_server.observability.logs import JsonLines

    return JsonLines().format(logging.LogRecord("custom-speech-mcp", logging.INFO, "", 0, text, None, None))
