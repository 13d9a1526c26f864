"""A small HTTP server on loopback that answers as a test wants and remembers what it was sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Heard:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    """The server: its address, how it answers, and what it heard."""

    url: str
    answer: Callable[[Heard], Answer]
    heard: list[Heard] = field(default_factory=list)


@contextmanager
def listening(answer: Callable[[Heard], Answer]) -> Iterator[Listener]:
    """Runs a listener while a block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Remembers and answers."""
            length = int(self.headers.get("Content-Length") or 0)
            heard = Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
            listener.heard.append(heard)
            status, headers, body = listener.answer(heard)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that the standard library calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(f"http://127.0.0.1:{server.server_address[1]}", answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
