"""access.toml: who may call. Read again when it changes, so that a token can be taken away without a restart."""

import logging
import ssl
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2
import pydantic
import truststore
from mcp.server.auth.provider import TokenVerifier
from pydantic import AnyHttpUrl, BaseModel, ConfigDict

from custom_speech_server.auth.jwt import IssuedTokens, Issuer, SigningKeys
from custom_speech_server.auth.static_tokens import FileTokens, Token
from custom_speech_server.config import ConfigurationError

_log = logging.getLogger(__name__)

FETCH_SECONDS = 5.0
"""The longest that a look at the issuer's keys may take as a whole."""

KEYS_BYTES = 256 * 1024
"""The longest answer that is read as a key set."""


class AccessFile(BaseModel):
    """The whole file: either `tokens`, or `oauth` with the `public_url` that clients know."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, url_preserve_empty_path=True)

    public_url: AnyHttpUrl | None = None
    tokens: dict[str, Token] = {}
    oauth: Issuer | None = None

    @pydantic.model_validator(mode="after")
    def _one_way(self) -> "AccessFile":
        if bool(self.tokens) == bool(self.oauth):
            raise ValueError("needs either tokens or oauth")
        if self.oauth and not self.public_url:
            raise ValueError("oauth needs public_url, such as https://speech.contoso.com/mcp")
        return self


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: what checks a token, and for OAuth the address of this server and its issuer."""

    verifier: TokenVerifier
    public_url: AnyHttpUrl | None = None
    issuer: str | None = None


def load(path: Path) -> Access:
    """The access that a file gives; raises ConfigurationError."""
    content = read(path)
    if content.oauth:
        keys = SigningKeys(_fetching(str(content.oauth.jwks)))
        return Access(IssuedTokens(content.oauth, keys), content.public_url, content.oauth.issuer)
    return Access(FileTokens(Watched(path).tokens), content.public_url)


def read(path: Path) -> AccessFile:
    """What the file holds; raises ConfigurationError with every fault and no value."""
    try:
        return AccessFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    except pydantic.ValidationError as error:
        faults = [f"  {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors()]
        raise ConfigurationError("\n".join([f"{path} is wrong:", *faults, "Correct it and start again."])) from None


class Watched:
    """The tokens of a file as it is now. While it is wrong or missing, none is accepted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._tokens: Mapping[str, Token] = {}

    def tokens(self) -> Mapping[str, Token]:
        """The tokens by the names of their bearers."""
        try:
            state = self._path.stat()
        except OSError:
            return {}
        if self._seen != (state.st_mtime_ns, state.st_ino):
            self._tokens, self._seen = self._read(), (state.st_mtime_ns, state.st_ino)
        return self._tokens

    def _read(self) -> Mapping[str, Token]:
        try:
            return read(self._path).tokens
        except ConfigurationError as error:
            _log.error("Nobody can call until this is mended: %s", error)
            return {}


def _fetching(url: str) -> Callable[[], Awaitable[bytes]]:
    trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def fetch() -> bytes:
        with anyio.fail_after(FETCH_SECONDS):
            async with httpx2.AsyncClient(verify=trusted) as client, client.stream("GET", url) as answer:
                return await _keys(answer.raise_for_status())

    return fetch


async def _keys(answer: httpx2.Response) -> bytes:
    content = b""
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > KEYS_BYTES:
            raise ValueError("the key set is too long")
    return content
