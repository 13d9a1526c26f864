"""Host addresses of requests: regions and accounts in URLs, links in responses, and trusted hosts."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from custom_speech_emulator.http.responses import ServiceError, gateway_error

# Placeholders for hosts in responses. They are random, so that text of a caller cannot contain them.
HOST_PLACEHOLDER = f"@here-{secrets.token_hex(8)}@"
_REGION_PLACEHOLDER = f"@there-{secrets.token_hex(8)}-"
_ANY_REGION_PLACEHOLDER = re.compile(_REGION_PLACEHOLDER + r"([a-z0-9-]+)@")

_HOST = re.compile(r"^(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?$")  # also IPv6
_REGIONAL = re.compile(
    r"^(?P<label>[a-z0-9-]+)(?P<rest>\.localhost|\.api\.cognitive\.microsoft\.(com|us)|\.api\.cognitive\.azure\.cn"
    r"|\.cognitiveservices\.azure\.com)$"
)
_PATH = re.compile(
    r"^(/(?P<region>[a-z0-9-]+))?/speechtotext(/(?P<version>v[0-9][0-9a-z.-]*))?(?P<path>/.*)$", re.IGNORECASE
)
# Loopback names, and the names of applications that tests call in the same process.
_LOCAL = {"localhost", "127.0.0.1", "[::1]", "testserver", "test", "emulator"}


def region_placeholder(region: str) -> str:
    """Return the placeholder for the host of another region."""
    return f"{_REGION_PLACEHOLDER}{region}@"


@dataclass(frozen=True)
class HostAddress:
    """The scheme, host and path prefix of a request's URL."""

    scheme: str
    host: str
    prefix: str = ""  # such as `/eastus`

    @property
    def account_or_region(self) -> str | None:
        """The region or account named in the path prefix or in the first label of the host, or None."""
        if self.prefix:
            return self.prefix.strip("/")
        regional = _REGIONAL.match(_strip_port(self.host))
        return regional["label"] if regional else None

    @property
    def is_trusted(self) -> bool:
        """True for names of this machine and of Azure; other names can be those of a malicious web page."""
        return is_local(self.host) or bool(_REGIONAL.match(_strip_port(self.host)))

    def fill_placeholders(self, text: str) -> str:
        """Return the text with its host placeholders replaced by base URLs in the style of this address."""
        text = text.replace(HOST_PLACEHOLDER, self.base_url())
        return _ANY_REGION_PLACEHOLDER.sub(lambda match: self.base_url(match[1]), text)

    def base_url(self, region: str = "") -> str:
        """Return the part of a URL before `/speechtotext`, optionally for another region."""
        if region and self.prefix:
            return f"{self.scheme}://{self.host}/{region}"
        base = f"{self.scheme}://{self.host}{self.prefix}"
        label = self.account_or_region
        return base.replace(f"//{label}.", f"//{region}.", 1) if region and label else base


def parse_address(scheme: str, host: str, path: str) -> tuple[HostAddress, str | None, str]:
    """Return the address, version segment and remaining path of a request, or raise a 400 or 404 error."""
    if not _HOST.match(host):
        raise ServiceError(400, "InvalidRequest", "The Host header is not valid.", "InvalidParameterValue", "Host")
    parts = _PATH.match(path)
    if not parts:
        raise gateway_error(404, "Resource not found")
    prefix = f"/{parts['region'].lower()}" if parts["region"] else ""
    return HostAddress(scheme, host.lower(), prefix), (parts["version"] or "").lower() or None, parts["path"]


def is_local(host: str, allowed: Iterable[str] = ()) -> bool:
    """Return whether a Host header names this machine, an application in this process, or an allowed host."""
    name = _strip_port(host).lower()
    return name in _LOCAL or name.endswith(".localhost") or name in {other.lower() for other in allowed}


def host_name(url: str) -> str:
    """Return the host of an http or https URL in lower case, or an empty string for any other URL."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.port != 0
        return (parts.hostname or "").lower() if is_usable else ""
    except ValueError:
        return ""


def _strip_port(host: str) -> str:
    """Return a Host header without its port, or an empty string if the header is not valid."""
    match = _HOST.match(host)
    return match["name"] if match else ""


def parse_reference(uri: str, region: str, account: str, request: HostAddress) -> str | None:
    """Return the path of a `self` URI after the version, in lower case, or None for a host of another account."""
    try:
        parts = urlsplit(uri)
        host = parts.netloc.lower()
        address, _, path = parse_address(parts.scheme, host, parts.path)
    except (ValueError, ServiceError):
        return None
    is_known = host == request.host or HostAddress(parts.scheme, host).is_trusted
    is_known &= address.account_or_region in (None, region, account)
    return path.lower().rstrip("/") if is_known and parts.scheme in ("http", "https") else None
