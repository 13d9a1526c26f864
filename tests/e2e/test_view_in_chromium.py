"""The view in a browser: a host page does what a client with MCP Apps does, and looks at what is shown."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from custom_speech_server.view import page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "</script><img src=x onerror=document.title='hit'>\u202e<b>bold</b>"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

HOST = (Path(__file__).parent / "view_host.html").read_text(encoding="utf-8")


def shown(folder: Path, result: dict[str, Any], theme: str = "light") -> dict[str, Any]:
    """Return what a browser shows of the result of a tool."""
    values = {"THEME": theme, "RESULT": result, "PAGE": page()}
    host = re.sub(
        "THEME(?= )|RESULT(?= )|PAGE(?=;)", lambda name: json.dumps(values[name[0]]).replace("<", "\\u003c"), HOST
    )
    (folder / "host.html").write_text(host, encoding="utf-8")
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=4000",
        "--dump-dom",
        (folder / "host.html").as_uri(),
    ]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search(r"<pre>(.*?)</pre>", dumped, re.DOTALL)
    assert found
    return dict(json.loads(html.unescape(found[1])))


def cells(found: dict[str, Any], tag: str) -> list[str]:
    """Return the texts of all elements of a kind."""
    return [text for name, text in found["outline"] if name == tag]


EXPIRATIONS = {
    "now": "2026-11-02T00:00:00Z",
    "per_month": {"2027-01": 1},
    "items": [
        {
            "what": HOSTILE,
            "kind": "base_model",
            "resource": "east",
            "ends": "2027-01-15",
            "effect": "No model can be trained on it.",
            "action": "Train on a newer one.",
        }
    ],
}
EVALUATION = {
    "display_name": HOSTILE,
    "status": "Succeeded",
    "dataset": {"display_name": "Calls"},
    "models": [
        {
            "id": "a",
            "display_name": HOSTILE,
            "word_error_rate": 0.1,
            "insertions": 1,
            "deletions": 2,
            "substitutions": 3,
            "words": 60,
        },
        {
            "id": "b",
            "display_name": None,
            "word_error_rate": 0.2,
            "insertions": 0,
            "deletions": 0,
            "substitutions": 12,
            "words": 60,
        },
    ],
    "difference": {"absolute": -0.1, "confidence_95": [-0.15, -0.05], "is_significant": True, "verdict": "Lower."},
    "worst": [{"file": "1.wav", "reference": "a", "hypothesis": HOSTILE, "errors": 2}],
}
MODELS = {
    "resource": "*",
    "truncated": None,
    "models": [{"id": "a", "display_name": HOSTILE, "locale": "en-US", "status": "Succeeded", "resource": "east"}],
}
ROLLOUT = {
    "model": {"id": "a", "display_name": HOSTILE},
    "gate": {"passed": True, "reason": HOSTILE},
    "finished": False,
    "targets": [
        {
            "resource": "berlin",
            "status": "Failed",
            "copy": None,
            "project": None,
            "endpoint": None,
            "previous_model": None,
            "remaining": ["copy"],
            "error": HOSTILE,
        }
    ],
}


@pytest.mark.parametrize(
    ("answer", "headings", "captions", "rows"),
    [
        (EXPIRATIONS, ["What ends when"], ["Models and endpoints, soonest first"], 1),
        (
            EVALUATION,
            [f"Test {HOSTILE}"],
            ["Word error rates side by side", "Utterances with most errors"],
            3,
        ),
        (MODELS, ["Custom models of all resources"], ["1 models, newest first"], 1),
        (ROLLOUT, [f"Rollout of {HOSTILE}"], ["Not finished"], 1),
    ],
    ids=["expirations", "evaluation", "models", "rollout"],
)
def test_view_shows_every_answer_as_tables_and_text_as_text(
    tmp_path: Path, answer: dict[str, Any], headings: list[str], captions: list[str], rows: int
) -> None:
    found = shown(tmp_path, {"content": [], "structuredContent": answer})

    assert found["said"][:2] == ["ui/initialize", "ui/notifications/initialized"]
    assert "ui/notifications/size-changed" in found["said"]
    assert (cells(found, "H1"), cells(found, "CAPTION")) == (headings, captions)
    assert found["regions"] == [[0, caption] for caption in captions]
    assert (found["foreign"], found["title"]) == (0, "Azure custom speech")
    assert HOSTILE in " ".join(text for _, text in found["outline"])
    columns = len(cells(found, "TH")) - rows
    assert columns >= 6


def test_view_says_the_interval_and_the_verdict_in_words(tmp_path: Path) -> None:
    paragraphs = cells(shown(tmp_path, {"content": [], "structuredContent": EVALUATION}), "P")

    assert "95 % confidence interval of the difference: -15.00 % to -5.00 %" in paragraphs
    assert "Lower." in paragraphs


def test_view_follows_the_theme_of_its_client(tmp_path: Path) -> None:
    result = {"content": [], "structuredContent": MODELS}

    assert shown(tmp_path, result, "light")["paper"] == "rgb(255, 255, 255)"
    assert shown(tmp_path, result, "dark")["paper"] == "rgb(13, 17, 23)"


def test_view_shows_the_text_of_an_error(tmp_path: Path) -> None:
    found = shown(tmp_path, {"isError": True, "content": [{"type": "text", "text": HOSTILE}]})

    assert cells(found, "P") == [HOSTILE]
    assert found["foreign"] == 0
