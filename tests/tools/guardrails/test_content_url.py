"""Addresses that Azure is to read: what they themselves show (rule content-address)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from conftest import Connect
from custom_speech_tools.guardrails.content_url import content_url_works
from support.speech_service import Azure
from support.tool_client import rules_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BLOB = "https://contoso.blob.core.windows.net"
SAS = "sv=2024-11-04&sr=b&sp=r&st=2026-11-30T00:00Z&se=2026-12-01T00:00:00Z&sig=abc%3D"


def found(url: str, *, is_emulated: bool = False) -> list[tuple[str, str]]:
    """The level and the message of each finding."""
    return [(one.level, one.message) for one in content_url_works(url, NOW, is_emulated=is_emulated)]


@pytest.mark.parametrize(
    "url",
    [
        f"{BLOB}/data/a.zip?{SAS}",
        f"{BLOB}/data/a.zip?{SAS.replace('sr=b', 'sr=c')}",
        f"{BLOB}/data/a.zip",
        f"{BLOB}/data/a.zip?{SAS}&si=policy&sip-note=1",
        "https://contoso.s3.amazonaws.com/a.zip?X-Amz-Date=20261130T110000Z&X-Amz-Expires=7200&X-Amz-Signature=a",
        "https://raw.githubusercontent.com/contoso/calls/main/a.txt",
        "https://github.com/contoso/calls/raw/main/a.txt",
        "https://www.dropbox.com/scl/fi/x/a.zip?rlkey=x&dl=1",
        "https://drive.google.com/uc?export=download&id=x",
        f"{BLOB}/data/a.zip?sv=2024&sig=a&se=nonsense",
    ],
)
def test_content_url_that_may_work_is_taken(url: str) -> None:
    assert found(url) == []


@pytest.mark.parametrize(
    ("url", "level", "message"),
    [
        (f"{BLOB}/data/a.zip?{SAS.replace('2026-12-01', '2026-11-29')}", "block", "expired at 2026-11-29 00:00 UTC"),
        (
            f"{BLOB}/data/a.zip?{SAS.replace('2026-12-01T00:00', '2026-11-30T12:05')}",
            "warn",
            "the import may begin later",
        ),
        (f"{BLOB}/data/a.zip?{SAS.replace('st=2026-11-30', 'st=2026-12-01')}", "block", "not valid before 2026-12-01"),
        (f"{BLOB}/data/a.zip?{SAS.replace('sp=r', 'sp=cw')}", "block", 'does not permit reading (sp="cw")'),
        (f"{BLOB}/data?{SAS.replace('sr=b', 'sr=c')}", "block", "names a container or folder"),
        (f"{BLOB}/?comp=list", "block", "names a container or folder"),
        (f"{BLOB}/a.zip", "warn", "names a container or folder"),
        (f"{BLOB}/data/a.zip?{SAS}&sip=203.0.113.7", "block", "valid for the address"),
        (f"{BLOB}/data/a.zip?{SAS.replace('&', '&amp;')}", "block", "&amp;"),
        (f"{BLOB}/data/a.zip?sv=2024-11-04", "block", "no signature (sig): it is truncated"),
        (f"{BLOB}/data/a.zip?{SAS}&ss=f", "block", "is not for blobs"),
        (f"{BLOB}/data/a.zip?{SAS}&srt=s", "block", "is not for files"),
        (f"{BLOB.replace('https', 'http')}/data/a.zip?{SAS}&spr=https", "block", "valid with https only"),
        ("https://drive.google.com/file/d/x/view", "block", "a page of Google Drive"),
        ("https://contoso.sharepoint.com/:u:/s/x", "block", "a page of SharePoint"),
        ("https://1drv.ms/u/x", "block", "a page of OneDrive"),
        ("https://github.com/contoso/calls/blob/main/a.txt", "block", "a page of github.com"),
        ("https://huggingface.co/datasets/contoso/blob/main/a.zip", "block", "a page of huggingface.co"),
        ("https://www.dropbox.com/scl/fi/x/a.zip?dl=0", "block", "a page of Dropbox"),
        ("s3://contoso/a.zip", "block", 'begins with "s3"'),
        ("gs://contoso/a.zip", "block", 'begins with "gs"'),
        ("https://localhost/a.zip", "block", "Azure cannot reach"),
        ("https://10.0.0.4/a.zip", "block", "Azure cannot reach"),
        ("https://c.s3.amazonaws.com/a?X-Amz-Date=20261129T110000Z&X-Amz-Expires=60", "block", "expired at 2026-11-29"),
        ("https://storage.googleapis.com/c/a?X-Goog-Date=20261129T110000Z&X-Goog-Expires=60", "block", "expired"),
        ("https://c.s3.amazonaws.com/a?Expires=1700000000&Signature=a", "block", "expired at 2023-11-14"),
    ],
)
def test_content_url_that_cannot_work_is_explained(url: str, level: str, message: str) -> None:
    findings = found(url)

    assert [one[0] for one in findings] == [level]
    assert message in findings[0][1]


def test_content_url_on_this_machine_is_reached_by_the_emulator() -> None:
    assert found("http://127.0.0.1:8000/a.zip", is_emulated=True) == []


NEW: dict[str, Any] = {"display_name": "Calls", "locale": "en-US", "kind": "Acoustic"}


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["s3://contoso/a.zip", "file:///data/a.zip", "https://drive.google.com/file/d/x/view"])
async def test_upload_dataset_sends_no_address_that_cannot_work(connect: Connect, azure: Azure, url: str) -> None:
    async with connect() as call:
        refusal = await call.refusal("upload_dataset", **NEW, content_url=url)

    assert rules_of(refusal) == ["content-address"]
    assert await azure.writes() == []


@pytest.mark.anyio
async def test_upload_dataset_judges_an_address_by_the_clock_of_the_service(connect: Connect, azure: Azure) -> None:
    await azure.advance(datetime(2099, 1, 2, tzinfo=UTC) - datetime.now(UTC))
    async with connect() as call:
        await call("list_datasets")
        refusal = await call.refusal("upload_dataset", **NEW, content_url=f"{BLOB}/data/a.zip?sv=1&se=2099-01-01&sig=a")

    assert "content_url expired at 2099-01-01" in refusal
