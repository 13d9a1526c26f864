"""The examples of docs/clients.md whose framework is installed, run as they stand.

Python examples run with this interpreter, JavaScript examples with `node` and the packages of the current folder.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^### (.+?)\n.*?^```(python|js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NEEDS = {
    "openai-agents": "agents",
    "pydantic-ai": "pydantic_ai",
    "LangChain": "langchain_mcp_adapters",
    "google-adk": "google.adk",
    "Semantic Kernel": "semantic_kernel",
    "Mastra": "@mastra/mcp",
    "AI SDK": "@ai-sdk/mcp",
}


def is_installed(name: str, language: str) -> bool:
    """Return whether an example can run here."""
    if language == "js":
        return (Path("node_modules") / NEEDS[name]).is_dir()
    try:
        return importlib.util.find_spec(NEEDS[name]) is not None
    except ModuleNotFoundError:
        return False


def run(language: str, code: str) -> None:
    """Run an example with the product on the path; it has to show the tools or an answer."""
    script = Path("page_example.mjs")
    script.write_text(code, encoding="utf-8")
    command = ["node", str(script)] if language == "js" else [sys.executable, "-c", code]
    with tempfile.TemporaryDirectory() as state:
        path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "XDG_STATE_HOME": state}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "emulator-eastus" in done.stdout or "list_resources" in done.stdout, done.stdout


ran = []
for name, language, code in EXAMPLE.findall(PAGE):
    if is_installed(name, language):
        run(language, code)
        ran.append(name)
sys.stdout.write(f"Examples of docs/clients.md that ran: {', '.join(ran)}.\n")
