"""The configuration of resources …"""

import os
import sys
import types
from decimal import Decimal
from pathlib import Path

import pytest

from custom_speech_server.config_source import ConfigurationError, has_user_config, is_configured, user_config_file
from custom_speech_server.credentials import KeyringKey
from custom_speech_server.resource_config import EMULATED, from_file, load
from custom_speech_tools.speech import NoCredentialError
from custom_speech_tools.speech.resource import Prices

pytestmark = pytest.mark.anyio

ID = "/subscriptions/0/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/train"
WHOLE = f"""
default = "berlin"

[resources.train]
region = "eastus"
resource_id = "{ID}"
key = {{ env = "TRAIN_KEY" }}

[resources.berlin]
endpoint = "https://contoso-berlin.cognitiveservices.azure.com"
region = "germanywestcentral"
api_version = "v3.2"
trains_audio = true
read_only = true
key = {{ command = ["{Path(sys.executable).as_posix()}", "-c", "print('from a command')"] }}
"""


def file_of(folder: Path, text: str) -> Path:
    """A configuration file."""
    file = folder / "resources.toml"
    file.write_text(text, encoding="utf-8")
    return file


async def test_config_reads_the_file(tmp_path: Path) -> None:
    """Everything that an entry can say."""
    found = from_file(file_of(tmp_path, WHOLE), {"TRAIN_KEY": "from the environment"})

    train, berlin = found.all
    assert (found.default, found.in_process) == ("berlin", False)
    assert (train.endpoint, train.resource_id) == ("https://eastus.api.cognitive.microsoft.com", ID)
    assert (berlin.api_version.name, berlin.trains_audio, berlin.read_only) == ("v3.2", True, True)
    assert await train.credential.headers() == {"Ocp-Apim-Subscription-Key": "from the environment"}
    assert await berlin.credential.headers() == {"Ocp-Apim-Subscription-Key": "from a command"}


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("usgovvirginia", "https://usgovvirginia.api.cognitive.microsoft.us"),
        ("chinaeast2", "https://chinaeast2.api.cognitive.azure.cn"),
    ],
)
def test_config_knows_the_hosts_of_the_sovereign_clouds(region: str, endpoint: str) -> None:
    """From the region alone."""
    assert load(None, {"SPEECH_KEY": "k", "SPEECH_REGION": region}).all[0].endpoint == endpoint


def test_config_the_environment_makes_one_resource() -> None:
    """A key with a region, or with an endpoint."""
    by_region = load(None, {"SPEECH_KEY": "k", "SPEECH_REGION": "westeurope"})
    by_endpoint = load(None, {"SPEECH_KEY": "k", "SPEECH_ENDPOINT": "http://127.0.0.1:8765"})

    assert [(one.name, one.region, one.emulated) for one in by_region.all] == [("speech", "westeurope", False)]
    assert [(one.name, one.region, one.emulated) for one in by_endpoint.all] == [("speech", None, False)]


def test_config_with_nothing_the_emulators_are_there(tmp_path: Path) -> None:
    """No account, no file, no variable."""
    assert load(None, {"XDG_CONFIG_HOME": str(tmp_path)}) is EMULATED


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the folder does not come from a variable")
def test_config_of_the_user_that_cannot_be_read_is_reported_and_not_emulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to itself, which is unreadable for everybody."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    user_config_file().parent.mkdir()
    user_config_file().symlink_to(user_config_file())

    assert is_configured(None, os.environ)
    with pytest.raises(ConfigurationError, match="cannot be read: Too many levels of symbolic links"):
        load(None, os.environ)


def test_config_the_key_is_in_no_repr(tmp_path: Path) -> None:
    """Not of a resource, not of its credential."""
    found = from_file(file_of(tmp_path, WHOLE), {"TRAIN_KEY": "canary-key"})

    assert "canary-key" not in repr(found) + repr(found.all[0].credential) + str(vars(found.all[0].credential))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = 3", ["line 1, default: must be text in quotes", "resources: the file has no table"]),
        ("[resources]", ["line 1, resources: the file has no table"]),
        ("[resources.a]\nregion = 'eastus'", ["resources.a: requires either key"]),
        ("[resources.a]\nkey = {env='K'}", ["resources.a: requires region or endpoint"]),
        ("[resources.a]\nregion = 'eastus'\nkey = 'abc'", ["resources.a.key: must be a reference, not the key itself"]),
        ("[resources.a]\nregion = 'eastus'\nkey = {}", ["resources.a.key: name one source"]),
        ("[resources.a]\nregion = 'East US'\nkey = {env='K'}", ["resources.a.region: is not a region name"]),
        (
            "[resources.a]\nregion = 'eastus'\nresource_id = 'contoso'\nkey = {env='K'}",
            ["resources.a.resource_id: is not an Azure resource id"],
        ),
        ("[resources.a]\nregoin = 'eastus'\nkey = {env='K'}", ["resources.a.regoin: is not a known setting"]),
        (
            "[resources.a]\nendpoint = 'https://evil.example'\nkey = {env='K'}",
            ["resources.a.endpoint: is not a host of Azure Speech over https"],
        ),
        (
            "[resources.a]\nendpoint = 'http://eastus.api.cognitive.microsoft.com'\nkey = {env='K'}",
            ["is not a host of Azure Speech over https"],
        ),
        ("[resources.a]\nregion = 'eastus'\nauth = 'entra'", ["requires the custom domain"]),
        ("[resources.a]\nregion = 'eastus'\napi_version = 'v3.1'\nkey = {env='K'}", ["resources.a.api_version: "]),
        ("[resources.a]\nregion = 'eastus'\nkey = {env='NONE'}", ["resources.a.key: variable NONE is not set"]),
        (
            "default = 'b'\n[resources.a]\nregion = 'eastus'\nkey = {env='K'}",
            ["default: is not a resource of the file. Use one of: a."],
        ),
        ("this is no toml", ["is not valid TOML"]),
    ],
)
def test_config_a_wrong_file_is_refused_with_place_and_mend(tmp_path: Path, text: str, said: list[str]) -> None:
    """File, entry, and what to do."""
    file = file_of(tmp_path, text)

    with pytest.raises(ConfigurationError) as refused:
        from_file(file, {"K": "canary-key"})

    assert str(refused.value).startswith(str(file))
    assert all(part in str(refused.value) for part in said), str(refused.value)
    assert "canary-key" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SPEECH_KEY": "k"}, "SPEECH_REGION or SPEECH_ENDPOINT is not set"),
        ({"SPEECH_REGION": "eastus"}, "SPEECH_KEY is not set"),
        ({"SPEECH_KEY": "", "SPEECH_REGION": "eastus"}, "SPEECH_KEY is not set"),
        ({"SPEECH_KEY": "k", "SPEECH_REGION": "East US"}, "SPEECH_REGION: is not a region name"),
        (
            {"SPEECH_KEY": "k", "SPEECH_ENDPOINT": "https://evil.example"},
            "SPEECH_ENDPOINT: is not a host of Azure Speech over https",
        ),
        ({"CUSTOM_SPEECH_CONFIG": "/nowhere/resources.toml"}, "cannot be read"),
    ],
)
def test_config_a_wrong_environment_is_never_emulated_instead(environment: dict[str, str], said: str) -> None:
    """Who configures something real gets that or an error."""
    with pytest.raises(ConfigurationError, match=said):
        load(None, environment)


MINIMAL = '[resources.train]\nregion = "eastus"\nkey = { env = "TRAIN_KEY" }\n'


def test_config_is_read_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Windows editors write one."""
    file = tmp_path / "resources.toml"
    file.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())

    assert from_file(file, {"TRAIN_KEY": "k"}).default == "train"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_config_in_utf_16_is_refused_with_how_to_save_it(tmp_path: Path, encoding: str) -> None:
    """As `>` of Windows PowerShell 5.1 writes it."""
    file = tmp_path / "resources.toml"
    file.write_bytes((b"\xfe\xff" if encoding == "utf-16-be" else b"") + MINIMAL.encode(encoding))

    with pytest.raises(ConfigurationError, match=r"UTF-16.*Set-Content -Encoding utf8"):
        from_file(file, {})


KEY = "4f1c0de5a9b84e3d8c7b6a5f4e3d2c1b4f1c0de5a9b84e3d8c7b6a5f4e3d2c1b"


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL.replace("TRAIN_KEY", f"{KEY}-x"),
        f'default = "{KEY}"\n' + MINIMAL,
        MINIMAL + f'"{KEY}" = 1\n',
        MINIMAL.replace('{ env = "TRAIN_KEY" }', f'"{KEY}"'),
        MINIMAL.replace('"eastus"', f'"{KEY.upper()}"'),
        f"{KEY} {KEY}\n" + MINIMAL,
        f'[resources."{KEY}"]\nregion = "eastus"\n',
    ],
    ids=["env", "default", "a name", "key", "region", "a line", "a resource"],
)
def test_config_does_not_print_a_key_in_the_wrong_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        from_file(file_of(tmp_path, text), {})

    assert KEY not in str(error.value)
    assert KEY.upper() not in str(error.value)


FOUNDRY = "/subscriptions/0/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/train"
COMPLETE = f'[resources.train]\nregion = "eastus"\nresource_id = "{FOUNDRY}"\nkey = {{ env = "TRAIN_KEY" }}\n'
ENTRA = '[resources.train]\nregion = "eastus"\nauth = "entra"\n'


def with_line(line: str) -> str:
    """Return a complete configuration with one line more in its table."""
    return COMPLETE + line + "\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1, resources: the file has no table [resources.NAME]"),
        (
            COMPLETE.replace("region", "regoin"),
            "line 2, resources.train.regoin: is not a known setting; did you mean region?",
        ),
        (
            COMPLETE.replace('"eastus"', '"East US 2"'),
            'line 2, resources.train.region: is not a region name; write it as in host names: region = "eastus2"',
        ),
        (
            COMPLETE.replace('"eastus"', "eastus"),
            "is not valid TOML: Invalid value (at line 2, column 10). Put text in double quotes",
        ),
        (
            'data_dirs = ["C:\\data"]\n' + COMPLETE,
            "is not valid TOML: Unescaped '\\' in a string (at line 1, column 19). Put text in double quotes",
        ),
        (COMPLETE + COMPLETE, "Cannot declare ('resources', 'train') twice (at line 5, column 17)"),
        ('data_dirs = "~/speech"\n' + COMPLETE, 'line 1, data_dirs: must be a list: ["…"]'),
        (with_line("read_only = 'always'"), "line 5, resources.train.read_only: must be true or false"),
        (
            with_line("api_version = 'v3.1'"),
            "line 5, resources.train.api_version: must be '2025-10-15', 'v3.2' or '2024-11-15'",
        ),
        (
            with_line("endpoint = 'https://contoso.services.ai.azure.com'"),
            "line 5, resources.train.endpoint: is not a host of Azure Speech over https: write https://contoso.cognitiveservices.azure.com",
        ),
        (
            with_line("endpoint = 'https://eastus.stt.speech.microsoft.com'"),
            "write https://eastus.api.cognitive.microsoft.com",
        ),
        (
            with_line("endpoint = 'contoso.cognitiveservices.azure.com'"),
            "line 5, resources.train.endpoint: is not a URL; write https://contoso.cognitiveservices.azure.com",
        ),
        (
            with_line("endpoint = 'https://eastus.api.cognitive.microsoft.com/sts/v1.0/issuetoken'"),
            "must not have a path: write https://eastus.api.cognitive.microsoft.com",
        ),
        (
            with_line("endpoint = 'https://westeurope.api.cognitive.microsoft.com'"),
            "line 1, resources.train: region is eastus, but endpoint is in westeurope: remove the wrong one",
        ),
        (
            COMPLETE.replace(FOUNDRY, "contoso-train"),
            "line 3, resources.train.resource_id: is not an Azure resource id, which starts with /subscriptions/. ",
        ),
        (
            COMPLETE.replace('{ env = "TRAIN_KEY" }', f'"{KEY}"'),
            'line 4, resources.train.key: must be a reference, not the key itself: { env = "…" }',
        ),
        (
            COMPLETE.replace("TRAIN_KEY", "NOT_SET"),
            "line 4, resources.train.key: variable NOT_SET is not set or empty. Set it and start again.",
        ),
        (
            COMPLETE.replace("key =", "# key ="),
            'line 1, resources.train: requires either key = { env = "…" } or auth = "entra"',
        ),
        (
            ENTRA,
            'line 1, resources.train: auth = "entra" requires the custom domain as endpoint: https://NAME.cognitiveservices.azure.com',
        ),
        (
            COMPLETE.replace("resources.train", 'resources."Train in Boston"'),
            "line 1, resources.Train in Boston: must be a short name of letters, digits",
        ),
        ('default = "trian"\n' + COMPLETE, "line 1, default: is not a resource of the file. Use one of: train."),
        (
            COMPLETE + '[prices]\ncurrency = "dollars"\n',
            'line 6, prices.currency: must be a currency code, such as "USD"',
        ),
        (
            COMPLETE + '[prices]\ncurrency = "USD"\ntraining_per_hour = "10 USD"\n',
            "line 7, prices.training_per_hour: must be a number, such as 10.50",
        ),
        (
            COMPLETE + "[prices]\ntraining = 10\n",
            "line 6, prices.training: is not a known setting; did you mean training_per_hour?",
        ),
    ],
)
def test_wrong_configuration_is_explained_at_its_line_with_what_was_meant(
    tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_file(file_of(tmp_path, text), {"TRAIN_KEY": "k"})

    assert fault in str(refused.value)
    assert KEY not in str(refused.value)


def test_data_folder_that_is_missing_is_reported(tmp_path: Path) -> None:
    file = file_of(tmp_path, f"data_dirs = ['{tmp_path / 'none'}']\n" + COMPLETE)

    assert from_file(file, {"TRAIN_KEY": "k"}).warnings == (f"{file}: data_dirs: {tmp_path / 'none'} is not a folder.",)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "said"), [(0o620, 0o700, "mode 620"), (0o600, 0o777, "every user")]
)
def test_config_that_others_can_change_is_reported(tmp_path: Path, file_mode: int, folder_mode: int, said: str) -> None:
    file = file_of(tmp_path, MINIMAL)
    file.chmod(file_mode)
    tmp_path.chmod(folder_mode)

    [warning] = from_file(file, {"TRAIN_KEY": "k"}).warnings

    assert said in warning


def test_variables_that_a_client_left_unfilled_are_left_out() -> None:
    """Bundles name their settings as ${user_config.…}; some clients pass that on where nothing was typed."""
    environment = {"SPEECH_KEY": "${user_config.speech_key}", "SPEECH_REGION": "", "CUSTOM_SPEECH_CONFIG": "${env:X}"}

    assert load(None, environment) == EMULATED


@pytest.mark.parametrize("home", [None, "elsewhere", ""])
def test_user_file_is_looked_for_where_platformdirs_has_it(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything heavy is imported."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / home) if home else "")
    before = has_user_config(os.environ)
    user_config_file().parent.mkdir(parents=True)
    user_config_file().write_text("", encoding="utf-8")

    assert (before, has_user_config(os.environ)) == (False, True)
    assert is_configured(None, os.environ)


def test_prices_of_the_file_hold_for_every_resource(tmp_path: Path) -> None:
    """Numbers are read as they are written, not as the nearest binary fraction."""
    prices = '[prices]\ncurrency = "USD"\ntraining_per_hour = 10\nhosting_per_hour = 0.0538\n'
    other = '[resources.other]\nregion = "westus"\nkey = { env = "TRAIN_KEY" }\n'

    found = from_file(file_of(tmp_path, COMPLETE + other + prices), {"TRAIN_KEY": "k"})

    assert [one.prices for one in found.all] == [Prices("USD", Decimal(10), Decimal("0.0538"))] * 2


KEYS = ["a1" * 16, "Zz9" * 28, "abcdefghij0123456789ABCDEF"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "content",
    [
        "[resources.a]\nregion = 'eastus'\nkey = {{ env = '{key}' }}",
        "[resources.a]\nregion = 'eastus'\n{key} = 'x'",
        "[resources.a]\nregion = '{key}'\nkey = {{ env = 'PATH' }}",
        "[resources.a]\nregion = 'eastus'\nkey = '{key}'",
        "[resources.a]\nendpoint = '{key}'\nkey = {{ env = 'PATH' }}",
        "[resources.a]\nregion = 'eastus'\napi_version = '{key}'\nkey = {{ env = 'PATH' }}",
        "[resources.a]\nregion = 'eastus'\nresource_id = '{key}'\nkey = {{ env = 'PATH' }}",
        "[resources.{key}]\nregion = 'eastus'\nkey = {{ env = 'GONE' }}",
        "default = '{key}'\n[resources.a]\nregion = 'eastus'\nkey = {{ env = 'PATH' }}",
        "{key} = 1\n[resources.a]\nregion = 'eastus'\nkey = {{ env = 'PATH' }}",
    ],
)
def test_config_prints_no_key_that_stands_in_a_wrong_place(tmp_path: Path, content: str, key: str) -> None:
    file = tmp_path / "resources.toml"
    file.write_text(content.format(key=key), encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        from_file(file, {"PATH": "x"})
    assert key.lower() not in str(refused.value).lower()


async def test_config_prints_no_key_that_stands_in_place_of_the_name_of_an_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring = types.SimpleNamespace(get_password=lambda service, entry: None)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    for key in KEYS:
        with pytest.raises(NoCredentialError) as refused:
            await KeyringKey("a", key).key()
        assert key not in str(refused.value)
    with pytest.raises(NoCredentialError, match="keyring set custom-speech-mcp contoso"):
        await KeyringKey("a", "contoso").key()


def test_config_warns_of_the_version_that_microsoft_retires_and_refuses_older_ones(tmp_path: Path) -> None:
    file = tmp_path / "resources.toml"
    entry = "[resources.a]\nregion = 'eastus'\nkey = { env = 'PATH' }\napi_version = "
    file.write_text(f"{entry}'v3.2'", encoding="utf-8")
    file.chmod(0o600)

    [warning] = from_file(file, {"PATH": "x"}).warnings
    assert "resources.a: Microsoft announced the end of API version v3.2 for 31 March 2026." in warning
    for version in ("v3.1", "v3.0", "v2.0"):
        file.write_text(f"{entry}'{version}'", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"must be '2025-10-15'.*; Microsoft has retired this version"):
            from_file(file, {"PATH": "x"})
