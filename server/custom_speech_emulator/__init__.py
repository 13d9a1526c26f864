"""A stand-in for the Azure Speech-to-text REST API on this machine.

app = emulator()                                    # a Starlette application, for httpx.ASGITransport
serve(port=8765)                                    # custom_speech_emulator.serve: by itself on loopback
"""

from custom_speech_emulator.accounts import ACCOUNTS, Account, account
from custom_speech_emulator.app import emulator
from custom_speech_emulator.state_file import StateUnusable
from custom_speech_emulator.world import Emulator

__all__ = ["ACCOUNTS", "Account", "Emulator", "StateUnusable", "account", "emulator"]
