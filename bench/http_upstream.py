"""A stand-in for the service that costs next to nothing: one finished custom model, whatever is asked."""

import argparse
import asyncio
import json
import sys

ID = "69adf293-9664-4040-932b-02ed16332e00"
URL = "https://eastus.api.cognitive.microsoft.com/speechtotext"


def model() -> bytes:
    """The model, as GET /models/{id} answers it."""
    features = {
        "supportsTranscriptionsSubmit": True,
        "supportsTranscriptionsTranscribe": True,
        "supportsEndpoints": True,
    }
    dates = {"transcriptionDateTime": "2035-01-15T00:00:00Z"}
    query = "?api-version=2025-10-15"
    return json.dumps(
        {
            "self": f"{URL}/models/{ID}{query}",
            "baseModel": {"self": f"{URL}/models/base/{ID}{query}"},
            "datasets": [{"self": f"{URL}/datasets/{ID}{query}"}],
            "project": {"self": f"{URL}/projects/{ID}{query}"},
            "links": {"manifest": f"{URL}/models/{ID}/manifest{query}"},
            "properties": {"deprecationDates": dates, "features": features},
            "displayName": "Contoso",
            "locale": "en-US",
            "status": "Succeeded",
            "createdDateTime": "2026-01-15T00:00:00Z",
            "lastActionDateTime": "2026-01-15T00:00:00Z",
        }
    ).encode()


class Answering(asyncio.Protocol):
    """Answers every request without reading it, after `seconds`."""

    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(model()),
        model(),
    )

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer as many requests as came."""
        assert isinstance(self._transport, asyncio.WriteTransport)
        answers = self.answer * data.count(b"\r\n\r\n")
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._transport.write, answers)
        else:
            self._transport.write(answers)


async def main(port: int, seconds: float) -> None:
    """Serve until interrupted."""
    server = await asyncio.get_running_loop().create_server(lambda: Answering(seconds), "127.0.0.1", port)
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--milliseconds", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(main(options.port, options.milliseconds / 1000))
