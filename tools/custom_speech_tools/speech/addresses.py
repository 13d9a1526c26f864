"""Addresses: which hosts are Azure Speech, and which entity an address names. Pure functions."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

# Sources: the service's pages on regions, sovereign clouds and private endpoints.
_SPEECH_HOSTS = re.compile(
    r"[a-z0-9-]+\.(api\.cognitive\.microsoft\.(com|us)|api\.cognitive\.azure\.cn|cognitiveservices\.azure\.(com|us|cn))"
)
ENTITY = re.compile(
    r"/speechtotext(?:/v\d[^/]*)?/(?P<kind>models/base|models|projects|datasets|operations/models/copy)/"
)
"""The path of an entity, up to its id."""


@dataclass(frozen=True, slots=True)
class EntityAddress:
    """What a `self` URI names: the kind as it stands in the path, and the id in lower case."""

    kind: str
    id: str


def split(address: str) -> SplitResult | None:
    """The parts of an address, or None where it is not one that a request could safely go to."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises on a port that is none
    except ValueError:
        return None
    plain = address.isascii() and address.isprintable() and not re.search(r"[\s\\]", address)
    return parts if plain and parts.hostname and "@" not in parts.netloc else None


def is_loopback(parts: SplitResult) -> bool:
    """Whether the host is this machine: localhost, a name below it, or an address of the loopback range."""
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_speech_host(parts: SplitResult) -> bool:
    """Whether the address is https on a host name that Azure gives to Speech resources, on its usual port."""
    host = parts.hostname or ""
    return parts.scheme == "https" and parts.port in (None, 443) and _SPEECH_HOSTS.fullmatch(host) is not None


def is_endpoint(address: str) -> bool:
    """Whether a key may be sent to this address: an Azure Speech host, or this machine."""
    parts = split(address)
    if parts is None or parts.query or parts.fragment:
        return False
    return is_speech_host(parts) or (parts.scheme in ("http", "https") and is_loopback(parts))


def is_within(endpoint: str, address: str) -> bool:
    """Whether the address has the endpoint's own scheme, host, port and path prefix."""
    own, other = split(endpoint), split(address)
    if own is None or other is None:
        return False
    prefix = own.path.rstrip("/") + "/speechtotext"
    return _origin(own) == _origin(other) and (other.path == prefix or other.path.startswith(prefix + "/"))


def is_credible_link(endpoint: str, address: str) -> bool:
    """Whether a link in an answer may be read.

    It must stay within the endpoint; between Azure's own hosts it may name the resource's other host
    name (regional or custom domain). Ids are taken from such a link; it is never followed itself.
    """
    own, other = split(endpoint), split(address)
    both_azure = own is not None and other is not None and is_speech_host(own) and is_speech_host(other)
    return both_azure or is_within(endpoint, address)


def region_of(endpoint: str) -> str | None:
    """The region that a regional host names, None for a custom domain."""
    parts = split(endpoint)
    host = (parts.hostname or "") if parts else ""
    return host.partition(".")[0] if ".api.cognitive." in host else None


def entity_of(address: str) -> EntityAddress | None:
    """What a `self` URI names, with or without `?api-version=`; None where it names no single entity."""
    path = address.partition("?")[0].partition("#")[0]
    found = ENTITY.search(path)
    if found is None or GUID.fullmatch(path, found.end()) is None:
        return None
    return EntityAddress(kind=found["kind"], id=path[found.end() :].lower())


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
