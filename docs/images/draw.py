"""Draw the pictures of the README again with Chromium: what `demo` prints, and the page that `report` writes.

Usage: python docs/images/draw.py
"""

import html
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #0d1117; color: #e6edf3; font: 14px/1.45 ui-monospace, monospace; }}
pre {{ margin: 0; padding: 20px 24px; white-space: pre-wrap; width: 900px; }}</style><pre>{text}</pre>"""
SHOWN = ("Two mistakes in one request", "Which words does a base model miss?")
"""The parts of the demo that are shown, by the beginning of their titles."""


def photograph(page: Path, picture: Path, width: int, height: int) -> None:
    """Let Chromium draw a page."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000"]
    place = [f"--screenshot={picture}", f"--window-size={width},{height}", page.as_uri()]
    subprocess.run([str(browser), *options, *place], check=True, capture_output=True)


def parts(printed: str) -> str:
    """Return the parts of the demo that are shown."""
    found = printed.split("\n\n")
    return "\n\n".join(part for part in found if part.strip().startswith(SHOWN))


with tempfile.TemporaryDirectory() as folder:
    work = Path(folder)
    product = [sys.executable, "-m", "custom_speech_server"]
    printed = subprocess.run([*product, "demo"], check=True, capture_output=True, text=True, encoding="utf-8").stdout
    (work / "demo.html").write_text(TERMINAL.format(text=html.escape(parts(printed))), encoding="utf-8")
    photograph(work / "demo.html", HERE / "demo.png", 960, 780)

    environment = os.environ | {"CUSTOM_SPEECH_EMULATOR_STATE": str(work / "emulator.sqlite"), "XDG_STATE_HOME": folder}
    rollout = work / "rollout.toml"
    rollout.write_text(
        '[model]\ndisplay_name = "Contoso calls {date}"\nlocale = "en-US"\ndatasets = ["Contoso plain text en-US"]\n'
        '[gate]\ndataset = "Contoso audio with transcripts en-US"\n'
        '[[targets]]\nresource = "emulator-westeurope"\nendpoint = "contoso-live"\n',
        encoding="utf-8",
    )
    command = [*product, "rollout", str(rollout), "--emulated", "--confirm", "never"]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    report = [*product, "report", "--emulated", "--html", str(work / "report.html")]
    subprocess.run(report, check=True, capture_output=True, env=environment)
    photograph(work / "report.html", HERE / "view.png", 1100, 1500)
