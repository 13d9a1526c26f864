"""Check that what `deploy` and the documentation name exists."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from custom_speech_emulator import serve as emulator
from custom_speech_server.__main__ import create_parser, parse
from custom_speech_server.auth import access_file as access_config
from custom_speech_server.http import uvicorn_server
from custom_speech_server.resource_config import from_file
from custom_speech_tools.runtime.context import CALL_SECONDS
from custom_speech_tools.speech.service_urls import is_trusted_endpoint

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")
NGINX = (FOLDER / "nginx.conf").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))["services"]
KUBERNETES = {one["kind"]: one for one in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text("utf-8"))}
POD = KUBERNETES["Deployment"]["spec"]["template"]["spec"]["containers"][0]
CILIUM = yaml.safe_load((FOLDER / "kubernetes-egress.yaml").read_text("utf-8"))

APP: dict[str, Any] = yaml.safe_load((FOLDER / "containerapp.yaml").read_text("utf-8"))
APP_SERVER = APP["properties"]["template"]["containers"][0]
APP_SECRETS = {one["name"]: one.get("value") for one in APP["properties"]["configuration"]["secrets"]}


@dataclass
class Container:
    """One container of our image: what it runs, and what its environment says."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def containers() -> Iterator[Container]:
    """All of them; a value that only the cluster knows is an address, or as long as a key."""
    image = re.search(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert image
    yield Container("image", json.loads(image[1]), {"CUSTOM_SPEECH_ACCESS": "access.toml"})
    for name, service in COMPOSE.items():
        if service["image"] == "custom-speech-mcp":
            yield Container(name, service["command"], service.get("environment", {}))
    values = {one["name"]: one.get("value", "x" * 32).replace("$(POD_IP)", "10.0.0.7") for one in POD["env"]}
    yield Container("kubernetes", POD["args"], values)
    values = {one["name"]: one.get("value", "x" * 32) for one in APP_SERVER["env"]}
    yield Container("container app", APP_SERVER["args"], values)


CONTAINERS = list(containers())


SERVERS = {name: service for name, service in COMPOSE.items() if name.startswith("server-")}


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda one: one.name)
def test_deployment_starts_as_it_stands(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own parser takes the command, and no condition refuses it."""
    for name, value in container.environment.items():
        monkeypatch.setenv(name, value)
    options = parse(container.command)
    if container.command[0] == "emulator":
        assert emulator.host_error(options.host, options.allow_host) is None
        return
    assert options.http
    refused = uvicorn_server.refuse_start(
        [options.host, *options.allow_host],
        authenticated=options.access is not None,
        stateless=options.stateless,
        shares_key="CUSTOM_SPEECH_STATE_KEY" in container.environment,
    )
    assert refused is None


@pytest.mark.parametrize(
    "text",
    [*sorted(filter(Path.is_file, FOLDER.rglob("*"))), *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda file: file.name,
)
def test_deployment_names_no_variable_that_the_product_does_not_read(text: Path) -> None:
    """A misspelt one would be silently without effect."""
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "server").rglob("*.py"))

    assert set(re.findall(r"CUSTOM_SPEECH_\w+", text.read_text("utf-8"))) <= set(
        re.findall(r'"(CUSTOM_SPEECH_\w+)"', sources)
    )


def test_configuration_page_names_every_variable_and_option() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "server").rglob("*.py"))
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    variables = set(re.findall(r'"(CUSTOM_SPEECH_\w+)"', sources))
    help_text = (
        create_parser("serve").format_help()
        + subprocess.run(
            [sys.executable, "-m", "custom_speech_server", "serve", "--help"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    options = set(re.findall(r"--[a-z-]+", help_text)) - {"--help", "--version"}

    assert [name for name in sorted(variables | options) if name not in page] == []


def test_deployment_holds_every_extra_that_the_page_offers() -> None:
    """Redis or Valkey for locks, OpenTelemetry, Entra ID: the image has what they need."""
    installed = re.search(r"/source\[(.+)\]", DOCKERFILE)
    assert installed

    assert set(re.findall(r"extra `(\w+)`", PAGE)) | {"entra"} == set(installed[1].split(","))


def test_deployment_looks_after_the_port_that_is_served() -> None:
    """The image's own check, the cluster's probes, and the emulator's in compose."""
    port = parse(CONTAINERS[0].command).port
    emulated = COMPOSE["emulator"]

    assert f"urlopen('http://127.0.0.1:{port}/healthz'" in DOCKERFILE
    assert [one["containerPort"] for one in POD["ports"]] == [port]
    assert [POD[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")] == ["/healthz", "/readyz"]
    assert f"http://127.0.0.1:{parse(emulated['command']).port}/" in emulated["healthcheck"]["test"][-1]


def test_deployment_leads_from_nginx_to_the_replicas_by_the_names_that_they_have() -> None:
    """Replicas keep no sessions."""
    own = {name: f"{name}:{parse(service['command']).port}" for name, service in SERVERS.items()}

    assert re.findall(r"server (server-\S+) ", NGINX) == list(own.values())
    assert all("--stateless" in one["command"] for one in SERVERS.values())


def test_deployment_shows_a_machine_that_tries_it_out_to_nobody_else() -> None:
    """Every port of compose is published on loopback."""
    ports = [port for service in COMPOSE.values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_deployment_keeps_one_state_for_all_that_work_on_the_emulator() -> None:
    """The image names the file, the emulator is told it, and the volume is under it."""
    file = re.search(r"CUSTOM_SPEECH_EMULATOR_STATE=(\S+)", DOCKERFILE)
    assert file

    assert str(parse(COMPOSE["emulator"]["command"]).state) == file[1]
    assert all("state:/state" in one["volumes"] for one in (COMPOSE["emulator"], *SERVERS.values()))
    assert file[1].startswith("/state/")


def test_deployment_gives_up_a_replica_that_is_silent_for_longer_than_a_call_may_take() -> None:
    """Neither earlier nor an hour later."""
    [seconds] = re.findall(r"proxy_read_timeout (\d+)s;", NGINX)

    assert CALL_SECONDS < int(seconds) < 2 * CALL_SECONDS


def test_deployment_lets_out_of_the_cluster_what_the_page_offers_and_https() -> None:
    """The store for turns and the collector; the last rule is the one that Cilium's policy takes the place of."""
    rules = KUBERNETES["NetworkPolicy"]["spec"]["egress"]
    ports = [[port["port"] for port in rule["ports"]] for rule in rules]

    assert ports == [[53, 53], [6379], [4318], [443]]
    assert ["ipBlock" in rule["to"][0] for rule in rules] == [False, False, False, True]
    assert f":{ports[1][0]}/" in PAGE


def test_deployment_lets_out_where_cilium_runs_https_to_speech_hosts_and_to_logging_in() -> None:
    """Names are asked of the cluster, and nothing else is open; its pods are those of kubernetes.yaml."""
    names, https = CILIUM["spec"]["egress"]
    hosts = [next(iter(one.values())).replace("*", "contoso") for one in https["toFQDNs"]]

    assert CILIUM["spec"]["endpointSelector"] == KUBERNETES["NetworkPolicy"]["spec"]["podSelector"]
    assert [port["port"] for rule in names["toPorts"] for port in rule["ports"]] == ["53"]
    assert https["toPorts"] == [{"ports": [{"port": "443", "protocol": "TCP"}]}]
    assert https.keys() == {"toFQDNs", "toPorts"}
    assert [host for host in hosts if not is_trusted_endpoint(f"https://{host}")] == ["login.microsoftonline.com"]


def test_container_app_has_the_form_that_azure_documents() -> None:
    schema = pytest.importorskip("support.container_app_schema", exc_type=ImportError)

    broken = yaml.safe_load(
        yaml.safe_dump(APP).replace("targetPort: 8080", "targetPort: '8080'").replace("cpu", "gpus")
    )

    assert schema.faults(APP) == []
    assert schema.faults(broken) == [
        "app.properties.configuration.ingress.targetPort: '8080' is not of type int",
        "app.properties.template.containers[0].resources.gpus: is unknown",
    ]


def test_container_app_signs_in_with_its_identity_and_stores_no_speech_key(tmp_path: Path) -> None:
    """Its configuration is what the server accepts."""
    for name in ("resources", "access"):
        (tmp_path / f"{name}.toml").write_text(APP_SECRETS[f"{name}-toml"], encoding="utf-8")

    resources = from_file(tmp_path / "resources.toml", {})

    assert [type(one.credential).__name__ for one in resources.all] == ["EntraToken"]
    assert access_config.load(tmp_path / "access.toml").scope_prefix == "https://speech.contoso.com/mcp/"
    assert {name for name, value in APP_SECRETS.items() if value is None} == {"state-key"}


def test_container_app_names_only_files_secrets_and_ports_that_exist() -> None:
    template, configuration = APP["properties"]["template"], APP["properties"]["configuration"]
    port = parse(APP_SERVER["args"]).port
    [mounted, _] = template["volumes"]
    [folder, state] = (one["mountPath"] for one in APP_SERVER["volumeMounts"])
    files = {f"{folder}/{one['path']}" for one in mounted["secrets"]}
    values = {one["name"]: one.get("value") for one in APP_SERVER["env"]}

    assert {values["CUSTOM_SPEECH_CONFIG"], values["CUSTOM_SPEECH_ACCESS"]} == files
    used = {one["secretRef"] for one in (*mounted["secrets"], *APP_SERVER["env"]) if "secretRef" in one}
    assert used == set(APP_SECRETS)
    assert {configuration["ingress"]["targetPort"], *(one["httpGet"]["port"] for one in APP_SERVER["probes"])} == {port}
    assert [one["httpGet"]["path"] for one in APP_SERVER["probes"]] == ["/healthz", "/healthz", "/readyz"]
    assert f"CUSTOM_SPEECH_AUDIT={state}/" in DOCKERFILE
