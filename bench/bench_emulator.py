"""How fast the emulator answers a page of 100, beside a static route that returns the same bytes, and what it weighs.

    python bench/bench_emulator.py [--rounds 300]

One resource with 3,000 base models, 1,000 custom models and 500 datasets. Both applications are served by uvicorn on
loopback in this process and asked in turn over one kept-alive connection each; the medians of one run are compared.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from custom_speech_emulator import emulator
from custom_speech_emulator.serve import open_listener

KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
DATED = "api-version=2025-10-15"
LISTS = {
    "base models": f"/speechtotext/models/base?{DATED}",
    "base models, last page": f"/speechtotext/models/base?skip=2900&{DATED}",
    "base models of a locale": f"/speechtotext/models/base?filter=locale%20eq%20%27en-US%27&{DATED}",
    "models": f"/speechtotext/models?{DATED}",
    "datasets": f"/speechtotext/datasets?{DATED}",
}
WANTED = {"models/base": 3000, "models": 1000, "datasets": 500}
BUDGET = 3.0


def filled(app: Starlette) -> None:
    """Copies entities of the stock until there are as many as wanted."""
    store = app.state.emulator.state.store
    with store.transaction():
        for kind, wanted in WANTED.items():
            owner = "" if kind == "models/base" else "emulator-eastus"
            stock = [one for one in store.all(owner, kind) if one.status == "Succeeded"]
            for n in range(wanted - store.count(owner, kind)):
                source = stock[n % len(stock)]
                store.put(replace(source, id=f"00000000-0000-4000-8000-{n:012x}"))


@contextmanager
def served(app: Any) -> Any:
    """Serves an application on loopback; gives a connection to it."""
    listener = open_listener("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    connection = http.client.HTTPConnection(*listener.getsockname())
    try:
        yield connection
    finally:
        connection.close()
        server.should_exit = True
        thread.join()


def got(connection: http.client.HTTPConnection, path: str) -> bytes:
    """The bytes of an answer."""
    connection.request("GET", path, headers=KEY)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
    return body


def milliseconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def compared(connection: http.client.HTTPConnection, path: str, rounds: int) -> tuple[float, float, int]:
    """Median milliseconds of a list and of the same bytes from a static route, and how many bytes they are."""
    body = got(connection, path)

    async def same(_: object) -> Response:
        return Response(body, media_type="application/json")

    with served(Starlette(routes=[Route("/{path:path}", same)])) as static:
        times = [
            (milliseconds(lambda: got(connection, path)), milliseconds(lambda: got(static, path)))
            for _ in range(rounds)
        ]
    ours, theirs = (statistics.median(column) for column in zip(*times[rounds // 10 :], strict=True))
    return ours, theirs, len(body)


def weight(folder: Path) -> tuple[float, float]:
    """MiB of Python objects that a filled emulator holds after its lists were read, and MiB of its file."""
    tracemalloc.start()
    app = emulator(state=folder / "weighed.db")
    filled(app)
    with served(app) as connection:
        for path in LISTS.values():
            got(connection, path)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held / 2**20, sum(file.stat().st_size for file in folder.glob("weighed.db*")) / 2**20


def main() -> int:
    """Prints the figures; 1 when a list is slower than its budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    worst = 0.0
    with TemporaryDirectory() as folder, ExitStack() as stack:
        held, on_disk = weight(Path(folder))
        app = emulator(state=Path(folder) / "state.db")
        filled(app)
        connection = stack.enter_context(served(app))
        for name, path in LISTS.items():
            ours, theirs, size = compared(connection, path, rounds)
            worst = max(worst, ours / theirs)
            sys.stdout.write(
                f"{name:26} {ours:6.2f} ms  static {theirs:6.2f} ms  {ours / theirs:5.2f} x  {size:7} bytes\n"
            )
    sys.stdout.write(
        f"memory {held:.1f} MiB of objects, state file {on_disk:.1f} MiB\nworst {worst:.2f} x, budget {BUDGET} x\n"
    )
    return int(worst > BUDGET)


if __name__ == "__main__":
    raise SystemExit(main())
