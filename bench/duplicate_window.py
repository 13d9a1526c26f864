"""Measure how often two replicas both carry out one training that is sent to both at the same moment.

python bench/duplicate_window.py [--rounds 40] [--shared-state]

By default each replica has a state directory of its own, as on two machines without CUSTOM_SPEECH_LOCK_URL; with
--shared-state both have the same one, as two processes of one user.
"""

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

import httpx
from bench_http import Server, free_port, start
from soak_http import modern

KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}


async def both(replicas: list[Server], name: str) -> None:
    """Send the same training to both replicas at the same moment."""
    request = {"display_name": name, "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        calls = [client.post(f"http://127.0.0.1:{one.port}/mcp", **modern("create_model", request)) for one in replicas]
        for answer in await asyncio.gather(*calls):
            assert '"isError":true' not in answer.text, answer.text


def replica(stack: ExitStack, azure: int, folder: Path, state: Path) -> Server:
    """Start a replica."""
    port = free_port()
    config = folder / "resources.toml"
    config.write_text(
        f'[resources.east]\nregion = "eastus"\nendpoint = "http://127.0.0.1:{azure}"\nkey = {{ env = "KEY" }}\n'
    )
    where = {
        "CUSTOM_SPEECH_CONFIG": str(config),
        "KEY": KEY["Ocp-Apim-Subscription-Key"],
        "CUSTOM_SPEECH_AUDIT": "off",
        "XDG_STATE_HOME": str(state),
    }
    command = ("-m", "custom_speech_server", "serve", "--http", "--confirm", "never", "--port", str(port))
    return start(stack, "replica", *command, ready="serving MCP on", port=port, **where)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--shared-state", action="store_true")
    options = parser.parse_args()
    rounds = options.rounds
    azure = free_port()
    control = f"http://127.0.0.1:{azure}/_emulator/requests"
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        start(stack, "emulator", "-m", "custom_speech_server", "emulator", "--port", str(azure), ready="listening on")
        states = [Path(folder) / ("state" if options.shared_state else f"state-{n}") for n in range(2)]
        pair = [replica(stack, azure, Path(folder), state) for state in states]
        for n in range(rounds):
            asyncio.run(both(pair, f"both {n}"))
        made = sum(entry["operation"] == "Models_Create" for entry in httpx.get(control).json())
    print(f"{rounds} trainings, each sent to two replicas at once: {made} created, {made - rounds} of them twice")


if __name__ == "__main__":
    main()
