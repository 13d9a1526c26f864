"""Check every answer of every tool: complete next steps, tools that are offered, names, short sentences."""

import re
from collections.abc import Iterable, Iterator

from mcp.types import CallToolResult

from custom_speech_tools.runtime.registry import registered_tools

MAX_WORDS = 40
REQUIRED = {tool.name: tool.definition.input_schema.get("required", []) for tool in registered_tools()}

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CALL = re.compile(r"\b([a-z]+(?:_[a-z]+)+)\(([^()]*)\)")
# Operations have no names.
_ID = re.compile(r"(?<!operation )\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")


def faults_of(result: CallToolResult, missing: frozenset[str]) -> list[str]:
    """Return what is wrong with an answer.

    Args:
        missing: The tools that the server does not offer.
    """
    content = result.structured_content
    if result.is_error or content is None:
        text = "".join(str(getattr(block, "text", "")) for block in result.content)
        sentences = [re.sub(r"^- \[\w+: [\w-]+\] ", "", line) for line in text.splitlines()]
        return [*_long_sentences(sentences), *_faulty_calls(sentences, missing), *_nameless_ids(sentences)]
    findings = content.get("findings", [])
    fixes, steps = [finding["fix"] for finding in findings], content["next_steps"]
    sentences = [*fixes, *(one["message"] for one in findings), content.get("note"), content.get("verdict")]
    sentences = [sentence for sentence in sentences if sentence]
    faults = [] if steps else ["no next step"]
    faults += [*_long_sentences([*sentences, *steps]), *_faulty_calls([*steps, *fixes], missing)]
    return faults + list(_nameless_ids(sentences))


def _long_sentences(texts: Iterable[str]) -> Iterator[str]:
    """Return sentences of too many words: a quotation or a call counts as one word, and a semicolon ends a sentence."""
    for text in texts:
        for sentence in re.split(r"(?<=[.!?;])\s+", _CALL.sub("call", _QUOTED.sub('""', text))):
            if len(sentence.split()) > MAX_WORDS:
                yield f"{len(sentence.split())} words: {sentence}"


def _faulty_calls(texts: Iterable[str], missing: frozenset[str]) -> Iterator[str]:
    """Return placeholders, calls of tools that do not exist, calls without required arguments, and missing tools."""
    for text in texts:
        bare = _QUOTED.sub('""', text)
        if re.search(r"=<|<[a-z ]+>", bare):
            yield f"a placeholder: {text}"
        for name, given in _CALL.findall(bare):
            if name not in REQUIRED:
                yield f"no tool: {text}"
            elif any(f"{argument}=" not in given for argument in REQUIRED[name]):
                yield f"an incomplete call: {text}"
        for name in missing:
            if re.search(rf"\b{name}\b", bare):
                yield f"{name} is not offered: {text}"


def _nameless_ids(texts: Iterable[str]) -> Iterator[str]:
    """Return sentences that give an entity's id and no name, outside of calls; what was deleted has no name."""
    for text in texts:
        if _ID.search(_CALL.sub("call", text)) and not _QUOTED.search(text) and "no longer exists" not in text:
            yield f"an id without a name: {text}"
