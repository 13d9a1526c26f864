"""Normalization of endpoints as users write them; others are refused with the address that was meant."""

import re
from urllib.parse import urlsplit

from custom_speech_tools.speech.addresses import is_endpoint, is_speech_host, split

# Hosts of the sovereign clouds, by the prefix of their regions' names.
SOVEREIGN_HOSTS = {"usgov": "api.cognitive.microsoft.us", "china": "api.cognitive.azure.cn"}
WORKING_HOSTS = "https://REGION.api.cognitive.microsoft.com or https://NAME.cognitiveservices.azure.com"


def regional_endpoint(region: str) -> str:
    """Return the endpoint that all resources of a region share."""
    hosts = (host for prefix, host in SOVEREIGN_HOSTS.items() if region.startswith(prefix))
    return f"https://{region}.{next(hosts, 'api.cognitive.microsoft.com')}"


def normalize_endpoint(endpoint: str) -> str:
    """Return the endpoint with scheme and host in lower case, without default port and trailing slash.

    An address to which no key must be sent raises ValueError, which says which address was meant.
    """
    parts = split(endpoint.strip())
    if parts is None:
        raise ValueError(f"is not an address; write {_meant(endpoint)}")
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(scheme)) else f":{parts.port}"
    origin, path = f"{scheme}://{shown}{port}", parts.path.rstrip("/")
    if is_speech_host(urlsplit(origin)):
        if path or parts.query or parts.fragment:
            raise ValueError(f"must not have a path: write {origin}")
        return origin
    normalized = origin + path
    if parts.query or parts.fragment or not is_endpoint(normalized):
        raise ValueError(f"is not a host of Azure Speech over https: write {_meant(endpoint)}")
    return normalized


def _meant(endpoint: str) -> str:
    """Return the address that serves custom speech on the host that was named; both forms where none is known."""
    host = endpoint.strip().lower().partition("://")[2].partition("/")[0] or endpoint.strip().lower().partition("/")[0]
    if name := re.fullmatch(r"([a-z0-9-]{2,64})\.(?:services\.ai|openai|cognitiveservices)\.azure\.com", host):
        return f"https://{name[1]}.cognitiveservices.azure.com"
    if region := re.fullmatch(
        r"([a-z]{3,20}\d?)\.(?:\w+\.speech|customvoice\.api\.speech|api\.cognitive)\.microsoft\.com", host
    ):
        return regional_endpoint(region[1])
    return WORKING_HOSTS
