"""Notices of the program itself on stderr: a line of text, or of JSON where the logs are JSON."""

import sys


def notice(text: str, log: str) -> None:
    """Write a line at once.

    Args:
        log: `text` or `json`.
    """
    if log == "json":
        import logging

        from custom_speech_server.observability.logs import JSONFormatter

        line = JSONFormatter().format(logging.LogRecord("custom-speech-mcp", logging.INFO, "", 0, text, None, None))
    else:
        line = f"custom-speech-mcp: {text}"
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def make_output_encodable() -> None:
    """Replace characters that the console cannot show, such as those of cp1252 on Windows, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
