"""Commands of the user's machine, run with bounds on their time and output: key commands, and the Azure CLI."""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import DEVNULL

import anyio

_CHECK_SECONDS = 0.1  # between two checks of the size of the output
_MAX_ERROR_BYTES = 8 * 1024  # of stderr, from its end
_HIDDEN_VARIABLES = ("CUSTOM_SPEECH_STATE_KEY",)  # secrets of this server that commands do not need


class CommandError(Exception):
    """The command did not start, or was ended; `str()` says why, without its arguments."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The output of a command that has ended."""

    status: int
    output: bytes
    errors: bytes


async def run_command(
    command: Sequence[str], *, seconds: float, max_bytes: int, environment: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a command without input, in its own process group, which is ended as a whole.

    The variables are added to those of this process. A command that cannot be started, takes too long or prints more
    than `max_bytes` on stdout or on stderr raises CommandError.
    """
    variables = {name: value for name, value in os.environ.items() if name not in _HIDDEN_VARIABLES}
    variables |= environment or {}
    # Files instead of pipes: a background process of the command would keep a pipe open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = await anyio.open_process(
                command, env=variables, start_new_session=True, stdin=DEVNULL, stdout=output, stderr=errors
            )
        except OSError as error:
            raise CommandError(error.strerror or type(error).__name__) from None
        try:
            status = await _wait(process, (output.fileno(), errors.fileno()), seconds, max_bytes)
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


async def _wait(process: anyio.abc.Process, files: Sequence[int], seconds: float, max_bytes: int) -> int:
    with anyio.move_on_after(seconds):
        while True:
            with anyio.move_on_after(_CHECK_SECONDS):
                await process.wait()
            if any(os.fstat(file).st_size > max_bytes for file in files):
                raise CommandError(f"it printed more than {max_bytes // 1024} KiB")
            if process.returncode is not None:
                return process.returncode
    raise CommandError(f"it did not end within {seconds:.0f} s")
