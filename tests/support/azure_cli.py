"""A stand-in for the Azure CLI: a program `az` that answers in the recorded forms, and notes what it was asked."""

import json
import sys
from pathlib import Path
from typing import Any

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-8888-7777-6666-555555555555"

_PROGRAM = """\
#!{python}
import json, os, pathlib, sys, time
folder = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with (folder / "asked").open("a") as asked:
    print(json.dumps(arguments), file=asked)
answers = json.loads((folder / "answers.json").read_text("utf-8"))
answer = next((answers[part] for part in answers if part in " ".join(arguments)), None)
if answer is None:
    print("ERROR: unexpected: " + " ".join(arguments), file=sys.stderr)
    sys.exit(2)
time.sleep(answer.get("seconds", 0))
sys.stdout.write(answer.get("output", ""))
sys.stderr.write(answer.get("errors", ""))
sys.exit(answer.get("status", 0))
"""


def subscription(name: str = "Contoso", **fields: Any) -> dict[str, Any]:
    """Return a subscription as `az account list` shows it."""
    user = {"name": "ada@contoso.com", "type": "user"}
    known = {"cloudName": "AzureCloud", "id": SUBSCRIPTION, "isDefault": True, "state": "Enabled", "tenantId": TENANT}
    return {**known, "managedByTenants": [], "name": name, "user": user, **fields}


def account(name: str, region: str = "eastus", *, group: str = "speech", **properties: Any) -> dict[str, Any]:
    """Return an account as `az cognitiveservices account list` shows it."""
    kind, tier = properties.pop("kind", "SpeechServices"), properties.pop("tier", "S0")
    group_id = f"/subscriptions/{properties.pop('subscription', SUBSCRIPTION)}/resourceGroups/{group}"
    return {
        "etag": '"0600b9c1"',
        "id": f"{group_id}/providers/Microsoft.CognitiveServices/accounts/{name}",
        "identity": None,
        "kind": kind,
        "location": region,
        "name": name,
        "properties": {
            "customSubDomainName": None,
            "disableLocalAuth": None,
            "endpoint": f"https://{region}.api.cognitive.microsoft.com/sts/v1.0/issuetoken",
            "networkAcls": None,
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
            **properties,
        },
        "resourceGroup": group,
        "sku": {"name": tier, "tier": None},
        "tags": {},
        "type": "Microsoft.CognitiveServices/accounts",
    }


def custom_domain(name: str) -> dict[str, Any]:
    """Return the properties of an account with a custom domain."""
    return {"customSubDomainName": name, "endpoint": f"https://{name}.cognitiveservices.azure.com/"}


class StandIn:
    """The program, in a folder that has to stand on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.path = folder / "az"
        self.path.write_text(_PROGRAM.format(python=sys.executable), encoding="utf-8")
        self.path.chmod(0o755)
        self.answers: dict[str, dict[str, Any]] = {}
        self.answer("keys list", output="emulator-eastus-key\n")

    def answer(self, command: str, **answer: Any) -> None:
        """Set what commands whose arguments contain a text answer: `output`, `errors`, `status`, `seconds`."""
        self.answers = {command: answer} | {name: old for name, old in self.answers.items() if name != command}
        (self.folder / "answers.json").write_text(json.dumps(self.answers), encoding="utf-8")

    def know(self, *accounts: dict[str, Any]) -> None:
        """Answer with one subscription and these accounts."""
        self.answer("account list", output=json.dumps(list(accounts)))
        self.answer("account list --output", output=json.dumps([subscription()]))

    def asked(self) -> list[list[str]]:
        """Return the arguments of every command so far."""
        lines = (self.folder / "asked").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
