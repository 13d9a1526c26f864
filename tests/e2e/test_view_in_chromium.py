"""The view in a browser: as a client with MCP Apps shows it, and the page at several widths in both themes."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from custom_speech_server.mcp_resources import VIEW_CONTENT, VIEWED_TOOLS
from custom_speech_server.view import fragment, html_page, report_page
from support.report_scene import HOSTILE, report_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]

FOLDER = Path(__file__).parent
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


def looked_at(folder: Path, host: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return what a page of this folder writes about what it shows, with values in place of its capitals."""
    names = "|".join(rf"\b{name}\b" for name in values)
    text = re.sub(
        names, lambda name: json.dumps(values[name[0]]).replace("<", "\\u003c"), (FOLDER / host).read_text("utf-8")
    )
    (folder / host).write_text(text, encoding="utf-8")
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=8000",
        "--dump-dom",
        (folder / host).as_uri(),
    ]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search(r"<pre>(.*?)</pre>", dumped, re.DOTALL)
    assert found
    return dict(json.loads(html.unescape(found[1])))


def shown(folder: Path, result: dict[str, Any], theme: str = "light") -> dict[str, Any]:
    """Return what a client with MCP Apps shows of the result of a tool."""
    return looked_at(folder, "view_host.html", {"THEME": theme, "RESULT": result, "PAGE": html_page()})


def result_of(tool: str, **scene: Any) -> dict[str, Any]:
    """The result of a tool, with its part of the page."""
    answer = report_of(**scene)["answers"][tool]
    return {"content": [], "structuredContent": answer, "_meta": {VIEW_CONTENT: fragment(tool, answer)}}


HEADINGS = {
    "check_expirations": ["Needs action within 90 days", "Expirations"],
    "get_evaluation": ["Clinic test 2"],
    "list_models": ["Custom models"],
    "roll_out": ["Rollout of Clinic"],
}


@pytest.mark.parametrize("tool", sorted(VIEWED_TOOLS))
def test_view_shows_the_answer_of_each_tool_in_a_client(tmp_path: Path, tool: str) -> None:
    found = shown(tmp_path, result_of(tool))

    assert found["said"][:2] == ["ui/initialize", "ui/notifications/initialized"]
    assert "ui/notifications/size-changed" in found["said"]
    assert [text for tag, text in found["outline"] if tag == "H2"] == HEADINGS[tool]
    assert found["searches"] == (["Search: Custom models"] if tool == "list_models" else [])


def test_view_shows_hostile_text_as_text_and_runs_none_of_it(tmp_path: Path) -> None:
    found = shown(tmp_path, result_of("check_expirations", name=HOSTILE))

    assert (found["foreign"], found["title"]) == (0, "Azure custom speech")
    assert "onerror=document.title='hit'" in " ".join(text for _, text in found["outline"])


@pytest.mark.parametrize("theme", sorted(PAPER))
def test_view_follows_the_theme_of_its_client(tmp_path: Path, theme: str) -> None:
    assert shown(tmp_path, result_of("list_models"), theme)["paper"] == PAPER[theme]


def test_view_shows_the_text_of_an_answer_without_a_part_of_the_page(tmp_path: Path) -> None:
    found = shown(tmp_path, {"isError": True, "content": [{"type": "text", "text": HOSTILE}]})

    assert [text for tag, text in found["outline"] if tag == "PRE"] == [HOSTILE]
    assert found["foreign"] == 0


def test_page_fits_every_width_in_both_themes(tmp_path: Path) -> None:
    """320 pixels are 1280 at 400 %, 640 are 1280 at 200 %; hostile names are long and partly from right to left."""
    scenes = {"usual": report_of(), "hostile": report_of(name=HOSTILE, unread=["tokyo"]), "empty": report_of(models=0)}
    frames = {
        f"{scene} {width} {theme}": {
            "width": width,
            "html": report_page(report).replace('<html lang="en">', f'<html lang="en" data-theme="{theme}">'),
        }
        for scene, report in scenes.items()
        for width in (320, 375, 640, 1280)
        for theme in PAPER
    }

    found = looked_at(tmp_path, "view_widths.html", {"FRAMES": frames})

    assert set(found) == set(frames)
    assert {name: one["cut"] for name, one in found.items() if one["overflow"] > 0 or one["cut"]} == {}
    assert {name: one["paper"] for name, one in found.items()} == {name: PAPER[name.split()[2]] for name in frames}
    assert all(one["focusable"] == 0 for one in found.values())
    limits = {"usual": 140, "hostile": 200, "empty": 1}
    too_high = {name: one["highest"] for name, one in found.items() if one["highest"] >= limits[name.split()[0]]}
    assert too_high == {}


def test_page_searches_and_sorts_three_hundred_models(tmp_path: Path) -> None:
    frames = {"many": {"width": 1280, "html": report_page(report_of(models=300))}}

    found = looked_at(tmp_path, "view_widths.html", {"FRAMES": frames})["many"]

    numbers = [2, *range(20, 30), *range(200, 300)]
    assert [one.split()[1] for one in found["searched"]] == [str(number) for number in numbers]
    assert found["sorted"] == ["Clinic 299", "descending"]
