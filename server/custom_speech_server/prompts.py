"""The prompts: tasks that users pick from a client's menu, with completion of resources, locales and names."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import Field

from custom_speech_tools.runtime.context import AppContext
from custom_speech_tools.runtime.registry import tool_names
from custom_speech_tools.speech import SpeechError
from custom_speech_tools.speech.sanitize import quote, sanitize

MAX_COMPLETIONS = 100  # the protocol's limit
COMPLETION_SECONDS = 3.0  # the longest wait of a menu

Request = ServerRequestContext[AppContext, Any]


class TaskPrompt(types.Prompt):
    """A prompt with steps for the assistant.

    In the steps, `{name}` is replaced by an argument, and lines with an omitted argument are dropped.
    """

    arguments: list[types.PromptArgument]
    steps: str = Field(exclude=True)

    @property
    def tools(self) -> frozenset[str]:
        """The tools named in the steps. The prompt is offered only if all of them are."""
        return frozenset(tool_names()).intersection(re.findall(r"\w+", self.steps))


def _argument(name: str, description: str, required: bool = False) -> types.PromptArgument:
    return types.PromptArgument(name=name, description=description, required=required)


_RESOURCE = _argument("resource", "A configured Speech resource; the default one without it")
_MODEL = _argument("model", "A custom model: its name or id", True)

PROMPTS: tuple[TaskPrompt, ...] = (
    TaskPrompt(
        name="train_and_test",
        title="Train a model and test it",
        description="Train a custom speech model and find out whether it is better than the base model",
        arguments=[
            _argument("locale", "Such as en-US", True),
            _argument("datasets", "What to train with, separated by commas", True),
            _argument("test_dataset", "Recordings with transcripts that are not trained with"),
            _RESOURCE,
        ],
        steps="""\
Train a custom speech model of locale {locale} with the datasets {datasets}.
Work on the resource {resource}.
Test with the dataset {test_dataset}.
1. plan_model first. Tell me about every finding, what it costs, and what costs nothing instead.
2. create_model once I agree, then get_model until it is Succeeded.
3. create_evaluation on recordings that were not trained with, then get_evaluation.
4. Tell me both word error rates, whether the difference is significant, and what you recommend.""",
    ),
    TaskPrompt(
        name="improve_recognition",
        title="Teach a model what it mishears",
        description="Find out which words a model misses, teach it exactly these, and prove that it is better",
        arguments=[
            _argument("dataset", "Recordings with transcripts that no model was trained with", True),
            _MODEL,
            _RESOURCE,
        ],
        steps="""\
Find out what the model {model} mishears in the dataset {dataset}, and teach it exactly that.
Work on the resource {resource}.
1. create_evaluation of the model on that dataset, then get_evaluation with words=30 and worst=10. Show me the word \
error rate and the missed words, names and terms first, and ask me to correct what is spelled wrongly there.
2. Names and terms: a phrase list comes first. It needs no training. If I have the recordings in a local folder with \
their transcripts, transcribe it without and with phrases, and show me both word error rates. Tell me which phrases my \
application should pass.
3. For what remains, write about five sentences with each word, as people say them in such a call, and vary the words \
around it. check_data with them as lines and kind Language, show me some, then upload_dataset.
4. plan_model with the datasets of the model and the new one, without base_model: the newest one that takes the data. \
Tell me the charge, and create_model once I agree.
5. create_evaluation of the new model on the same dataset with compare_with set to the old model. Tell me both rates, \
the verdict and which words are still missed.
6. deploy_model into the endpoint of the old model only if the verdict says better, and I agree.""",
    ),
    TaskPrompt(
        name="move_to_region",
        title="Bring a model to another region",
        description="Copy a model to another resource, connect it there and put it live",
        arguments=[_MODEL, _argument("to_resource", "The resource to copy to", True), _RESOURCE],
        steps="""\
Bring the model {model} to the resource {to_resource}.
The model is on the resource {resource}.
1. list_projects on the target, and ask me which project it belongs to there.
2. copy_model with that project, then get_copy until it is Succeeded.
3. list_endpoints on the target. Ask me whether it should go into one of them, or into a new one, which is charged.
4. deploy_model as I say, then tell me the endpoint's id and how to go back.""",
    ),
    TaskPrompt(
        name="retrain_expiring",
        title="Retrain what expires",
        description="Find what stops working soon, and train replacements",
        arguments=[_argument("within_days", "How far to look ahead; 180 without it"), _RESOURCE],
        steps="""\
Find out which custom speech models and endpoints stop working, and replace them.
Look {within_days} days ahead instead of 180.
Look at the resource {resource} only.
1. check_expirations, and show me what ends when, and what happens then.
2. For each model that I choose: plan_model with its datasets on the newest base model, and tell me every finding.
3. create_model once I agree, then create_evaluation against the model that it replaces.
4. deploy_model into the same endpoint only if it is better; the endpoint keeps its id.""",
    ),
    TaskPrompt(
        name="explain_failure",
        title="Explain what failed",
        description="Find out why a training, an import, a test or a deployment failed, and what to do",
        arguments=[_argument("model", "The model that failed; everything that failed without it"), _RESOURCE],
        steps="""\
Find out why something failed, and what to do about it. Change nothing.
It is about the model {model}.
Look at the resource {resource}.
1. get_model of that model. Without a model, look for status Failed in list_models, list_datasets and list_evaluations.
2. Read `error`, and the dataset's `rejected` lines with get_dataset if data are the cause.
3. Explain the cause in plain words, quote the service, and say what to correct and which call comes next.""",
    ),
)


class Prompts:
    """MCP handlers for the prompts whose tools are all offered."""

    def __init__(self, offered: frozenset[str]) -> None:
        self.offered = {prompt.name: prompt for prompt in PROMPTS if prompt.tools <= offered}

    async def list(self, *arguments: Any) -> types.ListPromptsResult:
        """Handle prompts/list."""
        return types.ListPromptsResult(prompts=[*self.offered.values()])

    async def get(self, _request: Request, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """Handle prompts/get; raises MCPError if the prompt is unknown, or an argument is missing or unknown."""
        prompt = self.offered.get(params.name)
        if prompt is None:
            why = f"This server has no prompt {quote(params.name, 64)}. It has: {', '.join(self.offered)}."
            raise MCPError(types.INVALID_PARAMS, why)
        text = fill(prompt, params.arguments or {})
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(description=prompt.description, messages=[message])

    async def complete(self, request: Request, params: types.CompleteRequestParams) -> types.CompleteResult:
        """Handle completion/complete. If the service does not respond in time, the completion is empty."""
        found: list[str] = []
        if isinstance(params.ref, types.PromptReference) and params.ref.name in self.offered:
            given = (params.context.arguments if params.context else None) or {}
            if params.argument.name in {one.name for one in self.offered[params.ref.name].arguments}:
                found = await _values(request.lifespan_context, params.argument.name, given.get("resource"))
        head, _, typed = params.argument.value.rpartition(",")
        fitting = [name for name in dict.fromkeys(found) if typed.strip().lower() in name.lower()]
        values = [f"{head},{name}" if head else name for name in sorted(fitting)]
        shown, has_more = values[:MAX_COMPLETIONS], len(values) > MAX_COMPLETIONS
        return types.CompleteResult(completion=types.Completion(values=shown, total=len(values), has_more=has_more))


def fill(prompt: TaskPrompt, given: Mapping[str, str]) -> str:
    """Return the text of a prompt; raises MCPError if an argument is missing or unknown."""
    known = {argument.name for argument in prompt.arguments}
    values = {name: text for name, text in given.items() if text and text.strip()}
    missing = [one.name for one in prompt.arguments if one.required and one.name not in values]
    if missing or not values.keys() <= known:
        wrong = missing or sorted(values.keys() - known)
        what = "needs" if missing else "does not know"
        raise MCPError(types.INVALID_PARAMS, f"{prompt.name} {what} {', '.join(sanitize(name, 64) for name in wrong)}.")
    lines = []
    for line in prompt.steps.splitlines():
        names = [name for name in known if f"{{{name}}}" in line]
        if all(name in values for name in names):
            for name in names:
                line = line.replace(f"{{{name}}}", quote(values[name]))  # noqa: PLW2901  # replaced in sequence
            lines.append(line)
    return "\n".join(lines)


async def _values(app: AppContext, argument: str, resource: str | None) -> list[str]:
    """Return the completions of an argument, or an empty list if the service does not respond in time."""
    if argument in ("resource", "to_resource"):
        return list(app.resources)
    speech = app.resources.get(resource or app.default)
    if speech is None or app.configuration_error:
        return []
    with anyio.move_on_after(COMPLETION_SECONDS), suppress(SpeechError):
        if argument == "locale":
            return await speech.models_list_supported_locales()
        if argument == "model":
            return [one.display_name for one in (await speech.models_list_custom_models()).entities]
        if argument in ("dataset", "datasets", "test_dataset"):
            return [one.display_name for one in (await speech.datasets_list()).entities]
    return []
