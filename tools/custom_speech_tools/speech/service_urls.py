"""URLs: which hosts are trusted, and which entity a URI identifies."""

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

# Sources: the service's pages on regions, sovereign clouds and private endpoints.
_SPEECH_HOSTS = re.compile(
    r"[a-z0-9-]+\.(api\.cognitive\.microsoft\.(com|us)|api\.cognitive\.azure\.cn|cognitiveservices\.azure\.(com|us|cn))"
)
_STORAGE_HOSTS = re.compile(r"[a-z0-9-]+\.blob\.core\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)")
ENTITY = re.compile(  # the path of an entity, up to its id
    r"/speechtotext(?:/v\d[^/]*)?/"
    r"(?P<kind>models/base|models|projects|datasets|evaluations|endpoints|transcriptions|operations/models/copy)/"
)


class EntityUri(NamedTuple):
    """The parts of a `self` URI: the kind as in the path, and the id in lower case."""

    kind: str
    id: str


def parse_url(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None if it is malformed or unsafe to request."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if the port is not a number
    except ValueError:
        return None
    is_plain = url.isascii() and url.isprintable() and not re.search(r"[\s\\]", url)
    return parts if is_plain and parts.hostname and "@" not in parts.netloc else None


def is_loopback(parts: SplitResult) -> bool:
    """Return whether the host is this machine: localhost, a subdomain of it, or a loopback address."""
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_speech_host(parts: SplitResult) -> bool:
    """Return whether the URL is an Azure Speech host with https on the default port."""
    scheme, host, port = _origin(parts)
    return scheme == "https" and port == 443 and _SPEECH_HOSTS.fullmatch(host) is not None


def is_trusted_endpoint(url: str) -> bool:
    """Return whether a key may be sent to this URL, on a host of Azure Speech or this machine."""
    parts = parse_url(url)
    if parts is None or parts.query or parts.fragment:
        return False
    return is_speech_host(parts) or (parts.scheme in ("http", "https") and is_loopback(parts))


def is_within(endpoint: str, url: str) -> bool:
    """Return whether the URL has the scheme, host, port and path prefix of the endpoint."""
    own, other = parse_url(endpoint), parse_url(url)
    if own is None or other is None:
        return False
    prefix = own.path.rstrip("/") + "/speechtotext"
    return _origin(own) == _origin(other) and (other.path == prefix or other.path.startswith(prefix + "/"))


def is_content_url(endpoint: str, link: str) -> bool:
    """Return whether a file may be read from a signed link: in Azure's blob storage, or on the endpoint's host."""
    own, other = parse_url(endpoint), parse_url(link)
    if own is None or other is None:
        return False
    scheme, host, port = _origin(other)
    is_storage = scheme == "https" and port == 443 and _STORAGE_HOSTS.fullmatch(host)
    return bool(is_storage) or _origin(own) == _origin(other)


def region_of(endpoint: str) -> str | None:
    """Return the region in the host name, or None for a custom domain."""
    parts = parse_url(endpoint)
    host = (parts.hostname or "") if parts else ""
    return host.partition(".")[0] if ".api.cognitive." in host else None


def entity_of(uri: str) -> EntityUri | None:
    """Return the entity that a `self` URI identifies, or None if it identifies no entity."""
    path = uri.partition("?")[0].partition("#")[0].rstrip("/")
    found = ENTITY.search(path)
    if found is None or GUID.fullmatch(path, found.end()) is None:
        return None
    return EntityUri(kind=found["kind"], id=path[found.end() :].lower())


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port
