"""Behaviour that was recorded from the live service, or that clients rely on."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from custom_speech_emulator.resources.locales import LOCALES, has_token_scoring
from support.emulator_service import VERSIONS, Resource, Service, id_of
from support.recordings import wav, zipped

TRANSCRIPTS = "a.wav\tone two three\nb.wav\tfour five six\n"


def base_models(resource: Resource, locale: str = "en-US") -> list[Any]:
    """Return the base models of a locale, oldest first."""
    return list(resource.ask("GET", "/models/base", {"filter": f"locale eq '{locale}'"})["values"])


def open_ones(resource: Resource, locale: str) -> list[Any]:
    """Return the base models of a locale that can be adapted today."""
    today = datetime.now(UTC).isoformat()
    every = base_models(resource, locale)
    return [one for one in every if one["properties"]["deprecationDates"]["adaptationDateTime"] > today]


@pytest.mark.parametrize("version", VERSIONS)
def test_evaluation_accepts_a_base_model_by_the_path_of_custom_models(service: Service, version: str) -> None:
    """The response to `/models/{id}` contains `/models/base/{id}`."""
    resource = service.resource(version=version)
    base = open_ones(resource, "en-US")[0]["self"]
    short = {"self": base.replace("/models/base/", "/models/")}
    audio = {"self": resource.stocked("datasets", "audio with transcripts en-US")["self"]}
    asked = {"displayName": "e", "locale": "en-US", "model1": short, "model2": short, "dataset": audio}

    evaluation = resource.ask("POST", "/evaluations", json=asked)

    assert (evaluation["model1"], evaluation["model2"]) == ({"self": base}, {"self": base})


@pytest.mark.parametrize("version", VERSIONS)
def test_lists_accept_parameters_with_a_dollar_sign(service: Service, version: str) -> None:
    resource = service.resource(version=version)
    plain = resource.ask("GET", "/models/base", {"filter": "locale eq 'it-IT'", "top": 2, "skip": 1})["values"]
    dollar = resource.ask("GET", "/models/base", {"$filter": "locale eq 'it-IT'", "$top": 2, "$skip": 1})["values"]

    assert plain == dollar != []


def test_a_list_with_both_spellings_of_a_parameter_is_refused(eastus: Resource) -> None:
    assert eastus.refusal("GET", "/models", {"$top": 1, "top": 2}) == (400, "InvalidParameter")


def test_text_only_base_model_is_trained_with_audio_anywhere(start: Callable[..., Service]) -> None:
    """vi-VN, a region without training hardware, audio with transcripts: only the transcripts are used."""
    resource = start(training="reads:2").resource("brazilsouth")
    content = zipped({"trans.txt": TRANSCRIPTS.encode(), "a.wav": wav(), "b.wav": wav()})
    dataset = resource.dataset("Acoustic", content, locale="vi-VN")
    reads_until_finished(resource, dataset["self"])
    base = open_ones(resource, "vi-VN")[-1]
    assert base["properties"]["features"]["supportsAdaptationsWith"] == ["Language"]

    model = resource.ask(
        "POST",
        "/models",
        json={
            "displayName": "m",
            "locale": "vi-VN",
            "baseModel": {"self": base["self"]},
            "datasets": [{"self": dataset["self"]}],
        },
    )

    assert model["status"] == "Running"
    assert reads_until_finished(resource, model["self"]) == 2


def test_base_model_that_cannot_be_adapted_is_refused_as_recorded(eastus: Resource) -> None:
    base = next(one for one in base_models(eastus) if "Batch" in one["displayName"])
    asked = {"displayName": "m", "locale": "en-US", "baseModel": {"self": base["self"]}}

    response = eastus.send("POST", "/models", json=asked)

    assert response.status_code == 400
    assert (response.json()["code"], response.json()["innerError"]["code"]) == ("InvalidRequest", "InvalidPayload")
    assert "end-to-end model" in response.json()["message"]


def evaluated(resource: Resource, locale: str) -> Any:
    """Return the properties of a finished evaluation."""
    content = zipped({"trans.txt": TRANSCRIPTS.encode(), "a.wav": wav(), "b.wav": wav()})
    dataset = resource.dataset("Acoustic", content, locale=locale)
    base = {"self": open_ones(resource, locale)[0]["self"]}
    asked = {"displayName": "e", "locale": locale, "model1": base, "model2": base, "dataset": {"self": dataset["self"]}}
    evaluation = resource.ask("POST", "/evaluations", json=asked)
    for _ in range(9):
        evaluation = resource.ask("GET", evaluation["self"])
        if evaluation["status"] == "Succeeded":
            return evaluation["properties"]
        assert evaluation["status"] == "NotStarted"
    raise AssertionError("the evaluation did not end")


def test_evaluation_counts_token_errors_in_five_categories_and_percent(eastus: Resource) -> None:
    found = evaluated(eastus, "it-IT")
    categories = found["tokenErrors1"]

    assert sorted(categories) == ["capitalization", "inverseTextNormalization", "lexical", "others", "punctuation"]
    assert sum(one["numberOfEdits"] for one in categories.values()) == sum(
        found[f"word{kind}Count1"] for kind in ("Substitution", "Deletion", "Insertion")
    )
    assert sum(one["percentageOfAllEdits"] for one in categories.values()) in (0.0, 100.0)


def test_evaluation_of_a_locale_without_token_scoring_has_words_only(eastus: Resource) -> None:
    found = evaluated(eastus, "vi-VN")

    assert found["wordCount1"] == 6
    assert (found["tokenErrorRate1"], found["tokenCount1"]) == (-1, -1)
    assert "tokenErrors1" not in found
    assert (has_token_scoring("it-IT"), has_token_scoring("vi-VN")) == (True, False)


def test_dataset_that_waits_for_blocks_has_counts_from_the_start(eastus: Resource) -> None:
    dataset = eastus.ask("POST", "/datasets", json={"displayName": "d", "locale": "en-US", "kind": "Language"})
    properties = dataset["properties"]

    assert (properties["acceptedLineCount"], properties["rejectedLineCount"]) == (0, 0)
    assert {"commitBlocks", "listBlocks", "uploadBlocks"} <= dataset["links"].keys()


def test_base_models_of_2023_are_not_charged(eastus: Resource) -> None:
    old = [one for one in base_models(eastus) if one["createdDateTime"] < "2024"]

    assert old
    assert not any(one["properties"]["chargeForAdaptation"] for one in old)


@pytest.mark.parametrize("path", ["/projects", "/datasets", "/models", "/endpoints"])
def test_locales_are_accepted_in_any_case(eastus: Resource, path: str) -> None:
    body = {"displayName": "x", "locale": "EN-us"} | ({"kind": "Language"} if path == "/datasets" else {})

    assert eastus.ask("POST", path, json=body)["locale"] == "en-US"


def test_every_locale_of_custom_speech_has_a_base_model_that_is_open(eastus: Resource) -> None:
    offered = eastus.ask("GET", "/models/locales")

    assert sorted(offered) == sorted(LOCALES)
    assert len(LOCALES) == 148
    assert [locale for locale in LOCALES if not open_ones(eastus, locale)] == []


def test_paths_may_end_with_a_slash_and_json_may_come_without_content_type(eastus: Resource) -> None:
    content = b'{"displayName": "x", "locale": "en-US"}'

    assert eastus.send("POST", "/models/", content=content).status_code == 201
    assert eastus.send("GET", "/models/").status_code == 200


@pytest.mark.parametrize("path", ["/sts/v1.0/nothing", "/nothing", "/speechtotext/nothing"])
def test_gateway_answers_unknown_addresses_in_its_own_form(service: Service, path: str) -> None:
    headers = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
    response = service.send("GET", f"http://eastus.localhost{path}?api-version=2025-10-15", headers=headers)

    assert (response.status_code, response.json()) == (404, {"error": {"code": "404", "message": "Resource not found"}})


@pytest.mark.parametrize("path", ["/speechtotext/models?api-version=2025-10-15", "/sts/v1.0/issueToken"])
def test_gateway_answers_a_wrong_key_in_its_own_form(service: Service, path: str) -> None:
    method = "POST" if "sts" in path else "GET"
    response = service.send(method, f"http://eastus.localhost{path}", headers={"Ocp-Apim-Subscription-Key": "wrong"})

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "401"
    assert "invalid subscription key" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"), [("DELETE", "/models/base", "GET"), ("PATCH", "/models/locales", "GET")]
)
def test_literal_paths_beside_templates_answer_405(eastus: Resource, method: str, path: str, allow: str) -> None:
    """`base` is not the id of a model."""
    response = eastus.send(method, path)

    assert (response.status_code, response.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("reads", [1, 2, 3, 5])
def test_progress_ends_at_the_nth_read(start: Callable[..., Service], reads: int) -> None:
    """A model, an import, an evaluation and a copy all finish at read number N."""
    resource = start(training=f"reads:{reads}").resource()
    text = {"self": resource.stocked("datasets", "plain text en-US")["self"]}
    audio = {"self": resource.stocked("datasets", "audio with transcripts en-US")["self"]}
    base = {"self": open_ones(resource, "en-US")[0]["self"]}
    made = [
        resource.ask("POST", "/models", json={"displayName": "m", "locale": "en-US", "datasets": [text]}),
        resource.ask(
            "POST",
            "/evaluations",
            json={"displayName": "e", "locale": "en-US", "model1": base, "model2": base, "dataset": audio},
        ),
        resource.ask("POST", "/endpoints", json={"displayName": "p", "locale": "en-US", "model": base}),
        uploaded(resource),
    ]

    assert [reads_until_finished(resource, one["self"]) for one in made] == [reads] * len(made)


def uploaded(resource: Resource) -> Any:
    """Return a dataset whose blocks have just been committed."""
    dataset = resource.ask("POST", "/datasets", json={"displayName": "d", "locale": "en-US", "kind": "Language"})
    path, octets = f"/datasets/{id_of(dataset)}/blocks", {"Content-Type": "application/octet-stream"}
    resource.ask("PUT", path, {"blockid": "AAA="}, content=b"one line of text\n", headers=octets)
    resource.ask("POST", f"{path}:commit", json=[{"kind": "Latest", "id": "AAA="}])
    return dataset


def reads_until_finished(resource: Resource, uri: str) -> int:
    """Return the number of reads until an entity is finished."""
    for reads in range(1, 20):
        if resource.ask("GET", uri)["status"] == "Succeeded":
            return reads
    raise AssertionError("it did not end")


def test_date_header_is_of_the_emulators_own_clock(service: Service) -> None:
    service.send("POST", "http://localhost/_emulator/clock", json={"advance_seconds": 86_400 * 400})
    response = service.resource().send("GET", "/models")

    ahead = parsedate_to_datetime(response.headers["date"]) - datetime.now(UTC)
    assert 399 < ahead.total_seconds() / 86_400 < 401
    assert response.headers["custom-speech-emulator"] == "1"


def test_sas_validity_of_zero_seconds_gives_an_address_without_a_signature(service: Service) -> None:
    """0 seconds result in a URL without a signature (specification of v3.2), under which no content is served."""
    resource = service.resource(version="v3.2")
    dataset = resource.stocked("datasets", "plain text en-US")
    listed = resource.ask("GET", f"/datasets/{id_of(dataset)}/files", {"sasValidityInSeconds": 0})["values"]

    assert {file["links"]["contentUrl"].partition("?")[1] for file in listed} == {""}
    assert resource.refusal("GET", f"/datasets/{id_of(dataset)}/files", {"sasValidityInSeconds": -1})[0] == 400
