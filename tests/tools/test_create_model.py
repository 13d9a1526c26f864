"""create_model …"""

import json
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from conftest import Connect
from custom_speech_server.resource_config import EMULATED, normalize_endpoint
from custom_speech_tools.guardrails.charges import PRICE_LIST
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

TEXT, AUDIO = "Contoso plain text en-US", "Contoso audio with transcripts en-US"
GOOD: dict[str, Any] = {"display_name": "Calls", "locale": "en-US", "datasets": [TEXT]}
FREE = "20230614"


async def test_create_model_trains_a_model(call: Caller) -> None:
    """The result has the names of all parts, and the call that follows it."""
    model = await call("create_model", **GOOD, base_model=FREE, project="Contoso en-US", description="For the hotline")

    assert (model["display_name"], model["locale"], model["description"]) == ("Calls", "en-US", "For the hotline")
    assert model["base_model"]["display_name"] == FREE
    assert [dataset["display_name"] for dataset in model["datasets"]] == [TEXT]
    assert model["project"]["display_name"] == "Contoso en-US"
    assert (model["already_existed"], model["findings"]) == (False, [])
    assert model["next_steps"] == [f'get_model(model="{model["id"]}", wait_seconds=25, resource="emulator-eastus")']


async def test_create_model_waits_for_the_end_of_the_training(call: Caller) -> None:
    """As get_model does."""
    made = await call("create_model", **GOOD, wait_seconds=10)

    assert made["status"] == "Succeeded"
    assert "check_again_after_seconds" not in made


async def test_create_model_costs_two_round_trips(call: Caller, azure: Azure) -> None:
    """The facts side by side, then the one request that creates."""
    data = await call.id_of("datasets", TEXT)
    await azure.forget()

    await call("create_model", display_name="Calls", locale="en-US", datasets=[data])

    *facts, create = await azure.operations()
    assert sorted(facts) == ["Datasets_Get", "Models_ListBaseModels", "Models_ListCustomModels"]
    assert create == "Models_Create"


async def test_create_model_refuses_with_every_finding_and_creates_nothing(call: Caller, azure: Azure) -> None:
    """Mixed locales, and audio where no hardware trains it."""
    wrong = GOOD | {"datasets": [AUDIO, "Contoso plain text de-DE"], "resource": "emulator-brazilsouth"}

    refusal = await call.refusal("create_model", **wrong)

    assert refusal.startswith("Nothing was created.\n")
    assert rules_of(refusal) == ["locale-match", "region-trains-audio"]
    assert refusal.endswith("Correct every finding of level block, then call again.")
    assert await azure.writes() == []


async def test_create_model_refuses_a_base_model_of_another_locale(call: Caller) -> None:
    """A base model speaks one locale."""
    german = (await call("list_base_models", locale="de-DE"))["base_models"][0]["id"]

    refusal = await call.refusal("create_model", **GOOD, base_model=german)

    assert rules_of(refusal) == ["locale-match"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"datasets": [AUDIO, "Contoso plain text de-DE", "Nothing"], "resource": "emulator-brazilsouth"},
        {"locale": "en-us", "base_model": "20260322 Whisper Large V2", "project": "Contoso fr-FR"},
        {"datasets": ["Contoso pronunciation en-US", "Contoso structured text en-US", TEXT, TEXT]},
    ],
)
async def test_create_model_finds_what_plan_model_finds(call: Caller, arguments: dict[str, Any]) -> None:
    """The same arguments, the same findings, in the same order."""
    plan = await call("plan_model", **GOOD | arguments)

    result = await call.client.call_tool("create_model", GOOD | arguments)

    if plan["ok"]:
        assert (result.structured_content or {})["findings"] == plan["findings"]
    else:
        lines = [
            f"- [{finding['level']}: {finding['rule']}] {finding['message']} {finding['fix']}"
            for finding in plan["findings"]
        ]
        assert str(result.content[0].text).splitlines()[1:-1] == lines  # type: ignore[union-attr]  # text on errors


async def test_create_model_makes_one_model_of_the_same_request(call: Caller, azure: Azure) -> None:
    """However the parts are named, and in whatever order."""
    first = await call("create_model", **GOOD | {"datasets": [TEXT, AUDIO]})
    ids = [await call.id_of("datasets", AUDIO), await call.id_of("datasets", TEXT)]

    again = await call("create_model", **GOOD | {"datasets": ids})

    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert (await azure.writes()).count("Models_Create") == 1


async def test_create_model_makes_one_model_of_ten_calls_at_once(call: Caller, azure: Azure) -> None:
    """Nine of them get the model that the tenth made."""
    results: list[dict[str, Any]] = []

    async def create() -> None:
        results.append(await call("create_model", **GOOD))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(create)

    assert len({model["id"] for model in results}) == 1
    assert sorted(model["already_existed"] for model in results) == [False] + [True] * 9
    assert await azure.writes() == ["Models_Create"]


async def test_create_model_trains_the_same_again_when_asked_to(call: Caller) -> None:
    """`allow_duplicate` is meant."""
    first = await call("create_model", **GOOD)

    second = await call("create_model", **GOOD, allow_duplicate=True)

    assert second["id"] != first["id"]
    assert not second["already_existed"]


async def test_create_model_knows_a_second_training_for_the_request_that_it_repeats(call: Caller, azure: Azure) -> None:
    """Where the first is gone, the second is what the request has made."""
    first = await call("create_model", **GOOD)
    second = await call("create_model", **GOOD, allow_duplicate=True)
    await azure.finish(first["id"], "Succeeded")
    await azure.ask("DELETE", f"/speechtotext/models/{first['id']}")

    again = await call("create_model", **GOOD)

    assert (again["id"], again["already_existed"]) == (second["id"], True)


async def test_create_model_trains_again_where_the_training_of_the_same_request_failed(
    call: Caller, azure: Azure
) -> None:
    """A failed model is never the same, and the answer names it."""
    first = await call("create_model", **GOOD)
    await azure.finish(first["id"], "Failed", {"code": "InvalidData", "message": "Too little data"})

    again = await call("create_model", **GOOD)

    assert again["id"] != first["id"]
    assert not again["already_existed"]
    assert [finding["message"] for finding in again["findings"] if finding["rule"] == "already-exists"] == [
        f'An earlier training of the same request, model "{first["display_name"]}" ({first["id"]}), '
        'failed: "Too little data". It is not used again.'
    ]


async def test_create_model_makes_another_model_of_another_request_and_says_that_the_name_is_taken(
    call: Caller,
) -> None:
    """A name is no identity: the other model is not reused."""
    first = await call("create_model", **GOOD)

    second = await call("create_model", **GOOD | {"datasets": [AUDIO]})

    assert second["id"] != first["id"]
    assert [finding["rule"] for finding in second["findings"] if first["id"] in finding["message"]] == [
        "already-exists"
    ]


class TestCharge:
    """… and spends money only after a yes."""

    async def test_create_model_asks_the_user_of_a_client_that_can(self, connect: Connect, azure: Azure) -> None:
        """What, where and which charge; in both protocol eras."""
        asked: list[str] = []

        async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            asked.append(params.message)
            return ElicitResult(action="accept", content={"agree": True})

        for number, mode in enumerate(("auto", "legacy")):
            async with connect(client={"mode": mode, "elicitation_callback": yes}) as call:
                model = await call("create_model", **GOOD | {"display_name": f"Calls {number}"})
                assert model["id"]

        assert len(asked) == 2
        assert asked[0].startswith(
            "This training would be charged on Azure; this resource is emulated, so nothing is charged. "
            f"The API does not state the price; see {PRICE_LIST}. "
            'Train custom speech model "Calls 0" (en-US) on base model "20260924" with dataset(s) '
            '"Contoso plain text en-US"? Request '
        )
        assert await azure.writes() == ["Models_Create"] * 2

    @pytest.mark.parametrize("mode", ["auto", "legacy"])
    @pytest.mark.parametrize(
        "answer",
        [
            ElicitResult(action="decline"),
            ElicitResult(action="cancel"),
            ElicitResult(action="accept", content={"agree": False}),
            ElicitResult(action="accept", content={"agree": "perhaps"}),
            ElicitResult(action="accept", content={}),
            ElicitResult(action="accept"),
        ],
    )
    async def test_create_model_creates_nothing_for_any_other_answer(
        self, connect: Connect, azure: Azure, mode: str, answer: ElicitResult
    ) -> None:
        """No, later, nonsense: none is a yes."""

        async def no(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            return answer

        async with connect(client={"mode": mode, "elicitation_callback": no}) as call:
            refusal = await call.refusal("create_model", **GOOD)

        is_token_offered = 'confirm="' in refusal
        assert is_token_offered == (answer.action == "accept" and (answer.content or {}).get("agree") is not False)
        assert is_token_offered or "The user did not agree" in refusal
        assert await azure.writes() == []

    async def test_create_model_gives_a_token_to_a_client_that_cannot_ask(self, connect: Connect, azure: Azure) -> None:
        """The refusal holds the plan and the token; the second call passes it."""
        async with connect() as call:
            refusal = await call.refusal("create_model", **GOOD)
            assert rules_of(refusal) == ["training-is-charged"]
            assert await azure.writes() == []

            model = await call("create_model", **GOOD, confirm=token_of(refusal))

        assert model["id"]
        assert await azure.writes() == ["Models_Create"]

    async def test_create_model_takes_the_token_of_a_plan(self, connect: Connect) -> None:
        """What was planned can be confirmed."""
        async with connect() as call:
            plan = await call("plan_model", **GOOD)

            assert (await call("create_model", **GOOD, confirm=plan["confirm"]))["id"]

    @pytest.mark.parametrize(
        "change",
        [{"display_name": "Other"}, {"datasets": [AUDIO]}, {"description": "More"}, {"allow_duplicate": True}],
    )
    async def test_create_model_refuses_a_token_for_other_arguments(
        self, connect: Connect, azure: Azure, change: dict[str, Any]
    ) -> None:
        """A yes is a yes to exactly this."""
        async with connect() as call:
            token = token_of(await call.refusal("create_model", **GOOD))

            refusal = await call.refusal("create_model", **GOOD | change, confirm=token)

        assert "not for these arguments" in refusal
        assert await azure.writes() == []

    @pytest.mark.parametrize("token", ["", "yes", "9999999999-abc", "9" * 400, "nan-", "९९९९९९९९९९-0", "-1-0"])
    async def test_create_model_refuses_a_token_that_it_did_not_give(
        self, connect: Connect, azure: Azure, token: str
    ) -> None:
        """Nothing that a caller makes up confirms anything."""
        async with connect() as call:
            await call.refusal("create_model", **GOOD, confirm=token)

        assert await azure.writes() == []

    async def test_create_model_takes_a_token_once(self, connect: Connect, azure: Azure) -> None:
        """One yes, one training."""
        duplicate = GOOD | {"allow_duplicate": True}
        async with connect() as call:
            token = token_of(await call.refusal("create_model", **duplicate))
            first = await call("create_model", **duplicate, confirm=token)
            again = await call("create_model", **duplicate, confirm=token)

        assert (again["id"], again["already_existed"]) == (first["id"], True)

        assert await azure.writes() == ["Models_Create"]

    async def test_create_model_asks_nobody_for_a_free_base_model(self, connect: Connect) -> None:
        """Only a charge needs a yes."""
        async with connect() as call:
            assert (await call("create_model", **GOOD, base_model=FREE))["findings"] == []


def token_of(refusal: str) -> str:
    """The token in a refusal."""
    return refusal.rpartition('confirm="')[2].partition('"')[0]


class TestBadInput:
    """… and tells bad input clearly, creating nothing."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"colour": "red"}, "- colour: unknown argument"),
            ({"plan": {}}, "- plan: unknown argument"),
            ({"display_name": ""}, "- display_name: must not be empty"),
            ({"display_name": " \t"}, "- display_name: must not be empty"),
            ({"display_name": None}, "- display_name: Input should be a valid string"),
            ({"display_name": 1.5}, "- display_name: Input should be a valid string"),
            ({"display_name": "x" * 10_000}, "- display_name: String should have at most 256 characters"),
            ({"display_name": "a\x00b"}, "- display_name: must not contain control characters"),
            ({"display_name": "a\u202eb"}, "- display_name: must not contain control characters"),
            (
                {"locale": "english"},
                "- locale: is not a valid locale; write language and region, such as",
            ),
            ({"datasets": []}, "- datasets: List should have at least 1 item"),
            ({"datasets": {"a": 1}}, "- datasets.0: Input should be a valid string"),
            ({"datasets": [{"self": "x"}]}, "- datasets.0: Input should be a valid string"),
            ({"datasets": [""]}, "- datasets.0: must not be empty"),
            ({"allow_duplicate": "perhaps"}, "- allow_duplicate: Input should be a valid boolean"),
        ],
    )
    async def test_create_model_names_the_argument(
        self, call: Caller, azure: Azure, arguments: dict[str, Any], said: str
    ) -> None:
        """Name, rule, and what the tool takes; the value is not echoed."""
        refusal = await call.refusal("create_model", **GOOD | arguments)

        assert refusal.startswith("create_model was not run: invalid arguments.\n")
        assert said in refusal
        assert len(refusal) < 1000
        assert await azure.requests() == []

    async def test_create_model_names_all_that_is_missing(self, call: Caller) -> None:
        """Not one after the other."""
        refusal = await call.refusal("create_model")

        assert refusal.splitlines()[1:4] == [
            "- display_name: Field required",
            "- locale: Field required",
            "- datasets: Field required",
        ]

    async def test_create_model_takes_an_array_that_came_as_text(self, call: Caller) -> None:
        """Some clients send arrays as JSON text."""
        model = await call("create_model", **GOOD | {"datasets": json.dumps([TEXT])})

        assert [dataset["display_name"] for dataset in model["datasets"]] == [TEXT]

    @pytest.mark.parametrize("name", ["123", "{}", "true", "null", "[1]", '"x"', "1e3"])
    async def test_create_model_leaves_a_name_as_it_is(self, call: Caller, name: str) -> None:
        """A text that looks like JSON stays text."""
        model = await call("create_model", **GOOD | {"display_name": name, "description": name})

        assert (model["display_name"], model["description"]) == (name, name)

    @pytest.mark.parametrize("asked", ["Calls", " Calls "])
    async def test_create_model_leaves_out_blanks_around_a_name(self, call: Caller, asked: str) -> None:
        """Nobody sees them; the model is found by what is read as by what was written."""
        model = await call("create_model", **GOOD | {"display_name": " Calls "})

        assert (await call("get_model", model=asked))["id"] == model["id"]

    @pytest.mark.parametrize(("sent", "name"), [(123, "123"), (True, "true"), ({}, "{}"), ([], "[]")])
    async def test_create_model_takes_a_name_that_a_client_took_for_json(
        self, call: Caller, sent: Any, name: str
    ) -> None:
        """Command line clients read 123 as a number; base models are called 20230614."""
        model = await call("create_model", **GOOD | {"display_name": sent, "base_model": 20230614})

        assert (model["display_name"], model["base_model"]["display_name"]) == (name, "20230614")

    async def test_create_model_names_the_resources_there_are(self, call: Caller) -> None:
        """A misspelt resource is not the default one."""
        refusal = await call.refusal("create_model", **GOOD, resource="eastus")

        assert "Use one of: emulator-eastus, emulator-westeurope, emulator-brazilsouth." in refusal


SPELLINGS = ["http://eastus.localhost", "http://localhost", "http://127.0.0.1/eastus", "http://EASTUS.localhost:80"]


async def test_create_model_trains_once_however_the_resource_is_spelled(connect: Connect, azure: Azure) -> None:
    """A region, a custom domain and an address of one resource are one resource."""
    for spelling in SPELLINGS:
        resource = replace(EMULATED.all[0], endpoint=normalize_endpoint(spelling))
        async with connect(confirm="never", resources=replace(EMULATED, all=(resource,))) as call:
            await call("create_model", **GOOD)

    assert await azure.writes() == ["Models_Create"]
