"""A stand-in for the Azure Speech-to-text REST API on this machine.

app = emulator()                                    # a Starlette application, for httpx.ASGITransport
serve(port=8765)                                    # custom_speech_emulator.serve: by itself on loopback
"""

from custom_speech_emulator.app import emulator
from custom_speech_emulator.state.entity_store import StateUnusableError
from custom_speech_emulator.state.settings import ACCOUNTS, Account, EmulatorSettings, account

__all__ = ["ACCOUNTS", "Account", "EmulatorSettings", "StateUnusableError", "account", "emulator"]
