"""An emulator of the Azure Speech-to-text REST API.

app = emulator()  # a Starlette application, for httpx.ASGITransport
serve(port=8765)  # a server on loopback, from custom_speech_emulator.serve
"""

from custom_speech_emulator.app import emulator
from custom_speech_emulator.state.emulator_state import ACCOUNTS, EmulatedAccount, EmulatorSettings, account
from custom_speech_emulator.state.entity_store import StateUnusableError

__all__ = ["ACCOUNTS", "EmulatedAccount", "EmulatorSettings", "StateUnusableError", "account", "emulator"]
