"""A stand-in for the Azure Speech-to-text REST API on this machine.

app = emulator()                                    # a Starlette application, for httpx.ASGITransport
serve(port=8765)                                    # custom_speech_emulator.serve: by itself on loopback
"""

from custom_speech_emulator.app import emulator
from custom_speech_emulator.state.emulator_state import ACCOUNTS, Account, EmulatorSettings, account
from custom_speech_emulator.state.entity_store import StateUnusableError

__all__ = ["ACCOUNTS", "Account", "EmulatorSettings", "StateUnusableError", "account", "emulator"]
