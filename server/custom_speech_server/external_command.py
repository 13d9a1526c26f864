"""External commands, run with limits on time and output: key commands and the Azure CLI."""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import DEVNULL

import anyio

from custom_speech_server.config_source import STATE_KEY_VARIABLE

_CHECK_SECONDS = 0.1  # between two checks of the output size
_MAX_ERROR_BYTES = 8 * 1024  # the end of stderr that is kept


class CommandError(Exception):
    """The command could not be started or was killed; `str()` is the reason, without the arguments."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit status and the output of a command."""

    status: int
    output: bytes
    errors: bytes


async def run_command(
    command: Sequence[str], *, seconds: float, max_bytes: int, environment: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a command without input, in a process group that is killed afterwards.

    `environment` is added to the variables of this process. Raises CommandError if the command cannot be started, takes
    longer than `seconds`, or prints more than `max_bytes` to stdout or stderr.
    """
    variables = {**os.environ, **(environment or {})}
    variables.pop(STATE_KEY_VARIABLE, None)  # a secret that the command does not need
    # Files instead of pipes: a background process of the command would keep a pipe open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = await anyio.open_process(
                command, env=variables, start_new_session=True, stdin=DEVNULL, stdout=output, stderr=errors
            )
        except OSError as error:
            raise CommandError(error.strerror or type(error).__name__) from None
        try:
            with anyio.move_on_after(seconds):
                while process.returncode is None:
                    with anyio.move_on_after(_CHECK_SECONDS):
                        await process.wait()
                    if any(os.fstat(file.fileno()).st_size > max_bytes for file in (output, errors)):
                        raise CommandError(f"it printed more than {max_bytes // 1024} KiB")
            status = process.returncode
            if status is None:
                raise CommandError(f"it did not end within {seconds:.0f} s")
        finally:
            with suppress(OSError):
                if sys.platform == "win32":
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        output.seek(0)
        errors.seek(max(0, os.fstat(errors.fileno()).st_size - _MAX_ERROR_BYTES))
        return CommandResult(status, output.read(max_bytes), errors.read(_MAX_ERROR_BYTES))
