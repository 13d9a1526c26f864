"""Fault rules."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from support.emulator_service import Resource, Service

MODEL = {"displayName": "x", "locale": "en-US"}


def rules(service: Service, *values: dict[str, Any]) -> None:
    """Replace the fault rules."""
    assert service.send("PUT", "http://localhost/_emulator/faults", json=list(values)).status_code == 200


@pytest.mark.parametrize("fault", ["429", "500", "503"])
def test_fault_rule_answers_an_error_before_anything_is_done(service: Service, eastus: Resource, fault: str) -> None:
    """The error has the format of the service, with or without `Retry-After`."""
    rules(service, {"fault": fault, "operation": "Models_Create", "nth": 1, "retry_after": 7})
    before = eastus.ask("GET", "/models")

    response = eastus.send("POST", "/models", json=MODEL)

    assert (response.status_code, response.headers["retry-after"]) == (int(fault), "7")
    assert eastus.ask("GET", "/models") == before
    assert eastus.send("POST", "/models", json=MODEL).status_code == 201


def test_fault_rule_answers_429_in_the_form_of_the_gateway(service: Service, eastus: Resource) -> None:
    """The gateway counts requests, so the error has the gateway's nested format."""
    rules(service, {"fault": "429", "retry_after": 7})

    body = eastus.send("GET", "/models").json()

    assert body == {"error": {"code": "429", "message": ANY}}
    assert "7 seconds" in body["error"]["message"]


def test_fault_rule_writes_retry_after_as_a_date_or_not_at_all(service: Service, eastus: Resource) -> None:
    """The header contains a date or is missing."""
    rules(service, {"fault": "429", "retry_after": 60, "retry_after_date": True, "nth": 1}, {"fault": "429", "nth": 2})

    dated, bare = eastus.send("GET", "/models"), eastus.send("GET", "/models")

    left = parsedate_to_datetime(dated.headers["retry-after"]) - datetime.now(UTC)
    assert 50 < left.total_seconds() < 61
    assert "retry-after" not in bare.headers


def test_fault_rule_closes_the_connection_before_or_after_the_work(service: Service, eastus: Resource) -> None:
    """In the same process, the caller gets ConnectionResetError; only `close-after` does the work."""
    count = len(eastus.ask("GET", "/models")["values"])
    rules(
        service,
        {"fault": "close-before", "method": "POST", "nth": 1},
        {"fault": "close-after", "method": "POST", "nth": 2},
    )

    for expected in (count, count + 1):
        with pytest.raises(ConnectionResetError):
            eastus.send("POST", "/models", json=MODEL)
        assert len(eastus.ask("GET", "/models")["values"]) == expected


def test_fault_rule_spoils_the_answer(service: Service, eastus: Resource) -> None:
    """The body is cut in half, or is not JSON."""
    whole = eastus.send("GET", "/models").content
    rules(service, {"fault": "truncated", "nth": 1}, {"fault": "not-json", "nth": 2})
    cut, page = eastus.send("GET", "/models"), eastus.send("GET", "/models")
    service.violations.clear()

    assert whole.startswith(cut.content)
    assert len(cut.content) < len(whole)
    assert page.text.startswith("<html>")


def test_fault_rule_answers_late(service: Service, eastus: Resource) -> None:
    """The headers or the body are delayed; the response is complete."""
    rules(service, {"fault": "slow-headers", "seconds": 0.01, "nth": 1}, {"fault": "slow-body", "seconds": 0.01})

    assert eastus.ask("GET", "/models") == eastus.ask("GET", "/models")


def test_fault_rule_leads_to_another_host(service: Service, eastus: Resource) -> None:
    """Every link in the body and in the headers is replaced."""
    rules(service, {"fault": "hostile-link", "host": "https://evil.example"})

    created = eastus.send("POST", "/models", json=MODEL)
    page = eastus.ask("GET", "/projects", {"top": 1})

    assert created.json()["self"].startswith("https://evil.example/speechtotext/models/")
    assert created.headers["location"] == created.json()["self"]
    assert page["@nextLink"].startswith("https://evil.example/")


def test_fault_rule_fits_by_all_that_it_names(service: Service, eastus: Resource) -> None:
    """The conditions are operation, method, account, API version and a part of the path."""
    other = service.resource("westeurope")
    rule = {"fault": "503", "account": "emulator-eastus", "api_version": "2025-10-15", "path": "/models/base"}
    rules(service, rule)

    assert eastus.send("GET", "/models/base").status_code == 503
    assert other.send("GET", "/models/base").status_code == 200
    assert service.resource(version="v3.2").send("GET", "/models/base").status_code == 200
    assert eastus.send("GET", "/models").status_code == 200
    assert service.control("GET", "faults") == [{**rule, "matched": 1, "applied": 1}]


def test_fault_rule_strikes_by_chance_but_repeatably(service: Service, eastus: Resource) -> None:
    """The same seed selects the same requests; a rule applies at most `times` times."""
    runs = []
    for _ in range(2):
        rules(service, {"fault": "500", "probability": 0.5, "seed": 3, "times": 4})
        runs.append([eastus.send("GET", "/models").status_code for _ in range(20)])

    assert runs[0] == runs[1]
    assert runs[0].count(500) == 4


def test_fault_rule_goes_away(service: Service, eastus: Resource) -> None:
    rules(service, {"fault": "500"})

    service.control("DELETE", "faults")

    assert eastus.send("GET", "/models").status_code == 200


@pytest.mark.parametrize("rule", [{"fault": "418"}, {}, {"fault": "500", "when": "now"}, {"fault": "500", "nth": 0}, 5])
def test_fault_rule_is_refused_when_it_makes_no_sense(service: Service, rule: Any) -> None:
    """The 400 error names the mistake."""
    response = service.send("PUT", "http://localhost/_emulator/faults", json=[rule])

    assert response.status_code == 400
    assert "The rules are not valid" in response.json()["message"]


def test_fault_rule_closes_after_the_work_was_really_done(service: Service, eastus: Resource, tmp_path: Path) -> None:
    """This includes work after the response, such as reading the content of a dataset."""
    file = tmp_path / "text.txt"
    file.write_bytes(b"\xef\xbb\xbfhello there\n")
    rules(service, {"fault": "close-after", "operation": "Datasets_Create"})
    body = {"displayName": "lost", "locale": "en-US", "kind": "Language", "contentUrl": file.as_uri()}

    with pytest.raises(ConnectionResetError):
        eastus.send("POST", "/datasets", json=body)

    found = eastus.ask("GET", "/datasets", {"filter": "displayName eq 'lost'"})["values"][0]
    assert eastus.ask("GET", found["self"])["properties"]["acceptedLineCount"] == 1
