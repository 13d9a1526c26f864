"""The command line …"""

import json
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module
from io import BytesIO, TextIOWrapper
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from custom_speech_server import __version__
from custom_speech_server.__main__ import create_parser, main, parse
from custom_speech_server.commands import COMMANDS, demo
from custom_speech_server.commands.options import SHARED
from support.tool_client import Caller

COMMAND = [sys.executable, "-m", "custom_speech_server"]
NOTHING_CONFIGURED = {"PYTHONUTF8": "1", "CUSTOM_SPEECH_EMULATOR_STATE": ":memory:"}


def run_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing configured."""
    given = NOTHING_CONFIGURED | environment
    return subprocess.run(
        [*COMMAND, *arguments], check=False, capture_output=True, encoding="utf-8", env=given, stdin=subprocess.DEVNULL
    )


def run(*arguments: str, stdout: TextIOWrapper | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which saves the second that it takes to start one."""
    streams = (stdout or TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8"))
    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open(encoding="utf-8") as nothing:
        patch.setattr("os.environ", NOTHING_CONFIGURED | environment)
        patch.setattr("sys.stdin", nothing)
        patch.setattr("sys.stdout", streams[0])
        patch.setattr("sys.stderr", streams[1])
        try:
            status = main(list(arguments))
        except SystemExit as stopped:
            status = int(stopped.code or 0)
    for stream in streams:
        stream.flush()
    said = [stream.buffer.getvalue().decode() if isinstance(stream.buffer, BytesIO) else "" for stream in streams]
    return subprocess.CompletedProcess(arguments, status, *said)


def test_command_line_tells_its_version() -> None:
    """And nothing else."""
    assert run("--version").stdout == f"custom-speech-mcp {__version__}\n"


def test_command_line_helps() -> None:
    """Each command is named."""
    said = run("--help").stdout

    assert all(command in said for command in ("demo", "doctor", "emulator", "--read-only", "--confirm", "--config"))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_command_line_help_and_version_import_nothing_heavy(option: str) -> None:
    """They answer at once."""
    look = (
        "import sys; from custom_speech_server.__main__ import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    )
    listed = f"{look}print([name for name in sys.modules if name in ('mcp', 'httpx', 'pydantic', 'starlette')])"
    printed = subprocess.run([sys.executable, "-c", listed, option], capture_output=True, text=True, check=True)

    assert printed.stdout.splitlines()[-1] == "[]"


def test_command_line_starting_imports_nothing_of_the_emulator_or_of_http() -> None:
    """The first list of tools waits for neither."""
    listed = (
        "import sys\nfrom custom_speech_server.app import Settings, build\n"
        "from custom_speech_server.resource_config import EMULATED\nbuild(Settings(EMULATED, b'k' * 32))\n"
        "print([name for name in sys.modules if name in ('httpx', 'custom_speech_emulator', 'keyring', 'azure')])"
    )
    printed = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)

    assert printed.stdout.strip() == "[]"


def test_command_line_a_wrong_configuration_starts_nothing(tmp_path: Path) -> None:
    """The error names file, entry and mend; standard output stays clean."""
    file = tmp_path / "resources.toml"
    file.write_text("[resources.a]\nregoin = 'eastus'\n", encoding="utf-8")

    for command in (("serve", "--http"), ("doctor",)):
        stopped = run(*command, "--config", str(file))
        assert (stopped.returncode, stopped.stdout) == (2, "")
        assert f"{file} is invalid:" in stopped.stderr
        assert "resources.a.regoin: is not a known setting" in stopped.stderr


@pytest.mark.parametrize(
    ("variable", "value"), [("CUSTOM_SPEECH_CONFIRM", "always"), ("CUSTOM_SPEECH_STATE_KEY", "too short")]
)
def test_command_line_a_wrong_variable_starts_nothing(variable: str, value: str) -> None:
    """A policy that is misspelt is not guessed."""
    stopped = run("--no-front", **{variable: value})

    assert stopped.returncode == 2
    assert variable in stopped.stderr


def test_command_line_doctor_examines_the_emulator(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every resource answers in every API version; no key is shown."""
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", ":memory:")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")

    assert main(["doctor"]) == 0

    said = capsys.readouterr().out
    assert "emulator-brazilsouth (emulated)" in said
    assert "trains audio  no (list of 2026-10-07)" in said
    assert said.count("2025-10-15    answers (configured)") == 3
    assert said.count("v3.2          answers\n") == 3
    assert "-key" not in said


@pytest.mark.usefixtures("no_retry_waits")
def test_command_line_doctor_says_which_resource_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that nothing listens on; the exit status says it too."""
    file = tmp_path / "resources.toml"
    file.write_text("[resources.gone]\nendpoint = 'http://127.0.0.1:9'\nkey = {env = 'PATH'}\n", encoding="utf-8")

    assert main(["doctor", "--config", str(file)]) == 1

    said = capsys.readouterr().out
    assert "region        unknown: configure region" in said
    assert "gone did not answer Models_ListSupportedLocales" in said


@pytest.mark.anyio
async def test_command_line_serves_stdio(tmp_path: Path) -> None:
    """As an IDE starts it; standard output holds the protocol alone, in both eras."""
    for mode in ("auto", "legacy"):
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "custom_speech_server", "--emulated"],
            env={"CUSTOM_SPEECH_EMULATOR_STATE": str(tmp_path / "state.sqlite")},
        )
        with anyio.fail_after(60):
            async with Client(server, mode=mode) as client:
                assert client.instructions is not None
                assert "EMULATED" in client.instructions
                assert (await Caller(client)("list_projects"))["emulated"]


@pytest.mark.anyio
async def test_command_line_the_emulators_state_outlives_the_server(tmp_path: Path) -> None:
    """What was trained is there after a restart."""
    environment = {"CUSTOM_SPEECH_EMULATOR_STATE": str(tmp_path / "state.sqlite")}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "custom_speech_server", "--emulated", "--confirm", "never"], env=environment
    )
    request = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    async with Client(server) as client:
        first = await Caller(client)("create_model", **request)
    async with Client(server) as client:
        again = await Caller(client)("create_model", **request)

    assert (again["id"], again["already_existed"]) == (first["id"], True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "70000"), "'70000' is not a port, a number from 0 to 65535"),
        (("--host", "0.0.0.0"), "or allow the host name that other machines use with --allow-host NAME"),  # noqa: S104
        (("--allow-host", "http://emulator:8765"), "write a host name without scheme and port, such as emulator"),
        (("--training", "perhaps"), "training must be seconds:S or reads:N"),
        (("--faults", "no such file"), "No such file"),
        (("--state", "pyproject.toml/state"), "pyproject.toml"),
    ],
)
def test_command_line_the_emulator_refuses_an_option_that_makes_no_sense(arguments: tuple[str, str], said: str) -> None:
    """In one line, and nothing is served."""
    stopped = run("emulator", *arguments)

    assert stopped.returncode == 2
    assert said in stopped.stderr
    assert "Traceback" not in stopped.stderr


@pytest.mark.parametrize("others", [(), ("--host", "0.0.0.0", "--allow-host", "speech.test")])  # noqa: S104
def test_command_line_the_emulator_says_when_its_port_is_in_use(others: tuple[str, ...]) -> None:
    """Two emulators on one port would be a riddle, whoever reaches them."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stopped = run("emulator", "--port", str(taken.getsockname()[1]), *others)

    assert stopped.returncode == 2
    assert "cannot listen" in stopped.stderr


@pytest.mark.anyio
async def test_command_line_a_damaged_state_is_said_and_kept(tmp_path: Path) -> None:
    """The first call names the file; the next one works on a fresh state."""
    state = tmp_path / "state.sqlite"
    state.write_bytes(b"no database at all" * 100)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "custom_speech_server", "--emulated"],
        env={"CUSTOM_SPEECH_EMULATOR_STATE": str(state)},
    )
    async with Client(server) as client:
        call = Caller(client)

        assert str(state) in await call.refusal("list_projects")
        assert (await call("list_projects"))["total"] == 3

    [kept] = tmp_path.glob("*unusable*")  # noqa: ASYNC240  # nothing else runs here
    assert kept.read_bytes().startswith(b"no database at all")  # the same


@pytest.mark.skipif(sys.platform == "win32", reason="there is no head")
def test_command_line_a_reader_that_has_enough_is_no_fault() -> None:
    """`custom-speech-mcp doctor | head -1`."""
    with subprocess.Popen([*COMMAND, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_check_expirations_command_prints_what_ends_and_exits_with_3() -> None:
    """For cron and continuous integration."""
    table = run("check-expirations", "--emulated", "--within-days", "1500")
    machine = run("check-expirations", "--emulated", "--within-days", "1500", "--json")

    assert (table.returncode, machine.returncode) == (3, 3)
    assert table.stdout.splitlines()[0].split()[1:3] == ["base", "model"]
    assert json.loads(machine.stdout)["total"] == 6


def test_check_expirations_command_exits_with_0_where_nothing_ends() -> None:
    done = run("check-expirations", "--emulated", "--within-days", "1")

    assert (done.returncode, done.stdout) == (0, "Nothing ends within 1 day(s).\n")


@pytest.mark.parametrize("arguments", [("--within-days", "0"), ("--within-days", "soon"), ("--config", "missing.toml")])
def test_check_expirations_command_exits_with_2_for_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run("check-expirations", *arguments).returncode == 2


@pytest.mark.usefixtures("no_retry_waits")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
def test_check_expirations_command_says_first_what_did_not_answer(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With every resource unreachable nothing is said about what ends."""
    file = tmp_path / "resources.toml"
    key = 'region = "eastus"\nendpoint = "http://127.0.0.1:9"\nkey = { env = "ANY_KEY" }\n'
    file.write_text(f'default = "one"\n[resources.one]\n{key}[resources.two]\n{key}', encoding="utf-8")

    done = run("check-expirations", "--config", str(file), *options, ANY_KEY="x")

    assert done.returncode == 1
    assert done.stdout.startswith('{"unread":[{"resource":"one","reason":"' if options else "Not read: one: ")
    assert " ends " not in done.stdout


def test_check_expirations_command_exits_with_1_for_an_unknown_resource() -> None:
    done = run("check-expirations", "--emulated", "--resource", "nothing")

    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "custom-speech-mcp: Nothing was done."
    assert "Use one of: emulator-eastus" in done.stderr


def test_check_data_command_prints_findings_and_exits_with_1_for_data_that_cannot_be_imported(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("\ufeffone line\nsee www.example.com\n", encoding="utf-8")
    bad.write_text("SPEECH_KEY=0123456789abcdef\n", encoding="utf-8")

    shown, refused = run("check-data", str(good)), run("check-data", str(bad), "--json")

    assert (shown.returncode, refused.returncode, run("check-data", "missing.txt").returncode) == (0, 1, 2)
    assert "Azure would leave out line 2: it contains a URI." in shown.stdout
    assert shown.stdout.endswith("These data can be imported.\n")
    assert json.loads(refused.stdout)["findings"][0]["rule"] == "data-is-valid"


def test_check_data_command_exits_with_3_for_data_that_need_a_repair(tmp_path: Path) -> None:
    text, pointer = tmp_path / "text.txt", tmp_path / "pointer.txt"
    text.write_bytes("one line\n".encode("utf-16"))
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    repaired, refused = run("check-data", str(text)), run("check-data", str(pointer))

    assert (repaired.returncode, refused.returncode) == (3, 1)
    assert "can be imported after a repair" in repaired.stdout
    assert "Git LFS pointer" in refused.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["doctor", "--emulated"],
        ["check-data", "docs/deploy.md"],
        ["check-expirations", "--emulated", "--within-days", "1500"],
        ["report", "--emulated"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_command_line_is_readable_at_80_columns_and_plain_without_a_terminal(arguments: list[str]) -> None:
    """Only what cannot be broken, an address, may be longer."""
    done = run(*arguments)
    lines = [*done.stdout.splitlines(), *(line for line in done.stderr.splitlines() if "[" in line)]

    assert done.stdout or arguments == ["report", "--emulated"]
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
    assert "\033" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)], ids="".join)
def test_help_fits_a_narrow_terminal(command: list[str]) -> None:
    """Examples are not broken, so that they can be copied."""
    lines = run(*command, "--help", COLUMNS="60").stdout.splitlines()

    assert [
        line for line in lines if len(line) > 60 and not line.strip().startswith(("custom-speech-mcp ", "[--"))
    ] == []


def test_command_line_says_that_a_folder_of_data_is_not_there(tmp_path: Path) -> None:
    said = run_process("--no-front", "--emulated", "--data-dir", str(tmp_path / "none")).stderr

    assert f"custom-speech-mcp: caution: --data-dir: {tmp_path}/none is not a folder.\n" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--toolsets", ""], "argument --toolsets: '': not a toolset; choose from models, "),
        (["--toolsets", "modles"], "argument --toolsets: 'modles': not a toolset; choose from models, "),
        (["serve", "--stop-seconds", "-5"], "argument --stop-seconds: '-5' is not a number of seconds from 0 to 3600"),
    ],
)
def test_command_line_repeats_a_value_that_is_wrong(arguments: list[str], said: str) -> None:
    done = run(*arguments)

    assert (done.returncode, said in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--http", "--port", "0"], "nothing is left running here, and work started in Azure continues."),
        (["emulator", "--port", "0"], "nothing is left running."),
    ],
    ids=["serve", "emulator"],
)
def test_interrupted_server_does_not_say_that_nothing_was_changed(arguments: list[str], said: str) -> None:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"PYTHONUTF8": "1"}
    ) as process:
        assert process.stdout
        while "http://127.0.0.1:" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]

    assert rest.splitlines()[-1] == f"custom-speech-mcp: interrupted; {said}"


VALUES = {"--config": ["doctor"], "--confirm": ["never"]}
"""A value for each shared option that takes one; the file is named like a command."""

REQUIRED = {"check-data": ["x.txt"], "rollout": ["x.toml"], "token": ["alice"]}


@pytest.mark.parametrize("option", SHARED)
@pytest.mark.parametrize("command", COMMANDS)
def test_shared_option_means_the_same_before_and_after_each_command_that_takes_it(command: str, option: str) -> None:
    given = [option, *VALUES.get(option, [])]
    required = REQUIRED.get(command, [])

    if option in create_parser(command).format_help():
        after = vars(parse([command, *required, *given]))
        assert vars(parse([*given, command, *required])) == after
        assert after != vars(parse([command, *required]))
    else:
        for arguments in ([*given, command, *required], [command, *required, *given]):
            with pytest.raises(SystemExit) as stopped:
                parse(arguments)
            assert stopped.value.code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_taken_before_it_as_well(command: str) -> None:
    """Those of one spelling take a value in every command or in none, so that the command is found for certain."""
    samples = {"--port": "5", "--toolsets": "models", "--wait": "5s", "--regions": "eastus"}
    for action in create_parser(command)._actions:
        option = (action.option_strings or ["--help"])[-1]
        if option == "--help":
            continue
        sample = str(next(iter(action.choices or []), samples.get(option, "7")))
        given = [option] if action.nargs == 0 else [option, sample]
        required = REQUIRED.get(command, [])

        assert vars(parse([*given, command, *required])) == vars(parse([command, *required, *given]))
        for other in map(create_parser, (None, *COMMANDS)):
            assert f"{option} " not in other.format_usage() or other.takes_value(option) == (action.nargs != 0)


@pytest.mark.usefixtures("no_retry_waits")
@pytest.mark.parametrize("arguments", [["--config", "prod.toml", "doctor"], ["doctor", "--config", "prod.toml"]])
def test_command_works_on_the_configuration_that_was_named_before_or_after_it(
    arguments: list[str], tmp_path: Path
) -> None:
    """Not on the emulator, which answers if nothing is configured."""
    (tmp_path / "prod.toml").write_text(
        "[resources.production]\nendpoint = 'http://127.0.0.1:9'\nkey = {env = 'PATH'}\n", encoding="utf-8"
    )
    named = [str(tmp_path / one) if one.endswith(".toml") else one for one in arguments]

    shown = run(*named, PATH="no key").stdout

    assert "the default is production" in shown
    assert "emulator" not in shown


def test_command_line_names_the_commands_if_a_command_is_misspelt(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--emulated", "rolout", "x.toml"])

    assert "'rolout' is not a command: choose from serve, demo, init, doctor" in capsys.readouterr().err


def test_rollout_plan_reads_its_file_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Every option that the settings need is there, not only those that tests pass."""
    file = tmp_path / "clinic.toml"
    file.write_text(
        '[model]\nresource = "emulator-eastus"\ndisplay_name = "Clinic"\nlocale = "en-US"\n'
        'datasets = ["Contoso audio with transcripts en-US"]\n\n[[targets]]\nresource = "emulator-westeurope"\n',
        encoding="utf-8",
    )

    planned = run_process("rollout", str(file), "--plan", "--emulated")

    assert planned.returncode == 2, planned.stderr
    assert "training" in (planned.stdout + planned.stderr).lower()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize(("terminal", "escapes"), [("xterm", True), ("dumb", False)])
def test_command_line_fits_a_narrow_terminal_and_sends_codes_only_to_one_that_takes_them(
    terminal: str, escapes: bool
) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = NOTHING_CONFIGURED | {"TERM": terminal, "COLUMNS": "60"}
    done = subprocess.run(
        [*COMMAND, "doctor", "--emulated"], check=False, stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    said = os.read(ours, 65_536) if escapes else b""
    os.close(ours)

    lines = done.stdout.decode().splitlines()
    assert [line for line in lines if len(line) > 60 and len(line.split()) > 3] == []
    assert (b"\033[K" in said) == escapes


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
def test_command_line_says_on_a_terminal_what_it_waits_for() -> None:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(COMMAND, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        said = server.stderr.readline()
        server.terminate()
        output, rest = server.communicate()
    os.close(theirs)
    os.close(ours)

    add = "claude mcp add --transport stdio custom-speech -- custom-speech-mcp"
    assert said == f"custom-speech-mcp: waiting for an MCP client on stdin. To add the server to Claude Code: {add}\n"
    assert (output, rest) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize("typed", [b"\x04", b"hello\n\x04"], ids=["nothing", "a line"])
@pytest.mark.parametrize("options", [[], ["--no-front"], ["serve"]], ids=["bare", "no-front", "serve"])
def test_command_line_ends_at_the_end_of_input_of_a_terminal(options: list[str], typed: bytes) -> None:
    """Ctrl-D, once; a server that waits for a second one looks as if it hung."""
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *options, "--emulated"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONUTF8": "1", "CUSTOM_SPEECH_EMULATOR_STATE": ":memory:"},
    ) as server:
        os.write(ours, typed)
        _, said = server.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)

    assert server.returncode == 0
    assert "Traceback" not in said


def test_command_line_says_at_an_interruption_what_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(options: object) -> int:
        raise KeyboardInterrupt

    for command, said in (("doctor", "nothing is left running"), ("rollout", "continue in Azure")):
        module = import_module(f"custom_speech_server.commands.{command}")
        monkeypatch.setattr(module, "run", interrupt)
        assert main([command, *REQUIRED.get(command, [])]) == 130
        assert said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize(
    ("environment", "escapes"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
    ids=["terminal", "dumb", "NO_COLOR"],
)
def test_demo_colours_only_where_that_is_wanted_and_says_at_an_interruption_that_nothing_is_left(
    environment: dict[str, str], escapes: bool
) -> None:
    """The only command that colours; it is interrupted after its first step."""
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "demo"], stdout=theirs, stderr=subprocess.PIPE, text=True, env={"PYTHONUTF8": "1"} | environment
    ) as process:
        os.close(theirs)
        said = b""
        while b"emulator-brazilsouth" not in said:
            said += os.read(ours, 65_536)
        process.send_signal(signal.SIGINT)
        left = process.communicate(timeout=60)[1]
    os.close(ours)

    assert (b"\033[" in said) == escapes
    assert process.returncode == 130
    interrupted = "custom-speech-mcp: interrupted; nothing was changed, and nothing is left running."
    assert left.splitlines()[-1] == interrupted
    assert "Traceback" not in left


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize(
    "environment", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}], ids=["dumb", "NO_COLOR"]
)
@pytest.mark.parametrize(
    "arguments",
    [
        ["doctor", "--emulated"],
        ["check-data", "README.md"],
        ["check-expirations", "--emulated"],
        ["report", "--emulated"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_command_writes_no_colour_to_a_terminal_that_wants_none(
    arguments: list[str], environment: dict[str, str]
) -> None:
    import pty

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        assert terminal.isatty()
        run(*arguments, stdout=terminal, **environment)
    said = os.read(ours, 65_536)
    os.close(ours)

    assert said
    assert b"\033" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_command_line_with_a_home_that_is_no_folder_works_on_an_emulator_in_memory(tmp_path: Path) -> None:
    """Nothing can be written below it, whoever runs the test; the network is not blamed."""
    home = tmp_path / "home"
    home.write_text("", encoding="utf-8")

    done = run_process("check-expirations", "--within-days", "1500", HOME=str(home), CUSTOM_SPEECH_EMULATOR_STATE="")

    caution = "caution: the state directory cannot be written, so the emulator keeps its state in memory."
    assert (done.returncode, done.stderr) == (3, f"custom-speech-mcp: {caution}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="nothing can be written below /proc and /dev/null, whoever asks")
@pytest.mark.parametrize("home", ["/proc/self", "/dev/null/home"], ids=["read-only", "no folder"])
def test_command_line_with_a_home_that_cannot_be_written_works_on_an_emulator_in_memory(home: str) -> None:
    done = run_process("check-expirations", "--within-days", "1500", HOME=home, CUSTOM_SPEECH_EMULATOR_STATE="")

    caution = "caution: the state directory cannot be written, so the emulator keeps its state in memory."
    assert (done.returncode, done.stderr) == (3, f"custom-speech-mcp: {caution}\n")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="permissions do not bind root")
def test_command_line_with_a_read_only_state_directory_works_on_an_emulator_in_memory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o500)

    done = run_process(
        "check-expirations", XDG_STATE_HOME=str(state), HOME=str(tmp_path), CUSTOM_SPEECH_EMULATOR_STATE=""
    )

    assert "so the emulator keeps its state in memory." in done.stderr
    assert list(state.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="nothing can be written below /proc and /dev/null, whoever asks")
@pytest.mark.parametrize("home", ["/proc/self", "/dev/null/home"], ids=["read-only", "no folder"])
def test_server_of_real_resources_says_what_it_cannot_keep_below_a_home_that_cannot_be_written(home: str) -> None:
    """The tools that read work; what protects writes is missing, and the start says so."""
    real = {"SPEECH_KEY": "key", "SPEECH_REGION": "eastus"}
    done = run_process("--no-front", HOME=home, **real)

    assert done.returncode == 0
    state = f"{home}/.local/state/custom-speech-mcp"
    cannot = [line for line in done.stderr.splitlines() if line.startswith("custom-speech-mcp: caution: ")]
    assert [line.split(" (")[0].removeprefix("custom-speech-mcp: caution: ") for line in cannot] == [
        f"{state} cannot be written",
        f"the audit file {state}/audit.jsonl cannot be written",
    ]


@pytest.mark.parametrize(
    ("executable", "cause"), [("/nowhere/python", "No such file"), ("false", "Connection closed")], ids=["none", "ends"]
)
def test_demo_says_in_a_line_that_its_server_does_not_start(
    executable: str, cause: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", executable)

    assert main(["demo"]) == 1
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if line] == [shown.strip()]
    assert shown.startswith("\nFAILED: the server could not be used: ")
    assert cause in shown
    assert shown.endswith(". If the cause is unclear, reinstall custom-speech-mcp.\n")


def test_demo_says_in_a_line_which_step_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def step(client: Client) -> None:
        raise demo.StepFailedError("nothing was listed")

    monkeypatch.setattr(demo, "STEPS", (step,))

    assert main(["demo"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "FAILED: nothing was listed"


@pytest.mark.long
def test_demo_is_independent_of_the_users_own_settings(tmp_path: Path) -> None:
    """It would otherwise fail, ask nobody, and write into the user's audit log."""
    audit = tmp_path / "audit.jsonl"
    done = run_process(
        "demo", CUSTOM_SPEECH_CONFIRM="maybe", CUSTOM_SPEECH_AUDIT=str(audit), CUSTOM_SPEECH_MAX_WAIT="x"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The user agrees." in done.stdout
    assert not audit.exists()
