"""Tools, prompts and resources that answer at once, as the conformance suite prescribes them."""

import base64
import json
import struct
import zlib
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    AudioContent,
    CallToolResult,
    Completion,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import Field


def _png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def _wav() -> bytes:
    """Silence of one sample."""
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 1) + b"\x80"
    return b"RIFF" + struct.pack("<I", len(body)) + body


PNG, WAV = (base64.b64encode(data).decode() for data in (_png(), _wav()))
IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")


def text(words: str) -> TextContent:
    """A block of text."""
    return TextContent(type="text", text=words)


def embedded(uri: str, kind: str, words: str) -> EmbeddedResource:
    """A resource inside an answer."""
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=kind, text=words))


def answer(*blocks: ContentBlock) -> CallToolResult:
    """An answer of those blocks."""
    return CallToolResult(content=list(blocks))


SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def add_to(server: MCPServer[Any]) -> None:
    """Register them beside the product's own."""
    _add_tools(server)
    _add_prompts(server)
    _add_resources(server)


def _add_tools(server: MCPServer[Any]) -> None:
    @server.tool(description="Answers with text.")
    async def test_simple_text() -> CallToolResult:
        return answer(text("This is a simple text response for testing."))

    @server.tool(description="Answers with an image.")
    async def test_image_content() -> CallToolResult:
        return answer(IMAGE)

    @server.tool(description="Answers with a sound.")
    async def test_audio_content() -> CallToolResult:
        return answer(AudioContent(type="audio", data=WAV, mime_type="audio/wav"))

    @server.tool(description="Answers with a resource.")
    async def test_embedded_resource() -> CallToolResult:
        return answer(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))

    @server.tool(description="Answers with several kinds of content.")
    async def test_multiple_content_types() -> CallToolResult:
        mixed = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        return answer(text("Multiple content types test:"), IMAGE, mixed)

    @server.tool(description="Always fails.")
    async def test_error_handling() -> CallToolResult:
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool(description="Has an input schema with the vocabulary of JSON Schema 2020-12.")
    async def json_schema_2020_12_tool() -> CallToolResult:
        return answer(text("ok"))

    server._tool_manager._tools["json_schema_2020_12_tool"].parameters = SCHEMA_2020_12

    @server.tool(description="Mirrors its argument in a header.")
    async def test_custom_header(
        region: Annotated[str, Field(description="Where.", json_schema_extra={"x-mcp-header": "Region"})] = "none",
    ) -> CallToolResult:
        return answer(text(region))


def _add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt(description="Without arguments.")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="With two arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="With a resource inside.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803  # the suite's name
        inside = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(inside), UserMessage("Please process the embedded resource above.")]

    @server.prompt(description="With an image inside.")
    def test_prompt_with_image() -> list[UserMessage]:
        return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Completion:
        return Completion(values=[argument.value + "is", argument.value + "k"], total=2, has_more=False)


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", mime_type="text/plain", description="Text.")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png", description="An image.")
    def static_binary() -> bytes:
        return base64.b64decode(PNG)

    @server.resource("test://template/{id}/data", mime_type="application/json", description="By id.")
    def by_id(id: str) -> str:  # noqa: A002  # the suite's name
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.resource("test://watched-resource", mime_type="text/plain", description="To be watched.")
    def watched() -> str:
        return "Watched."
