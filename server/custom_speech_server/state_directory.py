"""The state directory: lock files, the key that signs confirm tokens, and agreements to rollouts."""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time

from custom_speech_server.config_source import STATE_KEY_VARIABLE, ConfigurationError, user_state_directory
from custom_speech_server.emulated_resources import emulator_state_file
from custom_speech_server.resource_config import Resources
from custom_speech_tools.runtime.agreements import STORED_LIFETIME

STATE_KEY_BYTES = 32
KEY_FILE = "state.key"


def state_home(resources: Resources) -> Path | None:
    """Return the folder for persistent state, or None if the emulator's state is only in memory."""
    if not resources.in_process:
        return user_state_directory()
    state = emulator_state_file()
    return state.parent if state else None


def state_directory(resources: Resources) -> tuple[Path | None, list[str]]:
    """Return the state directory, or None if state cannot or need not be stored, and warnings for the operator."""
    directory = state_home(resources)
    if directory is None:
        return None, []
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(directory, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        why = error.strerror or type(error).__name__
        return None, [
            f"{directory} cannot be written ({why}): confirm tokens become invalid when this process ends, and two "
            "processes on this machine may send the same request at the same moment."
        ]
    return directory, []


def state_key(shared: str | None, directory: Path | None, warn: Callable[[str], None] = lambda text: None) -> bytes:
    """Return the key that signs confirm tokens: the shared key, the user's key, or a temporary key.

    `warn` receives a warning about an unusable key file. A shared key that is too short raises ConfigurationError.
    """
    if shared is not None:
        if len(shared.encode()) < STATE_KEY_BYTES:
            raise ConfigurationError(f"{STATE_KEY_VARIABLE}: needs 32 characters or more; make a longer one.")
        return shared.encode()
    if directory is None:
        return secrets.token_bytes(STATE_KEY_BYTES)
    file = directory / KEY_FILE
    try:
        return _own_key(file)
    except OSError as error:
        why = f"the key file {file} cannot be used ({error.strerror or error})"
        warn(f"{why}: confirm tokens become invalid when this process ends. Delete the file to create a new key.")
        return secrets.token_bytes(STATE_KEY_BYTES)


def _own_key(file: Path) -> bytes:
    """Return the key from the file, which the first of several concurrent processes creates; raises OSError."""
    if not file.exists():
        temporary = file.with_name(f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_bytes(secrets.token_bytes(STATE_KEY_BYTES))
        try:
            os.link(temporary, file)  # fails if another process was faster; a rename would replace that key
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:  # the file may be a pipe, whose reader would wait
        found, key = os.fstat(descriptor), os.read(descriptor, STATE_KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    is_private = os.name == "nt" or (found.st_mode & 0o077 == 0 and found.st_uid == os.getuid())
    if len(key) != STATE_KEY_BYTES or not is_private or not stat.S_ISREG(found.st_mode):
        raise PermissionError("it is not a private file of 32 bytes, mode 600")
    return key


class AgreementFiles:
    """Agreements to rollouts and to transcriptions of folders, one signed file each; expired files are removed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "agreements"

    def __getitem__(self, name: str, /) -> str:
        """Return a stored agreement; raises KeyError if it is missing or unreadable."""
        try:
            return (self._directory / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise KeyError(name) from None

    def __setitem__(self, name: str, content: str, /) -> None:
        """Store an agreement. If that fails, the agreement is valid for this call only."""
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            for file in self._directory.iterdir():
                if time() - file.stat().st_mtime > STORED_LIFETIME.total_seconds():
                    file.unlink(missing_ok=True)
            temporary = self._directory / f"{name}.{secrets.token_hex(4)}"
            temporary.touch(mode=0o600)
            temporary.write_text(content, encoding="utf-8")
            temporary.replace(self._directory / name)
