"""init: from what the Azure CLI knows to resources.toml, with a stand-in for `az` on the PATH."""

import json
import os
import pty
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from custom_speech_server import azure_cli
from custom_speech_server.__main__ import main
from custom_speech_server.commands.init import parse_choice
from custom_speech_server.resource_config import from_file
from support.azure_cli import SUBSCRIPTION, TENANT, StandIn, account, custom_domain, subscription
from support.emulator_process import outside
from support.tool_client import Caller

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a POSIX program")

TRAIN = account("contoso-train")
TRAIN_TABLE = f"""\
[resources.contoso-train]
region = "eastus"
resource_id = "{TRAIN["id"]}"
key = {{ command = ["AZ", "cognitiveservices", "account", "keys", "list", "--name", "contoso-train", \
"--resource-group", "speech", "--subscription", "{SUBSCRIPTION}", "--query", "key1", "--output", "tsv"] }}
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    """The address of an emulator in a process of its own."""
    with outside() as service:
        yield service.address


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_retry_waits: None) -> StandIn:
    """A stand-in on a PATH that has nothing else; no resource answers, and nothing is sent outside."""
    stand_in = StandIn(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(stand_in.folder))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("CUSTOM_SPEECH_CONFIG", str(tmp_path / "configuration" / "resources.toml"))
    for name in ("SPEECH_KEY", "AZURE_SPEECH_KEY"):
        monkeypatch.delenv(name, raising=False)
    stand_in.know(TRAIN)
    return stand_in


@pytest.fixture
def file(az: StandIn, tmp_path: Path) -> Path:
    """The file that init writes."""
    return tmp_path / "configuration" / "resources.toml"


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def init(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command and return its exit status and all that it printed, with single spaces."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["init", *arguments])
        return status, " ".join("".join(capsys.readouterr()).split())

    return run


def entries(file: Path) -> dict[str, Any]:
    """Return the tables of the file, which the product accepts."""
    from_file(file, os.environ)
    return dict(tomllib.loads(file.read_text("utf-8-sig"))["resources"])


def test_init_writes_a_key_command_and_no_key(az: StandIn, file: Path, init: Run) -> None:
    status, said = init("--all")

    assert status == 1  # nothing answers here
    assert file.read_text("utf-8") == TRAIN_TABLE.replace("AZ", str(az.path))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Subscription Contoso" in said
    assert "1 contoso-train Speech eastus S0 on yes" in said
    assert "Added contoso-train in" in said
    assert "The connection was refused" in said or "connection was refused" in said
    assert "emulator-eastus-key" not in said


def test_init_then_one_question_lead_from_nothing_to_a_trained_model(
    az: StandIn, emulator: str, tmp_path: Path, file: Path
) -> None:
    """The question of init is answered on a terminal; the charge is agreed to by `--confirm never`."""
    az.know(account("contoso-train", endpoint=emulator + "/"), account("contoso-berlin", "germanywestcentral"))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "custom_speech_server", "init"], stdin=theirs, stdout=subprocess.PIPE, text=True
    ) as process:
        os.write(ours, b"9\n2\n")
        said = process.communicate(timeout=60)[0]
    os.close(ours)
    os.close(theirs)

    assert process.returncode == 0, said
    assert "Use the numbers or names above." in said
    assert "2025-10-15    answers (configured)" in said
    assert list(entries(file)) == ["contoso-train"]


def test_server_trains_with_what_init_wrote(az: StandIn, emulator: str, file: Path, init: Run) -> None:
    az.know(account("contoso-train", endpoint=emulator + "/"))
    assert main(["init", "--all"]) == 0
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "custom_speech_server", "--confirm", "never"], env=dict(os.environ)
    )

    async def train() -> dict[str, Any]:
        request = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
        async with Client(server) as client:
            model = await Caller(client)("create_model", **request)
            return await Caller(client)("get_model", model=model["id"], wait_seconds=30)

    model = anyio.run(train)

    assert (model["status"], model["resource"], model["emulated"]) == ("Succeeded", "contoso-train", True)


def test_init_signs_in_with_entra_where_keys_are_switched_off(az: StandIn, file: Path, init: Run) -> None:
    az.know(account("contoso-berlin", "germanywestcentral", disableLocalAuth=True, **custom_domain("contoso-berlin")))

    _, said = init("--all")

    assert entries(file)["contoso-berlin"] == {
        "region": "germanywestcentral",
        "endpoint": "https://contoso-berlin.cognitiveservices.azure.com",
        "resource_id": account("contoso-berlin")["id"],
        "auth": "entra",
        "tenant": TENANT,
    }
    assert "contoso-berlin Speech germanywestcentral S0 off no" in said
    assert "pip install 'custom-speech-mcp[entra]'" in said


def test_init_says_why_a_resource_cannot_be_added(az: StandIn, file: Path, init: Run) -> None:
    az.know(account("locked", disableLocalAuth=True), account("odd", endpoint="https://contoso.example/"))

    status, said = init("--all")

    assert (status, file.exists()) == (0, False)
    assert (
        "- locked Speech eastus S0 off yes cannot be added: its keys are switched off, and signing in requires a"
        in said
    )
    assert f"--name locked --resource-group speech --subscription {SUBSCRIPTION} --custom-domain NAME" in said
    assert "- odd Speech eastus S0 on yes cannot be added: its endpoint https://contoso.example/ is not a host" in said


@pytest.mark.parametrize(
    ("mark", "newline", "end"),
    [(b"", b"\n", b"\n"), (b"\xef\xbb\xbf", b"\r\n", b""), (b"", b"\n", b"")],
    ids=["ordinary", "written by Windows", "no newline at the end"],
)
def test_init_appends_and_every_byte_of_the_file_survives(
    az: StandIn, file: Path, init: Run, mark: bytes, newline: bytes, end: bytes
) -> None:
    lines = [
        b"# ours",
        b'default = "other" # keep',
        b"[resources.other]",
        b'region = "westus"',
        b'key = {env = "PATH"}',
    ]
    before = mark + newline.join(lines) + end
    file.parent.mkdir()
    file.write_bytes(before)
    file.chmod(0o640)

    init("--all")

    assert file.read_bytes().startswith(before)
    assert file.read_bytes().count(b"\n") == file.read_bytes().count(newline)
    assert list(entries(file)) == ["other", "contoso-train"]
    assert file.stat().st_mode & 0o777 == 0o640


def test_init_shows_what_differs_and_changes_nothing(az: StandIn, file: Path, init: Run) -> None:
    before = f'[resources.train]\nregion = "westus"\nkey = {{ env = "PATH" }}\nresource_id = "{TRAIN["id"].upper()}"\n'
    file.parent.mkdir()
    file.write_text(before.replace("/SUBSCRIPTIONS", "/subscriptions"), encoding="utf-8")
    kept = file.read_bytes()

    status, said = init("--all")

    assert (status, file.read_bytes()) == (0, kept)
    assert "- contoso-train Speech eastus S0 on yes in the file as train; region is westus, in Azure eastus;" in said
    assert said.endswith("Nothing was added.")


def test_init_repairs_what_is_missing_below_the_header_of_its_table(az: StandIn, file: Path, init: Run) -> None:
    file.parent.mkdir()
    file.write_text(
        '[resources.contoso-train] # ours\nregion = "eastus"\nkey = { env = "PATH" }\n'
        '\n[resources.berlin]\nendpoint = "https://contoso-berlin.cognitiveservices.azure.com"\nkey = { env = "PATH" }',
        encoding="utf-8",
    )
    berlin = account("contoso-berlin", "germanywestcentral", **custom_domain("contoso-berlin"))
    az.know(TRAIN, berlin)

    _, said = init()
    _, repaired = init("--repair")

    assert "in the file as contoso-train; resource_id is missing (--repair adds it)." in said
    assert "Completed" in repaired
    assert file.read_text("utf-8") == (
        f'[resources.contoso-train] # ours\nresource_id = "{TRAIN["id"]}"\n'
        'region = "eastus"\nkey = { env = "PATH" }\n'
        f'\n[resources.berlin]\nregion = "germanywestcentral"\nresource_id = "{berlin["id"]}"\n'
        'endpoint = "https://contoso-berlin.cognitiveservices.azure.com"\nkey = { env = "PATH" }'
    )


def test_init_repairs_no_entry_that_fits_two_resources(az: StandIn, file: Path, init: Run) -> None:
    file.parent.mkdir()
    file.write_text('[resources.contoso-train]\nregion = "eastus"\nkey = { env = "PATH" }\n', encoding="utf-8")
    az.know(TRAIN, account("contoso-train", group="copy"))
    before = file.read_bytes()

    _, said = init("--repair")

    assert file.read_bytes() == before
    assert said.count("the entry matches several resources: set its resource_id by hand") == 2


def test_init_with_tables_that_it_cannot_extend_prints_what_to_add(az: StandIn, file: Path, init: Run) -> None:
    file.parent.mkdir()
    file.write_text('resources = { other = { region = "westus", key = { env = "PATH" } } }\n', encoding="utf-8")
    before = file.read_bytes()

    status, said = init("--all")

    assert (status, file.read_bytes()) == (2, before)
    assert "Add these lines:" in said
    assert " ".join(TRAIN_TABLE.replace("AZ", str(az.path)).split()) in said


def test_init_dry_run_prints_the_file_and_writes_nothing(az: StandIn, file: Path, init: Run) -> None:
    status, said = init("--all", "--dry-run")

    assert (status, file.parent.exists()) == (0, False)
    assert said.endswith(" ".join(TRAIN_TABLE.replace("AZ", str(az.path)).split()))


def test_init_gives_names_that_are_valid_and_differ(az: StandIn, file: Path, init: Run) -> None:
    """Azure allows 64 characters, dots and the same name in two groups."""
    long = "contoso-" + "x" * 56
    like_a_key = account("contosospeechproduction0001")
    az.know(TRAIN, account("Contoso-Train", group="copy"), account("a.b"), account("größe"), account(long), like_a_key)

    init("--all")

    assert list(entries(file)) == ["a.b", "Contoso-Train", "contoso-train-2", long[:40], "speech-eastus", "gr--e"]


def test_init_adds_only_what_is_named(az: StandIn, file: Path, init: Run) -> None:
    twin = account("contoso-train", group="copy")
    az.know(TRAIN, twin, account("contoso-berlin"))

    unknown = init("--only", "contoso-tarin")
    init("--only", "CONTOSO-BERLIN", twin["id"])

    assert unknown[0] == 2
    assert 'lists no Speech resource "contoso-tarin". Nothing was written.' in unknown[1]
    assert {name: entry["resource_id"] for name, entry in entries(file).items()} == {
        "contoso-berlin": account("contoso-berlin")["id"],
        "contoso-train": twin["id"],
    }


def test_init_asks_nobody_without_a_terminal(
    az: StandIn, file: Path, init: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        status, said = init()

    assert (status, file.exists()) == (2, False)
    assert "There is no terminal to ask the user: add --all, or --only with names." in said


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("", []),
        ("1", [0]),
        ("1, 3", [0, 2]),
        ("2-3 1", [0, 1, 2]),
        ("B", [1]),
        ("all", [0, 1, 2]),
        ("0", None),
        ("2-4", None),
        ("3-2", None),
        ("none", None),
        ("-1", None),
    ],
)
def test_init_understands_numbers_ranges_names_and_all(answer: str, chosen: list[int] | None) -> None:
    assert parse_choice(answer, ["a", "b", "c"]) == chosen


def test_init_without_az_says_how_to_get_it_and_what_to_set_instead(
    az: StandIn, file: Path, init: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    status, said = init("--all")

    assert (status, file.exists()) == (2, False)
    assert "is not on the PATH. Install it" in said
    assert "set SPEECH_KEY and SPEECH_REGION" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"output": "[]"}, "no user is signed in, or the user has none. Run: az login"),
        (
            {"status": 1, "errors": "FEHLER: Führen Sie az login aus.\n"},
            '`az account list` ended with exit status 1: "FEHLER: Führen Sie az login aus.". Sign in again (az login)',
        ),
        (
            {"status": 2, "errors": "az: 'account' is not in the 'az' command group."},
            "update it (az upgrade)",
        ),
        (
            {"output": "<html><body>Proxy sign-in</body></html>"},
            'did not print a JSON array of objects: "<html><body>Proxy',
        ),
        ({"output": '[{"id": "1111'}, 'did not print a JSON array of objects: "[{"id": "1111'),
        ({"output": "[1, 2]"}, "did not print a JSON array of objects"),
        ({"output": ""}, "did not print a JSON array of objects"),
        ({"output": "[" + " " * 33 * 1024 * 1024}, "it printed more than 32768 KiB"),
        ({"seconds": 30}, "it did not end within 0 s. Run it in a terminal."),
    ],
    ids=["not signed in", "another language", "old", "HTML", "cut off", "numbers", "nothing", "endless", "slow"],
)
def test_init_says_what_is_wrong_with_az(
    az: StandIn, file: Path, init: Run, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], said: str
) -> None:
    if "seconds" in answer:
        monkeypatch.setattr(azure_cli, "MAX_SECONDS", 0.3)
    az.answer("account list --output", **answer)

    status, printed = init("--all")

    assert (status, file.exists()) == (2, False)
    assert said in printed


def test_init_reads_json_after_warnings_and_a_mark(az: StandIn, file: Path, init: Run) -> None:
    """As older versions print them, and forms in which the properties stand beside the name."""
    old = {name: value for name, value in TRAIN.items() if name != "properties"} | TRAIN["properties"]
    warning = "\ufeffWARNING: You have 2 updates available.\n[beta] is in preview.\n"
    az.answer("account list", output=warning + json.dumps([old], indent=2) + "\nConsider updating.\n")
    az.answer("account list --output", output=warning + json.dumps([subscription()]))

    init("--all")

    assert list(entries(file)) == ["contoso-train"]


@pytest.mark.parametrize("line", ["\n", " \n", "[1]\n" * 10 + "WARNING\n"], ids=["empty", "blank", "numbers"])
def test_init_reads_json_after_lines_that_hold_none(az: StandIn, file: Path, init: Run, line: str) -> None:
    """At a cost that grows with the square of their number this would not end."""
    many = 1 if "1" in line else 10**5
    az.answer("account list", output=f"WARNING\n{line * many}{json.dumps([TRAIN])}\n{line * many}")
    az.answer("account list --output", output=json.dumps([subscription()]))

    init("--all")

    assert list(entries(file)) == ["contoso-train"]


def test_init_refuses_100000_lists_that_do_not_end(az: StandIn, file: Path, init: Run) -> None:
    az.answer("account list --output", output="[\n" * 10**5)

    status, said = init("--all")

    assert (status, file.exists()) == (2, False)
    assert "did not print a JSON array of objects" in said


def test_init_goes_on_where_one_of_several_tenants_does_not_answer(az: StandIn, file: Path, init: Run) -> None:
    other = "22222222-2222-3333-4444-555555555555"
    az.answer("account list", output=json.dumps([account("contoso-berlin", subscription=other)]))
    az.answer(f"--subscription {SUBSCRIPTION}", status=1, errors="AADSTS50076: use multi-factor authentication.")
    az.answer("account list --output", output=json.dumps([subscription(), subscription("Berlin", id=other)]))

    _, said = init("--all")

    assert list(entries(file)) == ["contoso-berlin"]
    assert "Not read: subscription Contoso:" in said
    assert "AADSTS50076" in said


def test_init_looks_in_one_subscription_only(az: StandIn, file: Path, init: Run) -> None:
    other = "22222222-2222-3333-4444-555555555555"
    az.answer("account list --output", output=json.dumps([subscription(), subscription("Berlin", id=other)]))

    init("--all", "--subscription", "BERLIN")
    unknown = init("--all", "--subscription", "Paris")

    listed = [asked for asked in az.asked() if asked[:3] == ["cognitiveservices", "account", "list"]]
    assert [asked[4] for asked in listed] == [other]
    assert unknown == (
        2,
        'custom-speech-mcp: No subscription is called "Paris". Use one of: Contoso, Berlin.',
    )


def test_init_lists_2000_accounts_and_leaves_out_other_kinds(az: StandIn, file: Path, init: Run) -> None:
    kinds = ["SpeechServices", "AIServices", "CognitiveServices", "OpenAI"]
    az.know(*(account(f"speech-{number:04}", kind=kinds[number % 4]) for number in range(2000)))

    status, said = init("--only", "speech-1998")

    assert (status, list(entries(file))) == (1, ["speech-1998"])
    assert "1500 speech-1998 multi-service eastus S0 on yes" in said
    assert "speech-1999" not in said


def test_init_says_which_account_it_does_not_understand(az: StandIn, file: Path, init: Run) -> None:
    """What becomes an argument of `az` again is checked; nothing of it can be an option or a second line."""
    az.know(TRAIN, account("--output") | {"name": "--output"}, account("odd") | {"location": None})

    _, said = init("--all")

    assert list(entries(file)) == ["contoso-train"]
    assert "Not read: account --output: `az` returned no valid name, id" in said
    assert "Not read: account odd: `az` returned no valid location" in said


def test_init_in_a_folder_that_cannot_be_written_leaves_nothing(
    az: StandIn, file: Path, init: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    status, said = init("--all")

    assert (status, list(file.parent.iterdir())) == (2, [])
    assert "cannot be written (Permission denied). Nothing was written. --dry-run prints the content" in said


def test_init_does_not_overwrite_what_was_changed_while_it_asked(
    az: StandIn, file: Path, init: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(prompt: str) -> str:
        file.parent.mkdir()
        file.write_text("# written meanwhile\n", encoding="utf-8")
        return "all"

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    status, said = init()

    assert (status, file.read_text("utf-8")) == (2, "# written meanwhile\n")
    assert "was changed by another program. Nothing was written; retry." in said


def test_init_interrupted_while_az_runs_writes_nothing_and_ends_az(az: StandIn, file: Path) -> None:
    az.answer("account list --output", seconds=600)
    with subprocess.Popen(
        [sys.executable, "-m", "custom_speech_server", "init", "--all"], stderr=subprocess.PIPE, text=True
    ) as process:
        while not (az.folder / "asked").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]

    assert (process.returncode, file.parent.exists()) == (130, False)
    assert said == "custom-speech-mcp: interrupted; nothing was changed, and nothing is left running.\n"
