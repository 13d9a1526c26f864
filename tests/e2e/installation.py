"""Check an installation: at most 36 packages besides the product, at most 50 MB without pip, absolute links in its
long description, and the plugin with its skill.

Run with the interpreter of an environment into which only the wheel was installed.
"""

import re
import sys
import sysconfig
from importlib.metadata import distributions, metadata
from pathlib import Path

MAX_PACKAGES = 36
MAX_MEGABYTES = 50
PLUGIN = ("plugin.json", "mcp.json", ".claude-plugin/plugin.json", "skills/improve-recognition/SKILL.md")
NOT_OURS = {"pip", "setuptools", "custom-speech-mcp"}


def main() -> int:
    """Print the figures and return 1 if one is too large, a link is relative or a file of the plugin is missing."""
    packages = sorted({one.metadata["Name"].lower() for one in distributions()} - NOT_OURS)
    folder = Path(sysconfig.get_path("purelib"))
    files = (file for file in folder.rglob("*") if file.is_file())
    own = (file for file in files if file.relative_to(folder).parts[0] not in ("pip", "setuptools", "pkg_resources"))
    megabytes = sum(file.stat().st_size for file in own) / 1e6
    sys.stdout.write(
        f"{len(packages)} packages (at most {MAX_PACKAGES}), {megabytes:.0f} MB (at most {MAX_MEGABYTES})\n"
    )
    description = str(metadata("custom-speech-mcp").get_payload())
    relative = re.findall(r"\]\((?!https?://|#|mailto:)[^)]*\)", description)
    sys.stdout.write(f"{len(description)} characters of description, relative links: {relative}\n")
    missing = [file for file in PLUGIN if not (folder / "custom_speech_server" / "plugin" / file).is_file()]
    sys.stdout.write(f"files of the plugin that are missing: {missing}\n")
    return int(
        bool(missing) or len(packages) > MAX_PACKAGES or megabytes > MAX_MEGABYTES or bool(relative) or not description
    )


if __name__ == "__main__":
    sys.exit(main())
