"""The Azure CLI `az`: the Speech resources of the signed-in user and their properties."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import anyio
import pydantic
from pydantic import AfterValidator, AliasChoices, AliasPath, Field

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.external_command import CommandError, run_command
from custom_speech_server.resource_config import normalize_endpoint, regional_endpoint
from custom_speech_tools.speech import SpeechResource
from custom_speech_tools.speech.sanitize import quote, sanitize
from custom_speech_tools.speech.tasks_and_threads import gather

Listed = TypeVar("Listed", bound=pydantic.BaseModel)

# The kinds of accounts that support speech to text, and their names in the Azure portal.
KINDS = {"SpeechServices": "Speech", "AIServices": "Foundry", "CognitiveServices": "multi-service"}
MAX_SECONDS = 60.0  # for a command of `az`
_DISCOVERY_SECONDS = 20.0  # for all commands together, while a tool call waits
_MAX_BYTES = 32 * 1024 * 1024  # an account takes about 3 KiB
_PARALLEL_SUBSCRIPTIONS = 4

# Settings of `az`; unlike options, variables are ignored by versions that do not know them.
_ENVIRONMENT = {"AZURE_CORE_ONLY_SHOW_ERRORS": "true", "AZURE_CORE_NO_COLOR": "true"}

# Parts of an id become arguments of `az`, so no part begins with a hyphen.
_ACCOUNT_ID = (
    r"(?i)^/subscriptions/\w[\w-]*/resourceGroups/[\w(][\w.()-]*"
    r"/providers/Microsoft\.CognitiveServices/accounts/\w[\w.-]*$"
)

HOW_TO_INSTALL = (
    "`az`, the Azure CLI, is not on the PATH. Install it (Windows: winget install Microsoft.AzureCLI; macOS: brew "
    "install azure-cli; Linux: the package azure-cli), then run: az login. Without it, set SPEECH_KEY and "
    "SPEECH_REGION; the Azure portal shows both on the page Keys and Endpoint of the Speech resource."
)

# The name of a region as in host names, such as `eastus`; `az` may print `East US`.
Region = Annotated[str, AfterValidator(lambda name: name.replace(" ", "").lower())]


class AzureCLIError(ConfigurationError):
    """Running `az` failed; `str()` is the reason and the fix."""


class Subscription(pydantic.BaseModel):
    """A subscription of the signed-in user."""

    id: str = Field(pattern=r"^\w[\w-]*$")
    name: str
    tenant: str | None = Field(default=None, alias="tenantId", pattern=r"^[A-Za-z0-9.-]{1,100}$")


def _property(name: str, *path: str) -> Any:
    """Declare a field of `properties`; older versions of `az` return it at the top level."""
    paths = AliasChoices(AliasPath("properties", name, *path), AliasPath(name, *path))
    return Field(default=None, validation_alias=paths)


class AzureAccount(pydantic.BaseModel):
    """A Speech, Foundry or multi-service resource in the output of `az cognitiveservices account list`."""

    name: str = Field(pattern=r"^\w[\w.-]{0,63}$")
    id: str = Field(pattern=_ACCOUNT_ID)
    kind: str
    region: Region = Field(validation_alias="location", pattern=r"^[A-Za-z][A-Za-z0-9 ]{2,39}$")
    tier: str | None = Field(default=None, validation_alias=AliasPath("sku", "name"))
    address: str | None = _property("endpoint")
    keys_disabled: bool | None = _property("disableLocalAuth")
    public_access: str | None = _property("publicNetworkAccess")
    network_default: str | None = _property("networkAcls", "defaultAction")
    subscription: Subscription

    @property
    def az_options(self) -> list[str]:
        """The `az` options that identify the resource."""
        group = self.id.split("/")[4]
        return ["--name", self.name, "--resource-group", group, "--subscription", self.subscription.id]

    @property
    def endpoint(self) -> str:
        """The normalized endpoint; raises ValueError if a key must not be sent to it."""
        parts = urlsplit(self.address or regional_endpoint(self.region))
        # The path is dropped: without a custom domain, it is that of token requests.
        return normalize_endpoint(f"{parts.scheme}://{parts.netloc}")

    @property
    def is_custom(self) -> bool:
        """True if the resource has a custom domain; raises ValueError like `endpoint`."""
        return self.endpoint != regional_endpoint(self.region)

    @property
    def problem(self) -> str | None:
        """The reason why the resource is unusable, with the fix, or None if it is usable."""
        try:
            if self.is_custom or not self.keys_disabled:
                return None
        except ValueError as error:
            return f"its endpoint {sanitize(self.address or '', 80)} {error}"
        update = f"az cognitiveservices account update {' '.join(self.az_options)} --custom-domain NAME"
        return f"its keys are switched off, and signing in requires a custom domain. Run: {update}"

    def as_entry(self, az: str) -> dict[str, Any]:
        """Return the table for resources.toml, with a command that prints the key instead of the key itself."""
        entry: dict[str, Any] = {"region": self.region}
        if self.is_custom:
            entry["endpoint"] = self.endpoint
        entry["resource_id"] = self.id
        if not self.keys_disabled:
            keys = [az, "cognitiveservices", "account", "keys", "list"]
            return entry | {"key": {"command": [*keys, *self.az_options, "--query", "key1", "--output", "tsv"]}}
        tenant = self.subscription.tenant
        return entry | {"auth": "entra"} | ({"tenant": tenant} if tenant else {})


@dataclass(frozen=True, slots=True)
class DiscoveredAccounts:
    """The full path of `az`, the listed accounts, and a message for each subscription or account that was not read."""

    az: str
    accounts: list[AzureAccount]
    unread: list[str]


async def list_accounts(subscription: str | None = None) -> DiscoveredAccounts:
    """Return the accounts that support speech to text, of all subscriptions or the named one; raises AzureCLIError."""
    program = shutil.which("az")
    # On Windows `which` also returns a program in the current folder, which may belong to anyone.
    if program is None or (sys.platform == "win32" and Path(program).parent.resolve() == Path.cwd()):
        raise AzureCLIError(HOW_TO_INSTALL)
    az = str(Path.cwd() / program)  # absolute: desktop clients start servers without the user's PATH
    found = DiscoveredAccounts(az, [], [])
    known = _validated(Subscription, "subscription", await _read_array(az, ["account", "list"]), found.unread)
    if not known:
        raise AzureCLIError("`az` lists no subscription: no user is signed in, or the user has none. Run: az login")
    wanted = subscription.lower() if subscription else None
    chosen = [one for one in known if wanted in (None, one.id.lower(), one.name.lower())]
    if not chosen:
        names = ", ".join(sanitize(one.name, 64) for one in known[:20])
        raise AzureCLIError(f"No subscription is called {quote(subscription or '', 64)}. Use one of: {names}.")
    limit = anyio.CapacityLimiter(_PARALLEL_SUBSCRIPTIONS)

    async def read(one: Subscription) -> None:
        async with limit:
            try:
                listed = await _read_array(az, ["cognitiveservices", "account", "list", "--subscription", one.id])
            except AzureCLIError as error:
                found.unread.append(f"subscription {sanitize(one.name, 64)}: {error}")
                return
        rows = [account | {"subscription": one} for account in listed if account.get("kind") in KINDS]
        found.accounts.extend(_validated(AzureAccount, "account", rows, found.unread))

    await gather(*map(read, chosen))
    found.accounts.sort(key=lambda one: (one.subscription.name.lower(), one.name.lower(), one.id.lower()))
    return found


def _validated(schema: type[Listed], kind: str, rows: list[dict[str, Any]], unread: list[str]) -> list[Listed]:
    """Return the rows that match the schema; add a message to `unread` for each of the others."""
    valid = []
    for row in rows:
        try:
            valid.append(schema.model_validate(row))
        except pydantic.ValidationError as error:
            fields = ", ".join(str(detail["loc"][0]) for detail in error.errors())
            name = sanitize(str(row.get("name")), 64)
            unread.append(f"{kind} {name}: `az` returned no valid {fields}")
    return valid


async def _read_array(az: str, arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Run a command of `az` and return the array of JSON objects that it prints."""
    command = [az, *arguments, "--output", "json"]
    shown = f"`az {' '.join(arguments)}`"
    try:
        result = await run_command(command, seconds=MAX_SECONDS, max_bytes=_MAX_BYTES, environment=_ENVIRONMENT)
    except CommandError as error:
        raise AzureCLIError(f"{shown} failed: {error}. Run it in a terminal.") from None
    if result.status:
        reason = sanitize(result.errors.decode(errors="replace").strip(), 400) or "it gave no reason"
        advice = "Sign in again (az login), or update it (az upgrade)."
        raise AzureCLIError(f'{shown} ended with exit status {result.status}: "{reason}". {advice}')
    text = result.output.decode("utf-8-sig", errors="replace")
    for start in islice(re.finditer(r"^[ \t]*\[", text, re.MULTILINE), 100):  # warnings may precede it
        try:
            rows, _ = json.JSONDecoder().raw_decode(text, start.end() - 1)
        except (ValueError, RecursionError):
            continue
        if all(isinstance(row, dict) for row in rows):
            return list(rows)
    printed = sanitize(text.strip(), 120)
    raise AzureCLIError(f'{shown} did not print a JSON array of objects: "{printed}". Run it in a terminal.')


async def describe_unconfigured(resources: Sequence[SpeechResource]) -> str | None:
    """Return the number of unconfigured Speech resources and the read errors as one line, or None."""
    try:
        with anyio.fail_after(_DISCOVERY_SECONDS):
            found = await list_accounts()
    except (AzureCLIError, TimeoutError) as error:
        return f"Other Speech resources could not be listed: {error or '`az` did not answer in time.'}"
    ids = {(resource.resource_id or "").lower() for resource in resources}
    hosts = {resource.endpoint for resource in resources}
    usable = [one for one in found.accounts if one.problem is None]
    more = [one for one in usable if one.id.lower() not in ids and not (one.is_custom and one.endpoint in hosts)]
    lines = [f"Not read: {'; '.join(found.unread)}"] if found.unread else []
    if more:
        lines.insert(0, f"Speech resources that are not configured: {len(more)}. To add them: custom-speech-mcp init")
    return " ".join(lines) or None
