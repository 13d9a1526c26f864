"""Addresses: the address of a request, and the links of its answer."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from custom_speech_emulator.http.responses import Refused, gateway_refused

# A placeholder for the host until the answer is written; random, so that no text of a caller equals it.
HOST_PLACEHOLDER = f"@here-{secrets.token_hex(8)}@"
_THERE = f"@there-{secrets.token_hex(8)}-"
_ANYWHERE_ELSE = re.compile(_THERE + r"([a-z0-9-]+)@")

_HOST = re.compile(r"^(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?$")  # also IPv6
_REGIONAL = re.compile(
    r"^(?P<label>[a-z0-9-]+)(?P<rest>\.localhost|\.api\.cognitive\.microsoft\.(com|us)|\.api\.cognitive\.azure\.cn"
    r"|\.cognitiveservices\.azure\.com)$"
)
_PATH = re.compile(
    r"^(/(?P<region>[a-z0-9-]+))?/speechtotext(/(?P<version>v[0-9][0-9a-z.-]*))?(?P<path>/.*)$", re.IGNORECASE
)
# Loopback names, and those by which applications in the same process are called in tests.
_LOCAL = {"localhost", "127.0.0.1", "[::1]", "testserver", "test", "emulator"}


def region_placeholder(region: str) -> str:
    """Return the placeholder for the host of another region."""
    return f"{_THERE}{region}@"


@dataclass(frozen=True)
class Address:
    """Scheme, host and region prefix that a request used; `place` is the region or account that they name."""

    scheme: str
    host: str
    prefix: str = ""

    @property
    def place(self) -> str | None:
        """The region or account that the path prefix or the host's first label names."""
        if self.prefix:
            return self.prefix.strip("/")
        named = _REGIONAL.match(_name(self.host))
        return named["label"] if named else None

    @property
    def trusted(self) -> bool:
        """True for names of this machine and of Azure: pages under other names must not make it read anything."""
        return is_local(self.host) or bool(_REGIONAL.match(_name(self.host)))

    @property
    def base(self) -> str:
        """The prefix of `/speechtotext` in every link."""
        return f"{self.scheme}://{self.host}{self.prefix}"

    def of(self, region: str) -> str:
        """Return the base of another region in the same style; a plain loopback address stays as it is."""
        if self.prefix:
            return f"{self.scheme}://{self.host}/{region}"
        label = self.place
        return self.base.replace(f"//{label}.", f"//{region}.", 1) if label else self.base

    def write(self, text: str) -> str:
        """Return a text with every placeholder replaced by the real host."""
        written = text.replace(HOST_PLACEHOLDER, self.base)
        return _ANYWHERE_ELSE.sub(lambda found: self.of(found[1]), written) if _THERE in written else written


def target(scheme: str, host: str, path: str) -> tuple[Address, str | None, str]:
    """Return the address, version segment and path behind it of a request; 404 if not Azure's, 400 for no host."""
    if not _HOST.match(host):
        raise Refused(400, "InvalidRequest", "The Host header is not valid.", "InvalidParameterValue", "Host")
    found = _PATH.match(path)
    if not found:
        raise gateway_refused(404, "Resource not found")
    prefix = f"/{found['region'].lower()}" if found["region"] else ""
    return Address(scheme, host.lower(), prefix), (found["version"] or "").lower() or None, found["path"]


def is_local(host: str, besides: Iterable[str] = ()) -> bool:
    """Return whether a Host header names this machine, an application in this process, or one of the names."""
    name = _name(host).lower()
    return name in _LOCAL or name.endswith(".localhost") or name in {other.lower() for other in besides}


def host_of(url: str) -> str:
    """Return the host of an http or https address in lower case, or an empty text if nothing can be sent there."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.port != 0
        return (parts.hostname or "").lower() if is_usable else ""
    except ValueError:
        return ""


def _name(host: str) -> str:
    """Return a Host header without its port, or an empty text if it is not a host."""
    found = _HOST.match(host)
    return found["name"] if found else ""


def referenced(uri: str, region: str, name: str, here: Address) -> str | None:
    """Return the path behind the version of a `self` URI of this emulator and region, lower case; else None."""
    try:
        parts = urlsplit(uri)
        host = parts.netloc.lower()
        address, _, path = target(parts.scheme, host, parts.path)
    except (ValueError, Refused):
        return None
    is_ours = parts.scheme in ("http", "https") and (host == here.host or Address(parts.scheme, host).trusted)
    return path.lower().rstrip("/") if is_ours and address.place in (None, region, name) else None
