"""Datasets and their import."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custom_speech_emulator import account
from custom_speech_emulator.resources.dataset_imports import is_allowed_url
from custom_speech_emulator.resources.seed_data import SENTENCES
from support.emulator_service import VERSIONS, Resource, Service, id_of
from support.loopback_server import Heard, listening
from support.recordings import chunk, pcm, riff, wav, zipped

BOM = b"\xef\xbb\xbf"
TEXT = BOM + b"The blue gateway hums.\nPress the green key.\n"


def asked(**others: Any) -> dict[str, Any]:
    """A request for a plain text dataset."""
    return {"displayName": "text", "locale": "en-US", "kind": "Language", **others}


def served(data: bytes, status: int = 200, **headers: str) -> Callable[[Heard], tuple[int, dict[str, str], bytes]]:
    """A response with the given bytes."""
    return lambda _: (status, headers, data)


@pytest.mark.parametrize("version", VERSIONS)
def test_dataset_is_read_from_its_content_url(service: Service, version: str) -> None:
    """The counts are those of the content."""
    resource = service.resource(version=version)
    with listening(served(TEXT)) as listener:
        created = resource.ask("POST", "/datasets", json=asked(contentUrl=f"{listener.url}/text"))

    dataset = resource.ask("GET", created["self"])

    assert (created["status"], dataset["status"]) == ("NotStarted", "Succeeded")
    assert dataset["properties"]["acceptedLineCount"] == 2
    assert dataset["properties"] == {"acceptedLineCount": 2, "rejectedLineCount": 0}


def test_dataset_of_recordings_lists_the_transcripts_that_were_taken(eastus: Resource) -> None:
    """The file has one line for each recording, with the names that the files of an evaluation use."""
    said = "a.wav\tpress the key\nb.wav\twait\n".encode("utf-8-sig")
    stocked = eastus.stocked("datasets", "audio with transcripts en-US")
    sent = eastus.dataset("Acoustic", zipped({"a.wav": wav(), "b.wav": wav(), "trans.txt": said}))

    texts = [
        eastus.service.send("GET", file["links"]["contentUrl"]).content
        for dataset in (sent, stocked)
        for file in eastus.ask("GET", dataset["links"]["files"])["values"]
        if file["kind"] == "AcousticDataTranscriptionV2"
    ]

    assert texts[0] == "a.wav\tpress the key\r\nb.wav\twait\r\n".encode("utf-8-sig")
    assert texts[1].decode("utf-8-sig").splitlines()[0] == f"call-01.wav\t{SENTENCES['en-US'][0]}"


def test_dataset_is_read_from_a_file_of_this_machine(eastus: Resource, tmp_path: Path) -> None:
    file = tmp_path / "some text.txt"
    file.write_bytes(TEXT)

    dataset = eastus.ask("POST", "/datasets", json=asked(contentUrl=file.as_uri()))

    assert eastus.ask("GET", dataset["self"])["properties"]["acceptedLineCount"] == 2


def test_dataset_fails_when_its_content_cannot_be_had(eastus: Resource, tmp_path: Path) -> None:
    """No response, half a response, a redirect, an error, a foreign host, a missing file: each has its own message."""
    reasons = {}
    with (
        listening(served(b"", 302, Location="http://localhost/")) as moving,
        listening(served(b"", 404)) as missing,
        listening(served(TEXT, **{"Content-Length": "999", "Connection": "close"})) as broken,
    ):
        urls = {
            "cut off": f"{broken.url}/x",
            "redirect": f"{moving.url}/x",
            "missing": f"{missing.url}/x",
            "silent": "http://127.0.0.1:1/x",
            "foreign": "https://contoso.com/x",
            "no file": (tmp_path / "none").as_uri(),
        }
        for name, url in urls.items():
            dataset = eastus.ask("POST", "/datasets", json=asked(contentUrl=url))
            dataset = eastus.ask("GET", dataset["self"])
            assert dataset["status"] == "Failed"
            reasons[name] = dataset["properties"]["error"]["message"]

    assert reasons["cut off"] == "The response of the contentUrl is incomplete."
    assert reasons["redirect"] == "The contentUrl responded with status 302."
    assert reasons["missing"] == "The contentUrl responded with status 404."
    assert reasons["silent"] == "The contentUrl did not respond."
    assert "only on loopback" in reasons["foreign"]
    assert "does not exist" in reasons["no file"]


def test_dataset_is_refused_with_an_address_that_is_none(eastus: Resource) -> None:
    """Allowed are http, https and file."""
    assert eastus.refusal("POST", "/datasets", json=asked(contentUrl="ftp://x")) == (400, "InvalidPayload")


def test_dataset_is_uploaded_in_blocks_that_are_put_in_order_by_the_commit(eastus: Resource) -> None:
    """Blocks can be uploaded in any order and repeatedly; only the committed list counts."""
    dataset = eastus.ask("POST", "/datasets", json=asked())
    links = dataset["links"]
    octets = {"Content-Type": "application/octet-stream"}
    middle = len(TEXT) // 2
    for block, part in (("AAI=", b"never"), ("AAE=", TEXT[middle:]), ("AAA=", b"wrong"), ("AAA=", TEXT[:middle])):
        url = f"{links['uploadBlocks']}&blockid={block.replace('=', '%3D')}"
        assert eastus.send("PUT", url, content=part, headers=octets).status_code == 201
    listed = eastus.ask("GET", links["listBlocks"])
    assert sorted(block["name"] for block in listed["uncommittedBlocks"]) == ["AAA=", "AAE=", "AAI="]

    order = [{"kind": "Uncommitted", "id": "AAA="}, {"kind": "Latest", "id": "AAE="}]
    assert eastus.send("POST", links["commitBlocks"], json=order).status_code == 200

    dataset = eastus.ask("GET", dataset["self"])
    assert dataset["properties"]["acceptedLineCount"] == 2
    assert "uploadBlocks" not in dataset["links"]
    listed = eastus.ask("GET", links["listBlocks"])
    assert [block["name"] for block in listed["committedBlocks"]] == ["AAA=", "AAE="]
    assert listed["uncommittedBlocks"] == []
    assert eastus.refusal("POST", links["commitBlocks"], json=order) == (409, "InvalidPrerequisite")


@pytest.mark.parametrize(
    ("block", "code"),
    [("", 400), ("?", 400), ("A", 400), ("QQ==" * 30, 400), ("AAAA", 201), ("AAAAAA==", 400)],
)
def test_dataset_refuses_blocks_with_bad_ids(eastus: Resource, block: str, code: int) -> None:
    """Block ids are Base64 of 1 to 64 bytes and have equal lengths."""
    here = f"/datasets/{id_of(eastus.ask('POST', '/datasets', json=asked()))}/blocks"
    octets = {"Content-Type": "application/octet-stream"}
    eastus.ask("PUT", here, {"blockid": "AAA="}, content=b"x", headers=octets)

    assert eastus.send("PUT", here, {"blockid": block}, content=b"x", headers=octets).status_code == code


def test_dataset_refuses_blocks_that_are_too_large_empty_or_no_bytes(eastus: Resource) -> None:
    """The limit is 8 MiB, and the Content-Type must be application/octet-stream."""
    here = f"/datasets/{id_of(eastus.ask('POST', '/datasets', json=asked()))}/blocks"
    octets = {"Content-Type": "application/octet-stream"}
    full = b"x" * (8 * 1024 * 1024)

    assert eastus.send("PUT", here, {"blockid": "AAA="}, content=full, headers=octets).status_code == 201
    assert eastus.refusal("PUT", here, {"blockid": "AAA="}, content=full + b"x", headers=octets)[0] == 413
    assert eastus.refusal("PUT", here, {"blockid": "AAA="}, content=b"", headers=octets) == (400, "EmptyRequest")
    assert eastus.refusal("PUT", here, {"blockid": "AAA="}, json={})[0] == 415
    assert eastus.refusal("PUT", here, content=b"x", headers=octets) == (400, "InvalidParameterValue")


@pytest.mark.parametrize(
    "order",
    [
        [],
        {},
        [{"kind": "Uncommitted", "id": "none"}],
        [{"kind": "Committed", "id": "AAA="}],
        [{"kind": "Uncommitted", "id": "AAA="}] * 2,
        [{"kind": "Other", "id": "AAA="}],
        [{"id": "AAA="}],
        [None],
    ],
)
def test_dataset_refuses_a_commit_of_blocks_that_are_not_there(eastus: Resource, order: object) -> None:
    """After a commit of missing, repeated or malformed blocks, the dataset still waits for blocks."""
    dataset = eastus.ask("POST", "/datasets", json=asked())
    here = f"/datasets/{id_of(dataset)}/blocks"
    eastus.ask("PUT", here, {"blockid": "AAA="}, content=b"x", headers={"Content-Type": "application/octet-stream"})

    assert eastus.refusal("POST", f"{here}:commit", json=order) == (400, "InvalidPayload")
    assert eastus.ask("GET", dataset["self"])["status"] == "NotStarted"


def test_dataset_says_what_its_import_left_out(eastus: Resource) -> None:
    """The report contains lines and reasons; report and data have signed URLs."""
    dataset = eastus.dataset("Language", TEXT + b"see https://contoso.com\n")

    files = {file["kind"]: file for file in eastus.ask("GET", dataset["links"]["files"])["values"]}

    assert dataset["properties"]["rejectedLineCount"] == 1
    report = eastus.service.send("GET", files["DatasetReport"]["links"]["contentUrl"]).json()
    assert report["rejected"][0]["where"]
    data = eastus.service.send("GET", files["LanguageData"]["links"]["contentUrl"])
    assert data.content.startswith(TEXT)


def test_dataset_measures_its_recordings(service: Service) -> None:
    """The duration is read from the WAV headers and formatted for each version."""
    sound = zipped([("a.wav", wav()), ("trans.txt", "a.wav\thello there")])

    new = service.resource().dataset("Acoustic", sound)
    old = service.resource(version="v3.2").ask("GET", f"/datasets/{id_of(new)}")

    assert new["properties"]["acceptedLineCount"] == 1
    assert new["properties"]["durationMilliseconds"] > 0
    assert old["properties"]["duration"].startswith("PT")


@pytest.mark.parametrize(("tag", "rate"), [(3, 16_000), (1, 8_000)])
def test_dataset_takes_recordings_of_32_bits(eastus: Resource, tag: int, rate: int) -> None:
    """The live service imported and evaluated archives with float and PCM recordings."""
    sound = riff(chunk(b"fmt ", pcm(rate, bits=32, tag=tag)), chunk(b"data", bytes(4 * rate)))

    dataset = eastus.dataset("Acoustic", zipped([("a.wav", sound), ("trans.txt", "a.wav\thello there")]))

    assert dataset["status"] == "Succeeded"
    assert dataset["properties"] == {"acceptedLineCount": 1, "rejectedLineCount": 0, "durationMilliseconds": 1000}


def test_dataset_takes_transcripts_under_another_name_and_without_a_byte_order_mark(eastus: Resource) -> None:
    """The live service accepted `manifest.txt` and left out a recording whose transcript repeats a word."""
    lines = "a.wav\thello there\nb.wav\tno no no no no\n"

    dataset = eastus.dataset("Acoustic", zipped([("a.wav", wav()), ("b.wav", wav()), ("manifest.txt", lines)]))

    assert dataset["status"] == "Succeeded"
    assert (dataset["properties"]["acceptedLineCount"], dataset["properties"]["rejectedLineCount"]) == (1, 1)


def test_dataset_says_how_its_text_is_normalized_only_if_that_was_set(eastus: Resource) -> None:
    chosen = eastus.ask("POST", "/datasets", json=asked(properties={"textNormalizationKind": "None"}))
    left_out = eastus.ask("POST", "/datasets", json=asked())

    assert chosen["properties"]["textNormalizationKind"] == "None"
    assert "textNormalizationKind" not in left_out["properties"]


def test_dataset_fails_on_data_that_are_none(eastus: Resource) -> None:
    """An invalid archive, a path outside the archive and a missing BOM fail the import with a reason."""
    escaping = io.BytesIO()
    with zipfile.ZipFile(escaping, "w") as archive:
        archive.writestr("../a.wav", b"x")

    for kind, data in (("Acoustic", b"no zip"), ("Acoustic", escaping.getvalue()), ("Language", b"\xff\xff")):
        dataset = eastus.dataset(kind, data)
        assert dataset["status"] == "Failed"
        assert dataset["properties"]["error"]["message"]


def test_dataset_can_be_uploaded_in_one_form_in_v3_2(service: Service) -> None:
    """The content is stored unchanged, including bytes that look like line breaks."""
    old = service.resource(version="v3.2")
    fields = {"displayName": "t", "locale": "en-US", "kind": "Acoustic", "customProperties": json.dumps({"k": "v"})}
    sound = zipped([("a.wav", wav()), ("trans.txt", "a.wav\thello\r\n\r")])

    dataset = old.ask("POST", "/datasets/upload", data=fields, files={"data": ("x.zip", sound)})

    assert old.ask("GET", dataset["self"])["properties"]["acceptedLineCount"] == 1
    assert dataset["customProperties"] == {"k": "v"}
    archive = [f for f in old.ask("GET", dataset["links"]["files"])["values"] if f["kind"] == "AcousticDataArchive"]
    assert service.send("GET", archive[0]["links"]["contentUrl"]).content == sound


def test_dataset_is_refused_in_a_form_that_is_none(service: Service) -> None:
    """Missing, unknown and repeated fields, and other content types."""
    old = service.resource(version="v3.2")
    fields = {"displayName": "t", "locale": "en-US", "kind": "Language"}

    assert old.refusal("POST", "/datasets/upload", data=fields, files={"other": b"x"})[0] == 400
    assert old.refusal("POST", "/datasets/upload", data={"kind": "x"}, files={"data": b"x"})[0] == 400
    assert old.refusal("POST", "/datasets/upload", json=fields)[0] == 415
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert old.refusal("POST", "/datasets/upload", content=b"--x\r\n\r\n", headers=broken)[0] == 400


def test_dataset_counts_against_the_quota_of_the_tier(start: Callable[..., Service]) -> None:
    """The quota of tier F0 is two datasets."""
    free = start(accounts=[account("westus", tier="F0")]).resource("westus")

    for _ in range(2):
        free.ask("POST", "/datasets", json=asked())

    assert free.refusal("POST", "/datasets", json=asked()) == (400, "QuotaViolation")


def test_dataset_cannot_be_deleted_while_a_training_reads_it(eastus: Resource) -> None:
    """The response is 409 while the model is running."""
    dataset = eastus.dataset("Language", TEXT)
    body = {"displayName": "m", "locale": "en-US", "datasets": [{"self": dataset["self"]}]}
    model = eastus.ask("POST", "/models", json=body)

    assert eastus.refusal("DELETE", dataset["self"]) == (409, "InUseViolation")
    eastus.ask("GET", model["self"])
    assert eastus.send("DELETE", dataset["self"]).status_code == 204
    assert eastus.refusal("GET", dataset["links"]["files"])[0] == 404


def test_dataset_is_offered_by_kind_and_locale(service: Service) -> None:
    """v3.2 lists kinds by locale, later versions locales by kind; the lists are not enforced (recorded live)."""
    assert "Language" in service.resource(version="v3.2").ask("GET", "/datasets/locales")["en-US"]
    assert "en-US" in service.resource().ask("GET", "/datasets/locales")["Language"]
    assert service.resource().ask("POST", "/datasets", json=asked(locale="as-IN"))["locale"] == "as-IN"


def test_dataset_is_given_addresses_that_expire(eastus: Resource) -> None:
    """A content URL is valid for the requested time, and only with its signature."""
    dataset = eastus.dataset("Language", TEXT)
    files = f"/datasets/{id_of(dataset)}/files"
    address = eastus.ask("GET", files, {"sasLifetimeMinutes": 5})["values"][0]["links"]["contentUrl"]
    send = eastus.service.send

    assert send("GET", address).status_code == 200
    assert send("GET", address.replace("sig=", "sig=0")).status_code == 403
    assert send("GET", address.partition("?")[0]).status_code == 403
    eastus.service.control("POST", "clock", {"advance": "PT6M"})
    expired = send("GET", address)
    assert (expired.status_code, expired.headers["content-type"]) == (403, "application/xml")
    assert "<Code>AuthenticationFailed</Code>" in expired.text
    assert eastus.refusal("GET", files, {"sasLifetimeMinutes": 0}) == (400, "InvalidSasValidityDuration")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://files.example/a", True),
        ("https://FILES.example:8443/a", True),
        ("https://other.example/a", False),
        ("https://files.example.evil.example/a", False),
        ("http://files.example@evil.example/a", False),
        ("http://127.0.0.1:1/a", True),
        ("http://[::1]:1/a", True),
        ("http://127.0.0.1.evil.example/a", False),
        ("http://[::1", False),
    ],
)
def test_dataset_comes_only_from_hosts_that_are_allowed(url: str, expected: bool) -> None:
    """The host is compared as a whole name, not as a prefix of the URL."""
    assert is_allowed_url(url, ["files.example"]) is expected
