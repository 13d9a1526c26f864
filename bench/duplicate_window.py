"""How long two replicas that train the same at one moment can both do so, and how often they did.

python bench/duplicate_window.py [--rounds 40]

The window is the time from the look for what is there to the create, as the emulator's log has both; the rounds
send one and the same training to two replicas at once.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import httpx
from bench_http import Server, free_port, start
from soak_http import modern

KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}


async def both(replicas: list[Server], name: str) -> None:
    """The same training, at the same moment."""
    request = {"display_name": name, "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        calls = [client.post(f"http://127.0.0.1:{one.port}/mcp", **modern("create_model", request)) for one in replicas]
        for answer in await asyncio.gather(*calls):
            assert '"isError":true' not in answer.text, answer.text


def windows(log: list[dict[str, str]]) -> list[float]:
    """Milliseconds from each create back to the last look before it."""
    found, looked = [], None
    for entry in log:
        moment = datetime.fromisoformat(entry["time"])
        if entry["operation"] == "Models_ListCustomModels":
            looked = moment
        elif entry["operation"] == "Models_Create" and looked:
            found.append((moment - looked).total_seconds() * 1000)
    return found


def replica(stack: ExitStack, azure: int, folder: Path) -> Server:
    """One of them."""
    port = free_port()
    config = folder / "resources.toml"
    config.write_text(
        f'[resources.east]\nregion = "eastus"\nendpoint = "http://127.0.0.1:{azure}"\nkey = {{ env = "KEY" }}\n'
    )
    where = {"CUSTOM_SPEECH_CONFIG": str(config), "KEY": KEY["Ocp-Apim-Subscription-Key"], "CUSTOM_SPEECH_AUDIT": "off"}
    command = ("-m", "custom_speech_server", "serve", "--http", "--confirm", "never", "--port", str(port))
    return start(stack, "replica", *command, ready="serving MCP on", port=port, **where)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    azure = free_port()
    control = f"http://127.0.0.1:{azure}/_emulator/requests"
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        start(stack, "emulator", "-m", "custom_speech_server", "emulator", "--port", str(azure), ready="listening on")
        pair = [replica(stack, azure, Path(folder)) for _ in range(2)]
        for one in pair:
            asyncio.run(both([one], f"alone {one.port}"))
        alone = windows(httpx.get(control).json())
        httpx.delete(control)
        for n in range(rounds):
            asyncio.run(both(pair, f"both {n}"))
        made = sum(entry["operation"] == "Models_Create" for entry in httpx.get(control).json())
    print(f"from look to create: {statistics.median(alone):.0f} ms on this machine ({os.cpu_count()} cores)")
    print(f"{rounds} trainings asked for twice at one moment: {made} made, {made - rounds} of them twice")


if __name__ == "__main__":
    main()
