"""demo: run the whole workflow on the emulator through an MCP client, which starts a server over stdio."""

import argparse
import os
import sys
import tempfile
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequestParams, ElicitResult

from custom_speech_server.config_source import EMULATED_NAMES
from custom_speech_server.console import command_to_add, takes_escape_codes, wrapped
from custom_speech_server.emulated_resources import EMULATOR_STATE_VARIABLE, IN_MEMORY

NAME, LOCALE = "Contoso calls en-US", "en-US"
DATA, FILE = "Contoso terms", "terms.txt"
# Two errors: the encoding UTF-16, and a line with a URI.
CONTENT = "the contoso router blinks amber\nsee www.contoso.com for more\nplease hold the reset pin\n".encode("utf-16")

IMPROVED_MODEL = "Contoso words en-US"
TEMPLATES = ("say {} once more", "the {} is ready", "we need the {} today", "is the {} right", "this is about {}")

SOURCE, TARGET, NO_AUDIO = EMULATED_NAMES
Result = dict[str, Any]
DONE: Result = {"wait_seconds": 45, "resource": SOURCE}


class StepFailedError(Exception):
    """A step did not have the expected result."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the epilog. The command has no options."""
    parser.epilog = "Exit status: 0 every step had the expected result, 1 a step failed."


def run(options: argparse.Namespace) -> int:
    """Run the demo and return 0 if every step had the expected result."""
    failure = ""
    try:
        anyio.run(_run_steps)
    except* (StepFailedError, MCPError, OSError) as group:
        cause: BaseException = group
        while isinstance(cause, BaseExceptionGroup):  # from the tasks of the client
            cause = cause.exceptions[0]
        failure = str(cause)
        if not isinstance(cause, StepFailedError):
            advice = "If the cause is unclear, reinstall custom-speech-mcp."
            failure = f"the server could not be used: {failure.rstrip('.')}. {advice}"
    if failure:
        print(_painted(f"\nFAILED: {failure}", "31"))
        return 1
    print(_painted("\nDone: every step had the expected result.", "32"))
    print(f"\nAdd it to Claude Code, or to another client (docs/clients.md):\n{command_to_add()}")
    return 0


async def _run_steps() -> None:
    """Start the server and run the steps; raises StepFailedError."""

    async def agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        _say(f"The server asks: {params.message}")
        _say("The user agrees.")
        return ElicitResult(action="accept", content={"agree": True})

    with tempfile.TemporaryDirectory(prefix="custom-speech-demo-") as folder:
        await (anyio.Path(folder) / FILE).write_bytes(CONTENT)
        arguments = ["-m", "custom_speech_server", "--emulated", "--data-dir", folder]
        # Without the user's settings, which also name the audit log and the locks.
        others = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOM_SPEECH_")}
        environment = others | {EMULATOR_STATE_VARIABLE: IN_MEMORY}
        server = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
        async with Client(server, elicitation_callback=agree) as client:
            _say(f"Server started over stdio, protocol {client.protocol_version}; no Azure account is used.")
            for step in STEPS:
                await step(client)


async def _resources(client: Client) -> None:
    _title("Which Speech resources can be used?")
    for resource in (await _call(client, "list_resources"))["resources"]:
        audio = "trains with audio" if resource["trains_audio"] else "does not train with audio"
        _say(f"{resource['name']:<22} {resource['region']:<12} {audio}")
    _title("Which base models can an en-US model be trained on, with audio?")
    found = await _call(client, "list_base_models", locale=LOCALE, train_with=["Acoustic"], limit=4)
    _expect(bool(found["base_models"]), "no base model was listed")
    for base in found["base_models"]:
        charged = "charged" if base["training_is_charged"] else "free"
        _say(f"{base['display_name']:<32} until {base['adaptation_until']}  {charged}")


async def _data(client: Client) -> None:
    _title("Checking a text file with two errors, and uploading a repaired copy")
    check = await _call(client, "check_data", path=FILE)
    for problem in [*(finding["message"] for finding in check["findings"]), *check["repairs"]]:
        _say(problem, "33")
    _expect(bool(check["findings"]) and bool(check["repairs"]), "the errors were not found")
    text: Result = {"display_name": DATA, "locale": LOCALE, "kind": "Language", "path": FILE}
    dataset = await _call(client, "upload_dataset", **text, **DONE)
    _say(f"{dataset['display_name']}: {dataset['lines']} lines accepted, {dataset['rejected_lines']} rejected.")
    for part in dataset["rejected"]:
        _say(f"line {part['where']}: {part['reason']}", "33")


async def _mistake(client: Client) -> None:
    _title("Two mistakes in one request: a German dataset, and audio without the hardware")
    audio = await _dataset(client, NO_AUDIO, LOCALE, "Acoustic")
    german = await _dataset(client, NO_AUDIO, "de-DE", "Language")
    definition: Result = {"display_name": NAME, "locale": LOCALE, "datasets": [audio, german]}
    text = (await _call(client, "create_model", refused=True, **definition, resource=NO_AUDIO))["text"]
    _say(text, "33")
    _expect("locale-match]" in text and "region-trains-audio]" in text, "not both mistakes were named")
    there = await _call(client, "list_models", display_name=NAME, resource=NO_AUDIO)
    _expect(there["models"] == [], "something was created")
    _say("No model with this name exists: nothing was created.")


async def _train(client: Client) -> None:
    _title("The corrected request: English data, in a region that trains with audio")
    datasets = [DATA, await _dataset(client, SOURCE, LOCALE, "Acoustic")]
    model = await _call(client, "create_model", display_name=NAME, locale=LOCALE, datasets=datasets, resource=SOURCE)
    _expect(not model["already_existed"], "the model existed before")
    _say(f"Model {model['id']} is {model['status']}, trained on {model['base_model']['display_name']}.")
    _title("Waiting for the training")
    model = await _call(client, "get_model", model=NAME, **DONE)
    _say(f"{model['display_name']} is {model['status']}; it can transcribe until {model['transcription_until']}.")


async def _evaluate(client: Client) -> None:
    _title("A mistake in a test: recordings that the model was trained with")
    audio = await _dataset(client, SOURCE, LOCALE, "Acoustic")
    test = await _call(client, "create_evaluation", model=NAME, dataset=audio, **DONE)
    _say(f"{'model':<24} word error rate   inserted  deleted  substituted")
    for model in test["models"]:
        errors = f"{model['insertions']:>8}  {model['deletions']:>7}  {model['substitutions']:>11}"
        _say(f"{model['display_name']:<24} {model['word_error_rate']:>15.1%}   {errors}")
    _say(test["verdict"])
    for finding in test["findings"]:
        _say(f"[{finding['rule']}] {finding['message']}", "33")
    _expect(test["is_void"], "it was not noted that the model was trained with the test data")
    _say("The test is void: the model was trained with these recordings. Next: a test with other recordings.")


async def _improve(client: Client) -> None:
    _title("Which words does a base model miss? Training with sentences that contain them")
    text: Result = {"locale": LOCALE, "resource": SOURCE}
    bases = await _call(client, "list_base_models", shown="", **text, train_with=["Language"], limit=50)
    base = next(one["id"] for one in bases["base_models"] if not one["training_is_charged"])
    test = DONE | {"dataset": await _dataset(client, SOURCE, LOCALE, "Acoustic")}
    before = await _call(client, "create_evaluation", shown="", model=base, compare_with=NAME, **test)
    shown = "get_evaluation(words=50)"
    found = await _call(client, "get_evaluation", shown=shown, evaluation=before["id"], words=50, resource=SOURCE)
    missed = [one for one in found["words"] if one["missed"] and len(one["word"]) > 4][:8]
    _say("Missed: " + ", ".join(f"{one['word']} ({one['missed']} of {one['of']})" for one in missed))
    lines = [sentence.format(one["word"]) for one in missed for sentence in TEMPLATES]
    shown = f'upload_dataset(kind="Language", lines=[{len(lines)} sentences])'
    words: Result = {"display_name": "Missed words", "kind": "Language", "lines": lines, "wait_seconds": 45}
    data = await _call(client, "upload_dataset", shown=shown, **text, **words)
    shown = f'create_model(display_name="{IMPROVED_MODEL}", datasets=["Missed words"])'
    parts: Result = {"display_name": IMPROVED_MODEL, "datasets": [data["id"]], "base_model": base}
    model = await _call(client, "create_model", shown=shown, **text, **parts)
    await _call(client, "get_model", shown="", model=model["id"], **DONE)
    shown = f'create_evaluation(model="{IMPROVED_MODEL}")'
    unseen = await _call(client, "create_evaluation", shown=shown, model=model["id"], **test)
    after, without = unseen["models"]
    _expect(unseen["is_void"] is False, "the test was void")
    _expect(after["word_error_rate"] < without["word_error_rate"], "the sentences did not help")
    _say(f"Word error rate: {without['word_error_rate']:.1%} before, {after['word_error_rate']:.1%} with them.", "32")


async def _deploy_and_copy(client: Client) -> None:
    _title("Deploying the model to an endpoint; hosting is charged, so the user is asked")
    endpoint = await _call(client, "deploy_model", model=NAME, display_name="Contoso live", **DONE)
    _say(endpoint["next_steps"][0] + ".")
    _title("Copying the model to another region; no key leaves the server")
    copy = await _call(client, "copy_model", model=NAME, to_resource=TARGET, **DONE)
    _say(f"The copy on {copy['model']['resource']} is model {copy['model']['id']}.")
    _title("Connecting the copy to a project in that region")
    projects = await _call(client, "list_projects", locale=LOCALE, resource=TARGET)
    project = projects["projects"][0]["display_name"]
    model = await _call(client, "connect_model", model=NAME, project=project, resource=TARGET)
    _expect(model["project"]["display_name"] == project, "the model is not in the project")
    _say(f"{model['display_name']} is in project {project}.")


async def _expirations(client: Client) -> None:
    _title("Which models and endpoints expire within four years?")
    found = await _call(client, "check_expirations", within_days=1500, resource=SOURCE)
    _expect(any(item["kind"] == "endpoint" for item in found["items"]), "the endpoint was not listed")
    for item in found["items"][:4]:
        _say(f"{item['ends']}  {item['kind'].replace('_', ' '):<10}  {item['what']}")


STEPS = (_resources, _data, _mistake, _train, _evaluate, _improve, _deploy_and_copy, _expirations)


async def _dataset(client: Client, resource: str, locale: str, kind: str) -> str:
    found = await _call(client, "list_datasets", locale=locale, kinds=[kind], resource=resource)
    ready = [dataset["display_name"] for dataset in found["datasets"] if dataset["status"] == "Succeeded"]
    _expect(bool(ready), f"{resource} has no {kind} dataset of {locale}")
    return str(ready[0])


async def _call(client: Client, tool: str, shown: str | None = None, refused: bool = False, **arguments: Any) -> Result:
    """Call a tool and return its result, or the text of its error if `refused`. `shown` replaces the printed call."""

    async def show_progress(progress: float, total: float | None, message: str | None) -> None:
        _say(f"… {message}", "2")

    if shown is None:
        shown = f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"
    if shown:
        _say(f"→ {shown}", "36")
    result = await client.call_tool(tool, arguments, progress_callback=show_progress if shown else None)
    text = "\n".join(str(getattr(block, "text", "")) for block in result.content)
    _expect(result.is_error == refused, text)
    answer = dict(result.structured_content or {"text": text})
    if "wait_seconds" in arguments:
        _expect(answer["status"] == "Succeeded", f"{tool} ended with {answer['status']}")
    return answer


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StepFailedError(otherwise)


def _title(text: str) -> None:
    print(_painted(f"\n{text}", "1"))


def _say(text: str, colour: str = "0") -> None:
    for line in text.splitlines():
        print(_painted(wrapped(line, "  ", "    "), colour), flush=True)


def _painted(text: str, colour: str) -> str:
    is_coloured = takes_escape_codes(sys.stdout) and not os.environ.get("NO_COLOR")
    return f"\033[{colour}m{text}\033[0m" if is_coloured else text
