"""A rollout to 20 targets beside one to a single target, before an emulator that takes 50 ms for each request.

    python bench/bench_rollout.py [--targets 20] [--service-ms 50] [--budget 1.5]

Both run the same chain: test, copy, connect, deploy. The budget is the ratio of their times. The requests of
each resource are counted, of which the service answers 100 in ten seconds; files of evaluations lie on a storage
account and do not count.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio
from mcp import Client
from pydantic import SecretStr

from custom_speech_emulator import account, emulator
from custom_speech_server.app import Settings, build
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.speech import KeyCredential

AUDIO, TEXT = "Contoso audio with transcripts en-US", "Contoso plain text en-US"
LIMIT = 100
"""Requests of a resource in ten seconds."""


class SlowService:
    """An emulator of many regions that takes its time, and notes when each resource was asked."""

    def __init__(self, regions: list[str], seconds: float) -> None:
        self.app = emulator(training="seconds:0.3", accounts=[account(region) for region in regions])
        self.seconds = seconds
        self.asked: defaultdict[str, list[float]] = defaultdict(list)

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        headers = dict(scope["headers"])
        if b"ocp-apim-subscription-key" in headers:
            self.asked[headers[b"host"].decode()].append(time.monotonic())
            await anyio.sleep(self.seconds)
        await self.app(scope, receive, send)

    def busiest(self) -> int:
        """The most requests that any resource got within ten seconds."""
        return max(
            sum(start <= moment < start + 10 for moment in moments)
            for moments in self.asked.values()
            for start in moments
        )


def settings(regions: list[str], service: SlowService) -> Settings:
    first = EMULATED.all[0]
    resources = tuple(
        replace(
            first,
            name=region,
            endpoint=f"http://{region}.localhost",
            region=region,
            credential=KeyCredential(SecretStr(f"emulator-{region}-key")),
            resource_id=(first.resource_id or "").replace("eastus", region),
        )
        for region in regions
    )
    configured = replace(EMULATED, all=resources, default=regions[0])
    return Settings(configured, state_key=b"k" * 32, confirm="never", emulator=lambda: service)


async def measure(targets: int, seconds: float) -> tuple[float, int, Counter[str]]:
    """Return the seconds of a rollout, the most requests of a resource in ten seconds, and all requests."""
    regions = ["eastus", *(f"region{number}" for number in range(targets))]
    service = SlowService(regions, seconds)
    async with Client(build(settings(regions, service)), cache=None) as client:
        training = {"display_name": "Calls", "locale": "en-US", "datasets": [TEXT]}
        await client.call_tool("create_model", training)
        await client.call_tool("get_model", {"model": "Calls", "wait_seconds": 10})
        service.asked.clear()
        arguments = {
            "model": "Calls",
            "test_dataset": AUDIO,
            "wait_seconds": 45,
            "targets": [{"resource": region, "project": "Contoso en-US", "endpoint": "live"} for region in regions[1:]],
        }
        start = time.monotonic()
        while True:
            answer = (await client.call_tool("roll_out", arguments)).structured_content or {}
            if answer["finished"]:
                break
        elapsed = time.monotonic() - start
    return elapsed, service.busiest(), Counter({host: len(moments) for host, moments in service.asked.items()})


async def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--service-ms", type=float, default=50)
    parser.add_argument("--budget", type=float, default=1.5)
    options = parser.parse_args()
    alone, _, _ = await measure(1, options.service_ms / 1000)
    together, busiest, requests = await measure(options.targets, options.service_ms / 1000)
    ratio = together / alone
    print(f"one target {alone:.2f} s, {options.targets} targets {together:.2f} s: ratio {ratio:.2f}")
    print(f"most requests of a resource in ten seconds: {busiest} (limit {LIMIT}), in all {sum(requests.values())}")
    return int(ratio > options.budget or busiest > LIMIT)


if __name__ == "__main__":
    sys.exit(anyio.run(main))
