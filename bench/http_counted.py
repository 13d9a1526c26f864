"""The command itself; at SIGUSR1 it writes how many tasks its event loop has into the file named first.

python bench/http_counted.py <file> serve --http …
"""

import asyncio
import signal
import sys
from pathlib import Path
from types import FrameType

from custom_speech_server.__main__ import main


def count(name: int, frame: FrameType | None) -> None:
    """Write the number; the handler runs within the loop, so that the loop is known."""
    Path(sys.argv[1]).write_text(str(len(asyncio.all_tasks())), encoding="ascii")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, count)
    sys.exit(main(sys.argv[2:]))
