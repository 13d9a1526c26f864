"""The view: a resource for clients with MCP Apps, and a page for everybody else."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from conftest import Connect
from custom_speech_server.commands import report
from custom_speech_server.view import MIME_TYPE, SHOWN, URI, page
from support.tool_client import Caller

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_view_is_bound_to_the_tools_that_it_shows(connect: Connect, mode: str) -> None:
    async with connect(client={"mode": mode}) as call:
        tools = (await call.client.list_tools()).tools
        resources = (await call.client.list_resources()).resources
        content = (await call.client.read_resource(URI)).contents[0]

    assert {tool.name for tool in tools if tool.meta == {"ui": {"resourceUri": URI}}} == SHOWN
    assert [(str(one.uri), one.mime_type) for one in resources] == [(URI, MIME_TYPE)]
    assert content.mime_type == MIME_TYPE


async def test_view_is_the_only_resource(call: Caller) -> None:
    with pytest.raises(MCPError, match="one resource"):
        await call.client.read_resource("ui://custom-speech/other.html")


def test_view_loads_nothing() -> None:
    html = page()

    assert "default-src 'none'" in html
    assert "http:" not in html.replace("http-equiv", "")
    assert "https:" not in html
    assert "innerHTML" not in html


def test_view_text_cannot_end_the_element_that_holds_it() -> None:
    html = page([{"models": [{"display_name": "</script><script>alert(1)</script>"}]}])

    assert html.count("</script>") == 2
    assert "alert(1)" in html


def test_report_writes_a_page_with_every_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", ":memory:")
    file = tmp_path / "report.html"

    status = report.run(argparse.Namespace(html=file, json=True, config=None, emulated=True))

    answers: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [sorted({"items", "models"} & answer.keys()) for answer in answers] == [["items"], ["models"]]
    assert page(answers) == file.read_text(encoding="utf-8")


def test_report_without_a_place_to_write_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.run(argparse.Namespace(html=None, json=False, config=None, emulated=True)) == 2
    assert "--html FILE" in capsys.readouterr().err
