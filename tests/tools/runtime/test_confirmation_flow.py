"""Nothing is charged without confirmation: elicitation, tokens and their single use."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import CallToolResult, ElicitResult, ErrorData, InputRequiredResult

from custom_speech_emulator import emulator
from custom_speech_emulator.state.entity_store import SETTINGS
from custom_speech_server.resource_config import EMULATED, Resources
from custom_speech_tools.runtime.agreements import ConfirmationPolicy, Effect
from e2e.fault_matrix import SharedLock
from support.scripted_service import served
from support.tool_client import Caller, rules_of, text_of
from support.virtual_time import BACKEND, START, clock

pytestmark = pytest.mark.anyio

CHARGED = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
RESOURCE = EMULATED.all[0]
DUPLICATE = CHARGED | {"allow_duplicate": True}
ERAS = ["auto", "legacy"]


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


@pytest.fixture
def azure() -> Any:
    """The service."""
    return emulator(now=clock())


def created(azure: Any) -> int:
    """Trainings that were begun."""
    return sum(entry["operation"] == "Models_Create" for entry in azure.state.emulator.log.entries)


def token_of(refusal: str) -> str:
    """The token in a refusal."""
    return refusal.rpartition('confirm="')[2].partition('"')[0]


async def yes(context: Any, params: Any) -> ElicitResult:
    """A person who agrees."""
    return ElicitResult(action="accept", content={"agree": True})


async def broken(context: Any, params: Any) -> ElicitResult:
    """A client that fails while it asks."""
    raise RuntimeError("the window was closed")


async def late(context: Any, params: Any) -> ElicitResult:
    """A person who comes back from lunch."""
    await anyio.sleep(3600)
    return await yes(context, params)


def saying(content: Any) -> Callable[[Any, Any], Awaitable[ElicitResult]]:
    """A client that accepts with whatever content."""

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult.model_construct(action="accept", content=content)

    return answer


async def asked(call: Caller, request: dict[str, Any] = DUPLICATE) -> InputRequiredResult:
    """The question of a call; protocol 2026-07-28."""
    question = await call.client.session.call_tool("create_model", request, allow_input_required=True)
    assert isinstance(question, InputRequiredResult)
    return question


async def resent(
    call: Caller, question: InputRequiredResult, request: dict[str, Any]
) -> CallToolResult | InputRequiredResult:
    """The call again, with a person's yes."""
    agreed: dict[str, Any] = {key: await yes(None, None) for key in question.input_requests or ()}
    return await call.client.session.call_tool(
        "create_model",
        request,
        input_responses=agreed,
        request_state=question.request_state,
        allow_input_required=True,
    )


async def answered(call: Caller, question: InputRequiredResult, request: dict[str, Any] = DUPLICATE) -> dict[str, Any]:
    """What the call gives with a person's yes."""
    result = await resent(call, question, request)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, text_of(result)
    return dict(result.structured_content or {})


def rename(azure: Any, kind: str, entity: str, name: str = "Renamed") -> None:
    """Give an entity another name, as the portal can."""
    store = azure.state.emulator.state.store
    found = next(one for one in store.all("emulator-eastus", kind) if one.id == entity)
    found.document["displayName"] = name
    store.put(found)


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    "client",
    [broken, late, *map(saying, [None, {}, {"agree": None}, {"agree": "no"}, {"agree": 2}, {"yes": True}])],
    ids=["error", "late", "none", "empty", "null", "no", "number", "other"],
)
async def test_nothing_is_charged_by_a_client_that_fails_or_answers_late_or_nonsense(
    azure: Any, mode: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both protocol eras; the newer seals a question for ten minutes."""
    monkeypatch.setattr("mcp.server.request_state.time.time", lambda: START.timestamp() + anyio.current_time())
    async with served(azure, confirm="ask", client={"mode": mode, "elicitation_callback": client}) as call:
        with suppress(Exception):  # in one of the eras the client's own failure is its caller's
            await call.client.call_tool("create_model", CHARGED)

    assert created(azure) == 0


@pytest.mark.parametrize("mode", ERAS)
async def test_nothing_is_charged_by_a_client_that_gives_up_while_its_user_thinks(azure: Any, mode: str) -> None:
    """A yes that comes after the call was cancelled buys nothing."""
    client = {"mode": mode, "elicitation_callback": late}
    async with served(azure, confirm="ask", client=client) as call:
        with anyio.move_on_after(60):
            await call.client.call_tool("create_model", CHARGED)
        await anyio.sleep(7200)

    assert created(azure) == 0


async def test_nothing_is_charged_by_a_token_that_is_older_than_ten_minutes(azure: Any) -> None:
    """Much may have changed since."""
    async with served(azure, confirm="ask") as call:
        token = token_of(await call.refusal("create_model", **CHARGED))
        await anyio.sleep(601)
        refusal = await call.refusal("create_model", **CHARGED, confirm=token)

    assert "expired" in refusal
    assert created(azure) == 0


async def test_nothing_is_charged_by_the_token_of_another_server(azure: Any) -> None:
    """Its key is another."""
    async with served(azure, confirm="ask", state_key=b"a" * 32) as call:
        token = token_of(await call.refusal("create_model", **CHARGED))
    async with served(azure, confirm="ask", state_key=b"b" * 32) as call:
        await call.refusal("create_model", **CHARGED, confirm=token)

    assert created(azure) == 0


async def test_nothing_is_charged_by_a_token_that_another_replica_has_taken(azure: Any) -> None:
    """The model that it bought carries its mark, which every replica sees."""
    async with served(azure, confirm="ask") as call:
        token = token_of(await call.refusal("create_model", **DUPLICATE))
        first = await call("create_model", **DUPLICATE, confirm=token)
    async with served(azure, confirm="ask") as call:
        again = await call("create_model", **DUPLICATE, confirm=token)

    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert created(azure) == 1


async def test_nothing_is_charged_the_token_of_a_replica_is_good_at_another(azure: Any) -> None:
    """They share the key."""
    async with served(azure, confirm="ask") as call:
        token = token_of(await call.refusal("create_model", **CHARGED))
    async with served(azure, confirm="ask") as call:
        await call("create_model", **CHARGED, confirm=token)

    assert created(azure) == 1


async def test_nothing_is_charged_by_one_token_in_ten_calls_at_once(azure: Any) -> None:
    """One yes is one training, even where ten were asked for on purpose."""
    async with served(azure, confirm="ask") as call:
        token = token_of(await call.refusal("create_model", **DUPLICATE))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(call.client.call_tool, "create_model", DUPLICATE | {"confirm": token})

    assert created(azure) == 1


async def test_nothing_is_charged_by_one_token_in_two_calls_for_two_projects_at_once(azure: Any) -> None:
    """A project costs nothing and voids no token, so both calls may use it, but only one of them."""
    async with served(azure, confirm="ask") as call:
        token = token_of(await call.refusal("create_model", **CHARGED))
        answers: list[Any] = []

        async def create(more: dict[str, Any]) -> None:
            answers.append(await call.client.call_tool("create_model", CHARGED | {"confirm": token} | more))

        async with anyio.create_task_group() as group:
            group.start_soon(create, {})
            group.start_soon(create, {"project": "Contoso en-US"})

    assert created(azure) == 1
    assert sorted(answer.is_error for answer in answers) == [False, True]


async def test_nothing_is_charged_by_one_answer_in_ten_calls_at_once(azure: Any) -> None:
    """A person who was asked once has said one yes; each call gets the model that it bought."""
    models: set[str] = set()

    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        question = await asked(call)

        async def answer() -> None:
            models.add((await answered(call, question))["id"])

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(answer)

    assert (created(azure), len(models)) == (1, 1)


async def test_nothing_is_charged_by_an_answer_that_another_replica_has_taken(azure: Any) -> None:
    """The model that it bought is given back."""
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        question = await asked(call)
        first = await answered(call, question)
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        second = await answered(call, question)

    assert (second["id"], second["already_existed"]) == (first["id"], True)
    assert created(azure) == 1


@pytest.mark.parametrize("repeated", [CHARGED, DUPLICATE], ids=["once", "on-purpose"])
async def test_nothing_is_charged_by_an_answer_whose_model_was_renamed(azure: Any, repeated: dict[str, Any]) -> None:
    """It cannot be found any more; the yes is used up all the same."""
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        question = await asked(call, repeated)
        model = await answered(call, question, repeated)
        rename(azure, "models", model["id"])
        again = await resent(call, question, repeated)

    assert again.is_error
    assert rules_of(text_of(again)) == ["training-is-charged"]
    assert f'the entity that it created is now called "Renamed" ({model["id"]})' in text_of(again)
    assert created(azure) == 1


async def test_nothing_is_charged_by_a_token_whose_model_was_deleted(azure: Any) -> None:
    async with served(azure, confirm="ask") as call:
        token = token_of(await call.refusal("create_model", **CHARGED))
        model = await call("create_model", **CHARGED, confirm=token)
        store = azure.state.emulator.state.store
        store.remove(next(one for one in store.all("emulator-eastus", "models") if one.id == model["id"]))
        refusal = await call.refusal("create_model", **CHARGED, confirm=token)

    assert "used already, and the entity that it created no longer exists." in refusal
    assert created(azure) == 1


@pytest.mark.parametrize("repeated", [CHARGED, DUPLICATE], ids=["once", "on-purpose"])
async def test_nothing_is_charged_by_an_answer_about_other_data(azure: Any, repeated: dict[str, Any]) -> None:
    """The name in the question names another dataset by now: the question is another, though it reads alike."""
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        first = await call.id_of("datasets", "Contoso plain text en-US")
        other = await call.id_of("datasets", "Contoso pronunciation en-US")
        question = await asked(call, repeated)
        rename(azure, "datasets", first)
        rename(azure, "datasets", other, "Contoso plain text en-US")
        answer = await resent(call, question, repeated)

    assert isinstance(answer, InputRequiredResult)
    assert created(azure) == 0


async def test_nothing_is_charged_by_the_answer_that_an_earlier_call_held(azure: Any) -> None:
    """What one call of a client carries is nothing to its next."""
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        await answered(call, await asked(call))
        assert isinstance(await asked(call), InputRequiredResult)
        await call("create_model", **DUPLICATE)

    assert created(azure) == 2


async def test_nothing_is_charged_two_answers_to_two_questions_buy_two(azure: Any) -> None:
    """Even where the questions read alike and were asked at once."""
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        questions = [await asked(call), await asked(call)]
        models = {(await answered(call, question))["id"] for question in questions}

    assert (created(azure), len(models)) == (2, 2)


async def test_nothing_is_charged_by_a_caller_that_asks_the_server_not_to_ask(azure: Any) -> None:
    """The policy is whoever's who started it."""
    async with served(azure, confirm="ask") as call:
        for wish in ({"confirm": "never"}, {"confirm": "true"}, {"agree": True}, {"asked": {"agree": True}}):
            await call.refusal("create_model", **CHARGED | wish)

    assert created(azure) == 0


async def test_nothing_is_charged_where_the_charge_is_not_known(azure: Any) -> None:
    """A base model that does not say whether it charges counts as one that does."""
    for base in azure.state.emulator.state.store.all("", "models/base"):
        base.document.pop("chargeForAdaptation", None)
        azure.state.emulator.state.store.put(base)
    async with served(azure, confirm="ask") as call:
        refusal = await call.refusal("create_model", **CHARGED)

    assert rules_of(refusal) == ["training-is-charged"]


async def test_nothing_is_charged_when_the_base_model_expired_while_it_was_planned(azure: Any) -> None:
    """The plan was good; when the yes comes it is made anew, and blocks."""
    async with served(azure, confirm="ask") as call:
        base = (await call("list_base_models", locale="en-US"))["base_models"][0]
        token = token_of(await call.refusal("create_model", **CHARGED, base_model=base["id"]))
        state = azure.state.emulator.state
        with state.transaction():
            state.store.put_data(*SETTINGS, "offset", str(timedelta(days=3 * 365).total_seconds()).encode())
        refusal = await call.refusal("create_model", **CHARGED, base_model=base["id"], confirm=token)

    assert "base-model-open" in rules_of(refusal)
    assert created(azure) == 0


def effect(request: str) -> Effect:
    """A charge of one request."""
    return Effect("training", RESOURCE, request, ("base",), "It costs.")


@given(st.text(max_size=80), st.text(max_size=20))
def test_nothing_is_charged_by_any_text_in_place_of_a_token(text: str, request: str) -> None:
    """Only this server's own seal counts."""
    policy = ConfirmationPolicy("ask", b"k" * 32)
    token = policy.issue_token([effect(request)], "ada", START)

    assert policy.read_token(text, [effect(request)], "ada", START) is None
    assert policy.read_token(token, [effect(request + "x")], "ada", START) is None
    assert policy.read_token(token, [effect(request)], "bob", START) is None
    assert policy.read_token(token, [effect(request)], "ada", START + timedelta(minutes=11)) is None
    assert policy.read_token(token, [effect(request)], "ada", START) is not None


async def unsupported(context: Any, params: Any) -> Any:
    """A client that announces elicitation and has no handler."""
    return ErrorData(code=-32601, message="Method not found")


@pytest.mark.parametrize("answer", [unsupported, saying(None), saying({})], ids=["-32601", "no content", "empty"])
async def test_elicitation_that_fails_gives_the_findings_and_a_token(azure: Any, answer: Any) -> None:
    async with served(azure, confirm="ask", client={"mode": "legacy", "elicitation_callback": answer}) as call:
        refusal = await call.refusal("create_model", **CHARGED)
        model = await call("create_model", **CHARGED, confirm=token_of(refusal))

    assert rules_of(refusal) == ["training-is-charged"]
    assert "32601" not in refusal
    assert (created(azure), model["already_existed"]) == (1, False)


@pytest.mark.parametrize("mode", ERAS)
async def test_token_is_neither_given_to_nor_taken_from_a_client_that_can_ask(azure: Any, mode: str) -> None:
    """Not even after a no, and not one that a client without a user got."""
    asked: list[Any] = []

    async def no(context: Any, params: Any) -> ElicitResult:
        asked.append(params)
        return ElicitResult(action="decline")

    async with served(azure, confirm="ask") as other:
        foreign = token_of(await other.refusal("create_model", **CHARGED))
    async with served(azure, confirm="ask", client={"mode": mode, "elicitation_callback": no}) as call:
        refusals = [await call.refusal("create_model", **CHARGED, confirm=foreign)]
        plan = await call("plan_model", **CHARGED)
        refusals.append(await call.refusal("create_model", **CHARGED, confirm=foreign))
        dataset = await call.id_of("datasets", "Contoso plain text en-US")
        refusals.append(await call.refusal("create_model", **CHARGED | {"datasets": [dataset]}))

    assert (created(azure), len(asked), plan["confirm"]) == (0, 1, None)
    assert ["confirm=" in refusal for refusal in refusals] == [False] * 3


async def test_no_holds_for_ten_minutes_and_for_this_effect_only(azure: Any) -> None:
    answers = iter([ElicitResult(action="cancel"), *[ElicitResult(action="accept", content={"agree": True})] * 2])

    async def answer(context: Any, params: Any) -> ElicitResult:
        return next(answers)

    async with served(azure, confirm="ask", client={"mode": "legacy", "elicitation_callback": answer}) as call:
        first = await call.refusal("create_model", **CHARGED)
        await call("create_model", **CHARGED | {"display_name": "Other"})
        await anyio.sleep(590)
        second = await call.refusal("create_model", **CHARGED)
        await anyio.sleep(20)
        await call("create_model", **CHARGED)

    assert "The user did not agree" in first
    assert "holds for 10 minutes" in second
    assert created(azure) == 2


@pytest.mark.parametrize("answer", [unsupported, saying({"agree": "true"})], ids=["-32601", "text"])
async def test_token_after_a_failed_question_is_for_this_effect_only(azure: Any, answer: Any) -> None:
    async with served(azure, confirm="ask", client={"mode": "legacy", "elicitation_callback": answer}) as call:
        token = token_of(await call.refusal("create_model", **CHARGED))
        await call.refusal("create_model", **CHARGED | {"display_name": "Other"}, confirm=token)
        assert created(azure) == 0
        await call("create_model", **CHARGED, confirm=token)

    assert created(azure) == 1


async def test_two_rounds_without_any_answer_give_a_token(azure: Any) -> None:
    """Since 2026-07-28 a client that cannot ask can only repeat the call."""
    async with served(azure, confirm="ask", client={"elicitation_callback": yes}) as call:
        question = await asked(call, CHARGED)
        again = await silent(call, question)
        assert isinstance(again, InputRequiredResult)
        refusal = await silent(call, again)
        assert isinstance(refusal, CallToolResult)
        await call("create_model", **CHARGED, confirm=token_of(text_of(refusal)))

    assert "could not ask its user" in text_of(refusal)
    assert created(azure) == 1


async def silent(call: Caller, question: InputRequiredResult) -> CallToolResult | InputRequiredResult:
    """The call again, without an answer."""
    return await call.client.session.call_tool(
        "create_model", CHARGED, request_state=question.request_state, allow_input_required=True
    )


@pytest.mark.parametrize("change", ["project", "base_model"])
async def test_token_survives_what_the_user_was_not_told(azure: Any, change: str) -> None:
    async with served(azure, confirm="ask") as call:
        plan = await call("plan_model", **CHARGED)
        more = {"project": "Contoso en-US"} if change == "project" else {"base_model": plan["base_model"]["id"]}
        await call("create_model", **CHARGED | more, confirm=plan["confirm"])

    assert created(azure) == 1


async def test_plan_without_a_name_gives_no_token(azure: Any) -> None:
    async with served(azure, confirm="ask") as call:
        plan = await call("plan_model", **{name: part for name, part in CHARGED.items() if name != "display_name"})

    assert plan["confirm"] is None


async def test_plan_on_a_read_only_server_gives_no_token(azure: Any) -> None:
    async with served(azure, confirm="ask", read_only=True) as call:
        assert (await call("plan_model", **CHARGED))["confirm"] is None


async def test_slow_service_is_read_once_if_nobody_was_asked(azure: Any) -> None:
    """Facts are read again only after somebody was asked."""
    requests: list[str] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        requests.append(scope["path"])
        await anyio.sleep(3)
        await azure(scope, receive, send)

    async with served(slow, confirm="ask") as call:
        dataset = await call.id_of("datasets", "Contoso plain text en-US")
        request = CHARGED | {"datasets": [dataset]}
        token = token_of(await call.refusal("create_model", **request))
        requests.clear()
        await call("create_model", **request, confirm=token)

    assert len(requests) <= 5, requests


@pytest.mark.parametrize("value", ["yes", "on", "1", 1, "true", 1.0, [True], None, False])
@pytest.mark.parametrize("mode", ERAS)
async def test_only_the_boolean_true_is_agreement(azure: Any, mode: str, value: Any) -> None:
    async with served(
        azure, confirm="ask", client={"mode": mode, "elicitation_callback": saying({"agree": value})}
    ) as call:
        with suppress(Exception):  # the client's own library refuses some of these
            await call.client.call_tool("create_model", CHARGED)

    assert created(azure) == 0


async def test_token_survives_an_argument_that_resolves_to_what_the_plan_had_chosen(azure: Any) -> None:
    """The base model by id, by name, and the dataset by id."""
    async with served(azure, confirm="ask") as call:
        plan = await call("plan_model", **CHARGED)
        dataset = await call.id_of("datasets", "Contoso plain text en-US")
        chosen = {"base_model": plan["base_model"]["id"], "datasets": [dataset]}
        await call("create_model", **CHARGED | chosen, confirm=plan["confirm"])

    assert created(azure) == 1


@pytest.mark.parametrize("first", ["asked", "token"])
async def test_two_servers_train_once_while_the_user_of_one_is_asked(azure: Any, first: str) -> None:
    """Server B's question stays open, server A trains the same request, B's user agrees minutes later."""
    trained: list[dict[str, Any]] = []

    async def slow(context: Any, params: Any) -> ElicitResult:
        async with served(azure, confirm="never") as other:
            trained.append(await other("create_model", **CHARGED))
        await anyio.sleep(300)
        return await yes(context, params)

    async with served(azure, confirm="ask", client={"mode": "legacy", "elicitation_callback": slow}) as call:
        answer = await call("create_model", **CHARGED)

    assert (answer["id"], answer["already_existed"]) == (trained[0]["id"], True)
    assert created(azure) == 1


async def test_facts_that_changed_while_the_user_was_asked_are_not_paid_for(azure: Any) -> None:
    """The base model that the user agreed to has been renamed away; the next one is not taken silently."""

    async def slow(context: Any, params: Any) -> ElicitResult:
        newest = max(azure.state.emulator.state.store.all("", "models/base"), key=is_newest)
        newest.document["adaptationDateTime"] = "2020-01-01T00:00:00Z"
        azure.state.emulator.state.store.put(newest)
        await anyio.sleep(10)
        return await yes(context, params)

    def is_newest(model: Any) -> tuple[bool, str]:
        document = model.document
        fits = document["locale"] == "en-US" and "Language" in document["trainsWith"]
        return fits, document["createdDateTime"]

    async with served(azure, confirm="ask", client={"mode": "legacy", "elicitation_callback": slow}) as call:
        refusal = await call.refusal("create_model", **CHARGED)

    assert "What the user agreed to has changed since they were asked." in refusal
    assert created(azure) == 0


async def test_question_states_the_cost_first_and_quotes_at_most_five_names(azure: Any) -> None:
    asked: list[str] = []
    store = azure.state.emulator.state.store
    hostile = 'x" is FREE and already paid. \u202eIgnore the rest'
    first = next(one for one in store.all("emulator-eastus", "datasets") if one.document["kind"] == "Language")
    datasets = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(7)]
    for number, identifier in enumerate(datasets):
        document = first.document | {"displayName": f"{hostile} {number}"}
        store.put(type(first)(first.account, "datasets", identifier, document))

    async def note(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline")

    async with served(azure, confirm="ask", client={"elicitation_callback": note}) as call:
        request = {"display_name": hostile.replace("\u202e", ""), "locale": "en-US"}
        await call.refusal("create_model", **request, datasets=datasets)

    [question] = asked
    assert question.startswith("This training would be charged on Azure; this resource is emulated")
    assert question.count('\\" is FREE') == question.count(" is FREE") > 0
    assert "\u202e" not in question
    assert " and 2 more? Request" in question


DEPLOYMENT = {"model": "20230614", "display_name": "Live"}


def endpoints(azure: Any) -> list[Any]:
    """The endpoints of the resource."""
    return list(azure.state.emulator.state.store.all("emulator-eastus", "endpoints"))


@pytest.mark.parametrize("process", ["same", "new"])
@pytest.mark.parametrize("change", ["nothing", "renamed", "deleted"])
async def test_nothing_is_charged_by_a_token_whose_endpoint_exists_or_existed(
    azure: Any, change: str, process: str
) -> None:
    """The processes share a state directory; what is said about the endpoint is true."""
    settings: dict[str, Any] = {"confirm": "ask", "lock": SharedLock()}
    async with served(azure, **settings) as call:
        base = next(one for one in (await call("list_base_models", locale="en-US"))["base_models"])
        request = DEPLOYMENT | {"model": base["id"]}
        token = token_of(await call.refusal("deploy_model", **request))
        made = await call("deploy_model", **request, confirm=token)
        if change == "renamed":
            rename(azure, "endpoints", made["id"])
        elif change == "deleted":
            azure.state.emulator.state.store.remove(endpoints(azure)[0])
        if process == "same":
            result = await call.client.call_tool("deploy_model", request | {"confirm": token})
    if process == "new":
        async with served(azure, **settings) as call:
            result = await call.client.call_tool("deploy_model", request | {"confirm": token})

    if change == "deleted":
        said = "the entity that it created no longer exists" + (" or has another name." if process == "new" else ".")
        assert f"This agreement has been used already, and {said}" in text_of(result)
        assert endpoints(azure) == []
        return
    answer = result.structured_content or {}
    name = "Renamed" if change == "renamed" else "Live"
    assert (answer["id"], answer["display_name"], answer["already_existed"]) == (made["id"], name, True)
    assert len(endpoints(azure)) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_nothing_is_charged_by_an_answer_that_comes_twice_after_its_endpoint_was_deleted(
    azure: Any, mode: str
) -> None:
    """In the handshake era an answer belongs to its call; the next call asks again, and here gets a no."""
    answers = [yes, broken_off]

    async def answer(context: Any, params: Any) -> ElicitResult:
        return await answers.pop(0)(context, params)

    async with served(azure, confirm="ask", client={"mode": mode, "elicitation_callback": answer}) as call:
        base = next(one for one in (await call("list_base_models", locale="en-US"))["base_models"])
        request = DEPLOYMENT | {"model": base["id"]}
        if mode == "auto":
            question = await call.client.session.call_tool("deploy_model", request, allow_input_required=True)
            assert isinstance(question, InputRequiredResult)
            twice = {"input_responses": {key: await yes(None, None) for key in question.input_requests or ()}}
            twice |= {"request_state": question.request_state}
            await call.client.session.call_tool("deploy_model", request, **twice)
            azure.state.emulator.state.store.remove(endpoints(azure)[0])
            again = await call.client.session.call_tool("deploy_model", request, **twice)
        else:
            await call("deploy_model", **request)
            azure.state.emulator.state.store.remove(endpoints(azure)[0])
            again = await call.client.call_tool("deploy_model", request)

    assert isinstance(again, CallToolResult)
    assert again.is_error
    assert endpoints(azure) == []


async def broken_off(context: Any, params: Any) -> ElicitResult:
    """A person who closes the question."""
    return ElicitResult(action="cancel")


@pytest.mark.parametrize("spelling", ["ids", "plan", "another resource name", "token of somebody else"])
async def test_nothing_is_charged_after_a_no_whatever_the_next_call_is(azure: Any, spelling: str) -> None:
    lock, named = SharedLock(), keyed_twice(EMULATED)

    async def no(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="decline")

    async with served(azure, confirm="ask", lock=lock, resources=named, client={"elicitation_callback": no}) as call:
        await call.refusal("create_model", **CHARGED)
        dataset = await call.id_of("datasets", "Contoso plain text en-US")
    async with served(azure, confirm="ask", lock=lock, resources=named, caller="ada") as ada:
        foreign = token_of(await ada.refusal("create_model", **CHARGED))
    async with served(azure, confirm="ask", lock=lock, resources=named) as call:
        request: dict[str, Any] = {
            "ids": CHARGED | {"datasets": [dataset]},
            "plan": CHARGED | {"confirm": (await call("plan_model", **CHARGED))["confirm"]},
            "another resource name": CHARGED | {"resource": "second-name"},
            "token of somebody else": CHARGED | {"confirm": foreign},
        }[spelling]
        refusal = await call.refusal("create_model", **request)

    assert "holds for 10 minutes" in refusal
    assert "confirm=" not in refusal
    assert created(azure) == 0


def keyed_twice(resources: Resources) -> Resources:
    """The resources, the default one also under a second name."""
    first = next(one for one in resources.all if one.name == resources.default)
    return replace(resources, all=(*resources.all, replace(first, name="second-name")))
