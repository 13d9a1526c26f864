"""list_datasets …"""

import pytest

from conftest import Connect
from support.tool_client import Caller

pytestmark = pytest.mark.anyio


async def test_list_datasets_shows_kind_status_and_size(call: Caller) -> None:
    """Lines for text, hours for audio."""
    found = await call("list_datasets", locale="en-US", kinds="Acoustic")

    [dataset] = found["datasets"]
    assert (dataset["kind"], dataset["status"]) == ("Acoustic", "Succeeded")
    assert dataset["audio_hours"] > 0
    assert dataset["error"] is None


async def test_list_datasets_shows_why_an_import_failed(call: Caller) -> None:
    """A failed dataset carries the service's reason."""
    found = await call("list_datasets", limit=100)

    failed = next(dataset for dataset in found["datasets"] if dataset["status"] == "Failed")
    assert failed["error"]["code"] == "DataImportFailed"


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2", "2024-11-15"])
async def test_list_datasets_reads_durations_in_every_api_version(connect: Connect, version: str) -> None:
    """v3.2 tells ISO 8601, later versions milliseconds; the hours are the same."""
    async with connect(version=version) as call:
        found = await call("list_datasets", locale="en-US", kinds="Acoustic")

    assert [dataset["audio_hours"] for dataset in found["datasets"]] == [2.4]
