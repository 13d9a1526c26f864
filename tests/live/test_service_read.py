"""What can be decided about the service with GET requests alone."""

from typing import NamedTuple

import pytest

from support.live_service import LiveService, outcome

pytestmark = pytest.mark.live

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Probe(NamedTuple):
    """One GET, with what the emulator answers by a row of docs/emulator.md."""

    row: str
    path: str
    query: str
    expected: str


PROBES = (
    Probe("A trailing slash; JSON without Content-Type", "/datasets/", "", "200"),
    Probe("An id that is not a GUID", "/datasets/not-a-guid", "", "404 NotFound"),
    Probe("A filter outside the grammar", "/datasets", "filter=foo", "400 InvalidRequest / UnsupportedFilter"),
    Probe(
        "Unknown, repeated or ill-typed query parameters",
        "/datasets",
        "top=x",
        "400 InvalidRequest / InvalidParameterValue",
    ),
    Probe(
        "Unknown, repeated or ill-typed query parameters",
        "/datasets",
        "unknown=1",
        "400 InvalidRequest / InvalidParameter",
    ),
    Probe("`$filter`", "/models/base", "$filter=locale eq 'en-US'&top=1", "200"),
    Probe("`$top` and `$skip`", "/models/base", "$top=1&$skip=1", "200"),
)


@pytest.mark.parametrize("probe", PROBES, ids=[f"{probe.path}?{probe.query}" for probe in PROBES])
def test_service_answers_a_get_as_the_emulator_does(service: LiveService, probe: Probe) -> None:
    found = outcome(service.send("GET", probe.path, query=probe.query))

    service.decide(probe.row, probe.expected, found)
    assert found == probe.expected


def test_service_answers_a_page_of_base_models_as_the_emulator_does(service: LiveService) -> None:
    row = "Page size without top; greatest page"
    sizes = [len(service.send("GET", "/models/base", query=top).json()["values"]) for top in ("", "top=1000")]

    service.decide(row, "100; 100", "; ".join(map(str, sizes)))
    assert sizes == [100, 100]


def test_service_has_the_same_base_models_in_every_region(services: list[LiveService]) -> None:
    if len(services) < 2:
        pytest.skip("needs a second resource")
    query = "filter=locale eq 'en-US'&top=100"
    ids = [
        {_id(one["self"]) for one in found.send("GET", "/models/base", query=query).json()["values"]}
        for found in services
    ]

    found = "the same ids" if len({frozenset(one) for one in ids}) == 1 else "other ids"
    services[0].decide("Base models of different regions", "the same ids", found)
    assert found == "the same ids"


def _id(link: str) -> str:
    return link.partition("?")[0].rpartition("/")[2]
