"""Arguments for any registered tool, made from its schema: what tests of every tool call it with."""

from typing import Any

from custom_speech_tools.runtime.tool import SpeechTool

ID = "827712a5-f942-4997-91c3-7c6cde35600b"

VALUES: dict[str, Any] = {
    "base_model": "20230614",
    "compare_with": "20230614",
    "dataset": "Contoso audio with transcripts en-US",
    "datasets": ["Contoso plain text en-US"],
    "display_name": "Calls",
    "endpoint": ID,
    "entity": "Contoso finished model en-US",
    "evaluation": ID,
    "kind": "model",
    "locale": "en-US",
    "model": "Contoso finished model en-US",
    "operation": ID,
    "path": "calls.txt",
    "project": "Contoso en-US",
    "targets": [{"resource": "emulator-westeurope"}],
    "to_resource": "emulator-westeurope",
    "transcription": ID,
}
"""A sensible value for each parameter that a tool may require, by the parameter's name."""

ALTERNATIVES: dict[str, dict[str, Any]] = {
    "check_data": {"path": "calls.txt"},
    "deploy_model": {"display_name": "Calls"},
    "transcribe": {"dataset": "Contoso audio with transcripts en-US"},
    "upload_dataset": {"kind": "Language", "content_url": "https://contoso.blob.core.windows.net/data/calls.txt"},
    "update_model": {"description": "Calls of the clinic"},
}
"""Arguments of tools that need one of several optional ones."""


def example_arguments(tool: SpeechTool, **given: Any) -> dict[str, Any]:
    """Return a value for every required parameter of a tool.

    Raises:
        KeyError: A new required parameter has no value above yet.
    """
    required = {name: VALUES[name] for name in tool.definition.input_schema.get("required", [])}
    return required | ALTERNATIVES.get(tool.name, {}) | given
