"""The view: a page for everybody, and its parts for clients with MCP Apps."""

import argparse
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from mcp.client import advertise

from conftest import Connect
from custom_speech_server.commands import report
from custom_speech_server.mcp_resources import (
    APPS_EXTENSION,
    VIEW_CONTENT,
    VIEW_MIME_TYPE,
    VIEW_URI,
    VIEWED_TOOLS,
)
from custom_speech_server.view import fragment, report_page
from custom_speech_server.view.evaluation_charts import rate
from support.report_scene import HOSTILE, report_of

pytestmark = pytest.mark.anyio

PARTS = ["actions", "timeline", "rates", "tests", "models", "endpoints"]


class Outline(HTMLParser):
    """The tags of a page in order, its texts, and the ids of its sections."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sections: list[str] = []
        self.texts: list[str] = []
        self.cells: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "section":
            self.sections.append(str(dict(attrs)["id"]))

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"] and self.tags[-1:] != ["script"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """Everything that is read, in order."""
        return "".join(self.texts)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_view_is_bound_to_the_tools_that_it_shows(connect: Connect, mode: str) -> None:
    async with connect(client={"mode": mode}) as call:
        tools = (await call.client.list_tools()).tools
        resources = (await call.client.list_resources()).resources
        content = (await call.client.read_resource(VIEW_URI)).contents[0]

    assert {tool.name for tool in tools if tool.meta == {"ui": {"resourceUri": VIEW_URI}}} == VIEWED_TOOLS
    assert [one.mime_type for one in resources if str(one.uri) == VIEW_URI] == [VIEW_MIME_TYPE]
    assert content.mime_type == VIEW_MIME_TYPE


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_answer_carries_its_view_only_for_clients_with_mcp_apps(connect: Connect, mode: str) -> None:
    apps = [advertise(APPS_EXTENSION, {"mimeTypes": [VIEW_MIME_TYPE]})]
    async with connect(client={"mode": mode, "extensions": apps}) as call:
        shown = await call.client.call_tool("list_models", {})
        other = await call.client.call_tool("list_datasets", {})
        refused = await call.client.call_tool("list_models", {"resource": "nothing"})
    async with connect(client={"mode": mode}) as call:
        plain = await call.client.call_tool("list_models", {})

    assert shown.structured_content is not None
    assert (shown.meta or {})[VIEW_CONTENT] == fragment("list_models", shown.structured_content)
    assert [VIEW_CONTENT in (one.meta or {}) for one in (other, refused, plain)] == [False, False, False]


def test_page_has_its_parts_in_order() -> None:
    page = Outline(report_page(report_of()))

    assert page.sections == PARTS
    assert page.tags.index("header") < page.tags.index("dl") < page.tags.index("nav") < page.tags.index("section")
    assert page.tags.count("h1") == 1


def test_page_answers_five_questions() -> None:
    """What must I do this month? Which model is live where? Is the new one better? On what data? What is unknown?"""
    text = Outline(report_page(report_of(unread=["tokyo"]))).text

    assert "▲ in 20 days" in text
    assert "clinic-live (berlin) → Clinic 2" in text
    assert "Newest testbetter" in text
    assert "of Base, on Clinic calls" in text
    assert text.index("Not everything was read.") < text.index("Models")
    assert "tokyo: tokyo did not answer" in text
    assert "at least 3" in text


def test_page_without_data_says_so_and_draws_nothing() -> None:
    page = Outline(report_page(report_of(models=0)))

    assert page.sections == PARTS
    assert {"svg", "table"}.isdisjoint(page.tags)
    assert "Nothing ends within 90 days." in page.text
    assert "There are no endpoints." in page.text
    assert "Newest testnoneno test has finished" in page.text
    assert page.text.count("No test has finished.") == 2


def test_page_calls_no_model_live_whose_endpoint_failed() -> None:
    scene = report_of()
    scene["endpoints"]["endpoints"][0]["status"] = "Failed"
    page = Outline(report_page(scene))

    assert "live" not in page.texts
    assert "Endpoints live0none" in page.text


def test_page_says_which_tests_were_not_read() -> None:
    scene = report_of()
    without = Outline(report_page(scene | {"tests": []})).text
    scene["evaluations"] = scene["evaluations"] | {"truncated": "1000 of 1200 are shown.", "evaluations": []}
    cut = Outline(report_page(scene | {"tests": []})).text

    assert "Newest testnot knownno test was read" in without
    assert "The details of 3 tests were not read" in without
    assert "Newest testnot knownno test was read" in cut
    assert "Only 1000 of 1200 are shown." in cut
    assert cut.count("No finished test was read.") == 2


def test_page_never_takes_what_was_not_read_for_nothing() -> None:
    text = Outline(report_page(report_of(models=0, unread=["train", "berlin", "tokyo"]))).text

    assert "Modelsnot known" in text
    assert "Endpoints livenot known" in text
    assert "Next expirationnot known" in text
    assert not any(wrong in text for wrong in ("Nothing ends", "There are no", "Not readnothing"))


def test_page_shows_three_hundred_models_and_says_what_is_folded() -> None:
    page = Outline(report_page(report_of(models=300)))

    assert all(page.text.count(f"Clinic {number}") for number in range(300))
    assert "270 more" in page.text
    assert "300, newest first" in page.text


def test_page_shows_a_difference_of_rates_in_percentage_points() -> None:
    """A percentage of a percentage would be read as the relative difference."""
    text = Outline(report_page(report_of())).text

    assert re.search(r"95 % interval: [+-]\d+\.\d\d to [+-]\d+\.\d\d percentage points", text)


def test_page_marks_void_tests_live_models_and_edits() -> None:
    page = Outline(report_page(report_of()))

    assert "void: trained with it" in page.text
    assert "live" in page.texts
    assert {"del", "ins", "mark"} <= set(page.tags)


def test_page_counts_one_error_in_the_singular() -> None:
    text = Outline(report_page(report_of())).text

    assert "Clinic.wav 3 errors" in text
    assert re.search(r"2\.wav 1 error(?!s)", text)
    assert "4 of 9, added 1 time" in text
    assert "1 times" not in text


def test_view_of_fewer_days_does_not_say_that_nothing_ends_within_more() -> None:
    assert "90 days" not in fragment("check_expirations", report_of(models=0)["answers"]["check_expirations"])


def test_page_marks_the_original_of_a_copy_that_is_live() -> None:
    """A model is tested where it was trained, and applications use its copy."""
    scene = report_of(models=1)
    scene["models"]["models"].append(scene["models"]["models"][0] | {"id": "copy", "copied_from": "model-0"})
    scene["endpoints"]["endpoints"][0]["model"]["id"] = "copy"

    assert Outline(report_page(scene)).texts.count("live") == 2


def test_page_says_that_a_resource_is_emulated() -> None:
    assert "EMULATED" in Outline(report_page(report_of(emulated=True))).text
    assert "EMULATED" not in Outline(report_page(report_of())).text


@pytest.mark.parametrize("tool", sorted(VIEWED_TOOLS))
def test_view_shows_text_of_the_service_as_text(tool: str) -> None:
    scene = report_of(name=HOSTILE, unread=[HOSTILE])
    whole = Outline(report_page(scene))
    part = Outline(fragment(tool, scene["answers"][tool]))

    assert (whole.tags.count("script"), {"img", "b"} & {*whole.tags, *part.tags}) == (1, set())
    assert "onerror=" in part.text


def test_view_loads_nothing() -> None:
    html = report_page(report_of())

    assert "default-src 'none'" in html
    assert "script-src 'sha256-" in html
    assert "http:" not in html.replace("http-equiv", "")
    assert "https:" not in html
    assert "innerHTML" not in html


def test_rate_has_its_interval_and_no_line_break_before_the_percent_sign() -> None:
    assert rate(0.0941, [0.0759, 0.1141]) == "9.4\N{NO-BREAK SPACE}% (7.6–11.4)"
    assert rate(None) == "–"


def written(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, str]:
    """The exit status of `report` and what it printed."""
    given = {"html": None, "json": False, "config": None, "emulated": True, "tests": 20}
    status = report.run(argparse.Namespace(**(given | options)))
    return status, capsys.readouterr().out


def test_report_writes_the_page_of_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", ":memory:")
    file = tmp_path / "report.html"

    status, printed = written(capsys, html=file, json=True)

    answers: dict[str, Any] = json.loads(printed)
    assert (status, answers["unread"]) == (0, [])
    assert [len(answers[part][part]) for part in ("resources", "models", "endpoints", "evaluations")] == [3, 3, 0, 0]
    assert report_page(answers) == file.read_text(encoding="utf-8")
    assert "EMULATED" in file.read_text(encoding="utf-8")


def test_report_without_options_prints_a_summary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", ":memory:")

    status, printed = written(capsys)

    assert status == 0
    assert printed.splitlines()[:2] == ["Models: 3 (3 ready)", "Endpoints live: 0 (none)"]
    assert printed.splitlines()[-1] == "The page: custom-speech-mcp report --html FILE"


@pytest.mark.usefixtures("no_retry_waits")
def test_report_exits_with_1_and_says_what_did_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANY_KEY", "x")
    file = tmp_path / "resources.toml"
    file.write_text(
        'default = "one"\n[resources.one]\nregion = "eastus"\nendpoint = "http://127.0.0.1:9"\n'
        'key = { env = "ANY_KEY" }\n',
        encoding="utf-8",
    )

    status, printed = written(capsys, config=file, emulated=False, json=True, html=tmp_path / "page.html")

    assert status == 1
    assert [one["resource"] for one in json.loads(printed)["unread"]] == ["one"]
    assert "Not everything was read." in (tmp_path / "page.html").read_text(encoding="utf-8")
