"""Authentication …"""

import hmac
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, HttpUrl

from custom_speech_server.__main__ import main
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.auth import access_file
from custom_speech_server.auth.access_file import Access, StaticTokenVerifier, digest, load, token_table
from custom_speech_server.auth.jwt import (
    MIN_FETCH_INTERVAL,
    Issuer,
    JWTVerifier,
    SigningKeys,
    access_token,
    scopes,
)
from custom_speech_server.config_source import ConfigurationError
from custom_speech_tools.runtime.registry import registered_tools
from support.http_server import ACCEPT, answer_in, initialize, message, modern, on_loopback, over_http
from support.scripted_service import Listener
from support.speech_service import Azure

pytestmark = pytest.mark.anyio

ISSUER = "https://login.contoso.com/tenant/v2.0"
AUDIENCE = "api://speech"
PUBLIC = "https://speech.contoso.com/mcp"
READ, WRITE = "speech.read", "speech.write"
WRITING_TOOLS = {tool.name for tool in registered_tools() if not tool.is_read_only}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ENTRY = f'[tokens.ada]\nsha256 = "{digest("ada-token")}"\nscopes = ["speech.read"]\n'
OAUTH = f'[oauth]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\njwks = "https://login.contoso.com/keys"\n'


def key_set(*ids: str) -> str:
    """What the issuer publishes."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return json.dumps({"keys": [public | {"kid": key, "use": "sig", "alg": "RS256"} for key in ids]})


def issued(
    *, key: Any = KEY, algorithm: str = "RS256", kid: str = "one", head: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A token as the issuer makes it, but for what a test changes; a claim of None is left out."""
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    content = {
        name: value for name, value in ({**usual, "scp": f"{READ} {WRITE}"} | claims).items() if value is not None
    }
    return jwt.encode(content, key, algorithm=algorithm, headers={"kid": kid} | (head or {}))


def signed_with_the_public_key() -> str:
    """A token whose shared secret is the issuer's public key, which PyJWT would not make."""
    content = issued(key="s" * 32, algorithm="HS256").rpartition(".")[0]
    secret = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{content}.{jwt.utils.base64url_encode(hmac.digest(secret, content.encode(), 'sha256')).decode()}"


FILES = tempfile.TemporaryDirectory()


async def published() -> str:
    """The issuer's answer."""
    return key_set("one")


def oauth(fetch: Callable[[], Awaitable[str]] = published) -> Access:
    """Access by tokens of the issuer."""
    issuer = Issuer(issuer=ISSUER, audience=AUDIENCE, jwks=HttpUrl("https://login.contoso.com/keys"))
    return Access(JWTVerifier(issuer, SigningKeys(fetch)), AnyHttpUrl(PUBLIC), ISSUER)


def by_file(**tokens: str) -> Access:
    """Access by tokens of a file."""
    return Access(StaticTokenVerifier(file_of(**tokens)))


def file_of(**tokens: str) -> Path:
    """A file with entries."""
    file = Path(tempfile.mkdtemp(dir=FILES.name)) / "access.toml"
    file.write_text("\n".join(f"[tokens.{name}]\n{entry}" for name, entry in tokens.items()))
    return file


def known(token: str, *scopes: str, more: str = "") -> str:
    """An entry of the file."""
    return f'sha256 = "{digest(token)}"\nscopes = {json.dumps(scopes)}\n{more}'


@pytest.mark.parametrize(
    ("claims", "name"), [({"preferred_username": "ada@contoso.com"}, "ada@contoso.com (7)"), ({}, "7")]
)
def test_authentication_names_the_caller_to_the_audit(claims: dict[str, Any], name: str) -> None:
    """By the subject, which nobody can choose, and the name that people know."""
    assert access_token("", {"sub": "7", "iss": ISSUER} | claims).client_id == name


async def test_authentication_leaves_the_callers_name_in_the_audit(azure: Azure, tmp_path: Path) -> None:
    """Each line of what a bearer changed carries the bearer's name."""
    audit = AuditFile(tmp_path / "audit.jsonl")
    allowed = on_loopback(access=by_file(bob=known("bob-token", READ, WRITE)))
    async with over_http(azure, serving=allowed, confirm="never", audit=audit) as client:
        arguments = {"display_name": "m", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
        post = modern("tools/call", name="create_model", arguments=arguments)
        assert not answer_in(await client.post("/mcp", **bearing("bob-token", post)))["result"]["isError"]
    lines = [json.loads(line) for line in audit.path.read_text().splitlines()]
    assert [line["caller"] for line in lines] == ["bob", "bob"]


@asynccontextmanager
async def behind(azure: Azure, allowed: Access) -> AsyncIterator[httpx2.AsyncClient]:
    """A client before a server with that access."""
    async with over_http(azure, serving=on_loopback(access=allowed), confirm="never") as client:
        yield client


def bearing(token: str, post: dict[str, Any]) -> dict[str, Any]:
    """The same POST with a token."""
    return post | {"headers": post["headers"] | {"authorization": f"Bearer {token}"}}


LIST = modern("tools/list")
CREATE = modern("tools/call", name="create_model", arguments={})

REFUSED = {
    "none": "",
    "a word": "letmein",
    "expired": issued(exp=datetime.now(UTC) - timedelta(hours=1)),
    "not yet valid": issued(nbf=datetime.now(UTC) + timedelta(hours=1)),
    "without an end": issued(exp=None),
    "for somebody else": issued(aud="api://payroll"),
    "of another issuer": issued(iss="https://login.evil.com/v2.0"),
    "signed by another key": issued(key=OTHER_KEY),
    "of an unknown key": issued(kid="two"),
    "of no key": jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "a", "exp": 9_999_999_999}, KEY, algorithm="RS256"),
    "signed with a secret": issued(key="s" * 32, algorithm="HS256"),
    "signed with another algorithm": issued(algorithm="PS256"),
    "unsigned": issued(key=None, algorithm="none"),
    "without a subject": issued(sub=None),
    "of nobody": issued(sub=""),
    "for several, not us": issued(aud=["api://payroll", "api://speech/2"]),
    "signed with the public key as a secret": signed_with_the_public_key(),
    "signed by a key that it names": issued(key=OTHER_KEY, head={"jku": "https://evil.com", "x5u": "https://evil.com"}),
    "with an extension that nobody knows": issued(head={"crit": ["x"], "x": 1}),
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
async def test_authentication_refuses_a_token_that_proves_nothing(azure: Azure, token: str) -> None:
    """401, and a hint where the accepted issuer is named; nothing is said of why."""
    async with behind(azure, oauth()) as client:
        response = await client.post("/mcp", **bearing(token, LIST))
    assert response.status_code == 401
    hint = 'resource_metadata="https://speech.contoso.com/.well-known/oauth-protected-resource/mcp"'
    assert hint in response.headers["www-authenticate"]
    assert response.json() == {"error": "invalid_token", "error_description": "Authentication required"}


@pytest.mark.parametrize("second", [issued(), "letmein"])
async def test_authentication_refuses_two_tokens_at_once(azure: Azure, second: str) -> None:
    """A proxy may have checked one and the server would believe the other."""
    headers = [*LIST["headers"].items(), *(("authorization", f"Bearer {token}") for token in (issued(), second))]
    async with behind(azure, oauth()) as client:
        refused = await client.post("/mcp", json=LIST["json"], headers=headers)
    assert (refused.status_code, refused.text) == (
        400,
        "The request has several Authorization headers. Send one of them.",
    )


async def test_authentication_reads_no_token_in_an_address(azure: Azure) -> None:
    """Addresses stand in logs."""
    async with behind(azure, oauth()) as client:
        assert (await client.post(f"/mcp?access_token={issued()}", **LIST)).status_code == 401


async def test_authentication_accepts_a_token_for_several_that_names_us(azure: Azure) -> None:
    """An audience may be a list."""
    async with behind(azure, oauth()) as client:
        token = issued(aud=["api://payroll", AUDIENCE])
        assert (await client.post("/mcp", **bearing(token, LIST))).status_code == 200


async def test_authentication_accepts_a_token_of_the_issuer(azure: Azure) -> None:
    """Signature, issuer, audience and time are right."""
    async with behind(azure, oauth()) as client:
        response = await client.post("/mcp", **bearing(issued(), LIST))
    assert {tool["name"] for tool in answer_in(response)["result"]["tools"]} > WRITING_TOOLS


async def test_authentication_names_the_issuer_to_clients(azure: Azure) -> None:
    """The protected-resource metadata of RFC 9728, without a token."""
    async with behind(azure, oauth()) as client:
        metadata = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert metadata["resource"] == PUBLIC
    assert metadata["authorization_servers"] == [ISSUER]
    assert metadata["scopes_supported"] == [READ, WRITE]


async def test_authentication_demands_the_scope_to_read(azure: Azure) -> None:
    """A good token without it gets 403, as the specification has it."""
    async with behind(azure, oauth()) as client:
        response = await client.post("/mcp", **bearing(issued(scp="openid"), LIST))
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


async def test_authentication_shows_a_reader_no_writing_tool(azure: Azure) -> None:
    """Nor may the list be kept for somebody else."""
    async with behind(azure, by_file(ada=known("ada-token", READ))) as client:
        listed = answer_in(await client.post("/mcp", **bearing("ada-token", LIST)))["result"]
    names = {tool["name"] for tool in listed["tools"]}
    assert "get_model" in names
    assert not names & WRITING_TOOLS
    assert listed["cacheScope"] == "private"


async def test_authentication_shows_a_reader_no_prompt_of_writing_tools(azure: Azure) -> None:
    async with behind(azure, by_file(ada=known("ada-token", READ))) as client:
        listed = answer_in(await client.post("/mcp", **bearing("ada-token", modern("prompts/list"))))["result"]
    assert [prompt["name"] for prompt in listed["prompts"]] == ["explain_failure"]
    assert listed["cacheScope"] == "private"


@pytest.mark.parametrize("in_session", [False, True])
@pytest.mark.parametrize("tool", sorted(WRITING_TOOLS))
async def test_authentication_lets_a_reader_call_no_writing_tool(azure: Azure, tool: str, in_session: bool) -> None:
    """A caller that knows a name from elsewhere is told what is missing, and nothing reaches the service."""
    call = {"name": tool, "arguments": {"model": "Contoso"}}
    async with behind(azure, by_file(ada=known("ada-token", READ))) as client:
        post = modern("tools/call", **call)
        if in_session:
            opened = await client.post("/mcp", **bearing("ada-token", initialize("2025-11-25")))
            headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
            post = {"headers": headers, "json": message("tools/call", **call)}
        result = answer_in(await client.post("/mcp", **bearing("ada-token", post)))["result"]
    assert result["isError"]
    assert "speech.write" in result["content"][0]["text"]
    assert await azure.requests() == []


async def test_authentication_holds_in_a_session_for_each_request(azure: Azure) -> None:
    """A session opened by a writer is not served to a reader's token of the same name, and offers a reader less."""
    async with behind(azure, by_file(ada=known("ada-token", READ), bob=known("bob-token", READ, WRITE))) as client:
        opened = await client.post("/mcp", **bearing("ada-token", initialize("2025-11-25")))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        post = {"headers": headers, "json": message("tools/list")}
        ada = await client.post("/mcp", **bearing("ada-token", post))
        bob = await client.post("/mcp", **bearing("bob-token", post))
    assert not {tool["name"] for tool in answer_in(ada)["result"]["tools"]} & WRITING_TOOLS
    assert bob.status_code == 404


async def test_authentication_lets_a_writer_write(azure: Azure) -> None:
    """The call comes as far as its own arguments."""
    async with behind(azure, by_file(bob=known("bob-token", READ, WRITE))) as client:
        result = answer_in(await client.post("/mcp", **bearing("bob-token", CREATE)))["result"]
    assert "invalid arguments" in result["content"][0]["text"]


async def test_authentication_ends_with_the_last_day_of_a_token() -> None:
    """The day named in the file is the last."""
    file = file_of(ada=known("ada-token", READ, more="expires = 2026-11-23\n"))
    day = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    assert await StaticTokenVerifier(file, lambda: day).verify_token("ada-token")
    assert await StaticTokenVerifier(file, lambda: day + timedelta(minutes=1)).verify_token("ada-token") is None


async def test_authentication_knows_a_token_only_by_its_digest() -> None:
    """The digest itself opens nothing."""
    verifier = by_file(ada=known("ada-token", READ)).verifier
    found = await verifier.verify_token("ada-token")
    assert found is not None
    assert found.client_id == "ada"
    assert await verifier.verify_token(digest("ada-token")) is None


async def test_authentication_reads_the_file_again_when_it_changed(tmp_path: Path) -> None:
    """A token is taken away without a restart; while the file is wrong or gone, nobody comes in."""
    file = tmp_path / "access.toml"
    file.write_text(ENTRY)
    verifier = access_file.load(file).verifier
    assert await verifier.verify_token("ada-token")
    file.write_text(ENTRY.replace("ada", "bob").replace(digest("ada-token"), digest("bob-token")) + "# bob alone\n")
    assert await verifier.verify_token("ada-token") is None
    assert await verifier.verify_token("bob-token")
    file.write_text("tokens = nonsense")
    assert await verifier.verify_token("bob-token") is None
    file.unlink()
    assert await verifier.verify_token("bob-token") is None


async def test_authentication_fetches_the_keys_once_and_again_when_one_is_new() -> None:
    """Made-up key ids cause one fetch in a while, not one each."""
    fetched: list[str] = []
    now = [0.0]

    async def fetch() -> str:
        fetched.append("keys")
        return key_set(*["one", "two"][: len(fetched)])

    keys = SigningKeys(fetch, lambda: now[0])
    assert await keys.key("one")
    assert [await keys.key(f"made up {n}") for n in range(50)] == [None] * 50
    assert len(fetched) == 1
    now[0] = MIN_FETCH_INTERVAL + 1
    assert await keys.key("two")
    assert len(fetched) == 2


NONSENSE = ["no json", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "x"}]}', "[" * 100_000]


@pytest.mark.parametrize("answer", [*NONSENSE, key_set("one").replace('"one"', '["one"]')])
async def test_authentication_survives_an_issuer_that_answers_nonsense(answer: str) -> None:
    """Then nobody new comes in, and the keys from before stay."""
    answers = iter([key_set("before"), answer])
    now = [0.0]

    async def fetch() -> str:
        return next(answers)

    keys = SigningKeys(fetch, lambda: now[0])
    assert await keys.key("one") is None
    now[0] = MIN_FETCH_INTERVAL + 1
    assert await keys.key("one") is None
    assert await keys.key("before")


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n"


@pytest.mark.parametrize(
    "speaking",
    [
        Listener(b"HTTP/1.1 two hundred\r\n\r\n"),
        Listener(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"),
        Listener(b"HTTP/1.1 302 Found\r\nlocation: /keys\r\ncontent-length: 0\r\n\r\n"),
        Listener(OK),
        Listener(OK, b"x" * 300_000),
        Listener(OK, *[b"x"] * 20, pause=0.02, endless=True),
    ],
    ids=["no HTTP", "an error", "elsewhere", "half", "too much", "drop by drop"],
)
async def test_authentication_waits_for_no_issuer_for_ever(
    speaking: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes instead of keys, and however slowly: the caller is refused, and nothing goes on behind."""
    monkeypatch.setattr("custom_speech_server.auth.jwt.FETCH_SECONDS", 0.2)
    file = tmp_path / "access.toml"
    async with speaking.listening():
        file.write_text(f'public_url = "{PUBLIC}"\n{OAUTH.replace("https://login.contoso.com", speaking.address)}')
        assert await access_file.load(file).verifier.verify_token(issued()) is None


async def test_authentication_serves_with_the_keys_it_knows_while_it_looks_for_others() -> None:
    """A slow issuer holds up only those whose key is new."""
    answers = iter([key_set("one")])
    looking = anyio.Event()
    now = [0.0]

    async def fetch() -> str:
        if keys := next(answers, None):
            return keys
        looking.set()
        await anyio.sleep_forever()
        raise AssertionError

    keys = SigningKeys(fetch, lambda: now[0])
    await keys.key("one")
    now[0] = MIN_FETCH_INTERVAL + 1
    async with anyio.create_task_group() as group:
        group.start_soon(keys.key, "two")
        await looking.wait()
        assert await keys.key("one")
        group.cancel_scope.cancel()


async def test_authentication_by_tokens_of_a_file_goes_under_the_public_name_too(tmp_path: Path) -> None:
    """What clients connect to is a name of the server in either kind of file."""
    file = tmp_path / "access.toml"
    file.write_text(f'public_url = "{PUBLIC}"\n{ENTRY}')
    assert access_file.load(file).public_url == AnyHttpUrl(PUBLIC)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"scope": "speech.read openid"}, {"speech.read", "openid"}),
        ({"scp": "speech.read"}, {"speech.read"}),
        ({"roles": ["speech.read", "speech.write"]}, {"speech.read", "speech.write"}),
        ({"scp": "speech.read", "roles": ["speech.write"]}, {"speech.read"}),
        ({"roles": [1, None]}, set()),
        ({"scp": 7}, set()),
        ({}, set()),
    ],
)
async def test_authentication_finds_scopes_where_issuers_put_them(claims: dict[str, Any], expected: set[str]) -> None:
    """RFC 9068 says `scope`, Entra ID `scp` for people and `roles` for applications; a person's roles add nothing."""
    assert scopes(claims) == expected


@given(token=st.text(max_size=200))
def test_authentication_survives_any_text_as_a_token(token: str) -> None:
    """Whatever comes in the header, it is no token and no error."""

    async def verified() -> list[object]:
        return [await verifier.verify_token(token) for verifier in (oauth().verifier, by_file().verifier)]

    assert anyio.run(verified) == [None, None]


WRONG = {
    "nothing": "",
    "both ways": ENTRY + OAUTH,
    "oauth without an address": OAUTH,
    "keys over http": f'public_url = "{PUBLIC}"\n'
    + OAUTH.replace("https://login.contoso.com/k", "http://contoso.com/k"),
    "a symmetric algorithm": f'public_url = "{PUBLIC}"\n{OAUTH}algorithms = ["HS256"]\n',
    "no algorithm": f'public_url = "{PUBLIC}"\n{OAUTH}algorithms = ["none"]\n',
    "a token in clear": '[tokens.ada]\nsha256 = "ada-token"\n',
    "an unknown scope": ENTRY.replace("speech.read", "speech.all"),
    "a spelling mistake": ENTRY.replace("scopes", "scope"),
    "no TOML": "tokens",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
async def test_authentication_refuses_a_wrong_file_without_repeating_it(tmp_path: Path, text: str) -> None:
    """The error names the file and the place, never a value."""
    file = tmp_path / "access.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        access_file.load(file)
    assert str(file) in str(error.value)
    assert "ada-token" not in str(error.value)


async def test_authentication_accepts_the_token_that_the_command_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`custom-speech-mcp token ada --write >> access_file.toml` is all there is to do."""
    assert main(["token", "ada", "--write"]) == 0
    printed = capsys.readouterr()
    file = tmp_path / "access.toml"
    file.write_text(printed.out)
    token = printed.err.split()[-1]
    found = await access_file.load(file).verifier.verify_token(token)
    assert found is not None
    assert found.scopes == [READ, WRITE]
    assert token not in printed.out


@pytest.mark.parametrize("issuer", ["https://login.contoso.com", "https://login.contoso.com/tenant/v2.0/"])
async def test_authentication_publishes_issuer_byte_for_byte_and_qualified_scopes(
    azure: Azure, tmp_path: Path, issuer: str
) -> None:
    """Clients compare the issuer with what it says of itself; Entra ID takes short scopes for those of Graph."""
    file = tmp_path / "access.toml"
    file.write_text(
        f'public_url = "{PUBLIC}"\n[oauth]\nissuer = "{issuer}"\naudience = "a"\n'
        f'jwks = "https://login.contoso.com/keys"\nscope_prefix = "{PUBLIC}/"\n'
    )
    async with behind(azure, load(file)) as client:
        metadata = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()

    assert metadata["authorization_servers"] == [issuer]
    assert metadata["scopes_supported"] == [f"{PUBLIC}/{READ}", f"{PUBLIC}/{WRITE}"]


async def test_authentication_revokes_a_token_although_the_files_date_stays(azure: Azure, tmp_path: Path) -> None:
    """Some editors and volumes change a file in place and keep its date."""
    file = tmp_path / "access.toml"
    file.write_text(token_table("ada", "ada-token", write=False) + "\n" + token_table("bob", "bob-token", write=False))
    stat = file.stat()
    access = load(file)
    async with behind(azure, access) as client:
        before = (await client.post("/mcp", **bearing("ada-token", LIST))).status_code
        file.write_text(token_table("bob", "bob-token", write=False))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        after = (await client.post("/mcp", **bearing("ada-token", LIST))).status_code
        other = (await client.post("/mcp", **bearing("bob-token", LIST))).status_code

    assert (before, after, other) == (200, 401, 200)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ({"sub": None, "azp": "client"}, "it has no claim sub; it has aud, azp, exp, iss, scp."),
        ({"aud": None, "client_id": "7"}, "it has no claim aud; it has client_id, exp, iss, scp, sub."),
        ({"aud": "another"}, f"it has aud another, iss {ISSUER}; access.toml names aud {AUDIENCE}"),
        ({"iss": "https://other"}, f"it has aud {AUDIENCE}, iss https://other;"),
    ],
)
async def test_authentication_logs_what_a_refused_token_lacks(
    token: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await oauth().verifier.verify_token(issued(**token)) is None
    assert said in caplog.text


async def test_authentication_takes_scopes_that_carry_the_prefix_in_the_token() -> None:
    """As those of Amazon Cognito do."""
    jwks = HttpUrl("https://login.contoso.com/keys")
    issuer = Issuer(issuer=ISSUER, audience=AUDIENCE, jwks=jwks, scope_prefix=f"{PUBLIC}/")
    token = issued(scp=None, scope=f"{PUBLIC}/{READ} openid")
    caller = await JWTVerifier(issuer, SigningKeys(published)).verify_token(token)

    assert caller is not None
    assert READ in caller.scopes
