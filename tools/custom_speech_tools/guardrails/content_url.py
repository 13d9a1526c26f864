"""URLs that Azure reads data from (rule content-address): checks of the URL itself, without a request.

Sources: the pages on shared access signatures of Azure Storage (parameters se, st, sp, sr, srt, sip, spr), and on
presigned URLs of S3 and Google Cloud Storage.
"""

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech.sanitize import is_secret_parameter, quote

_block, _warn = partial(block, "content-address"), partial(warn, "content-address")

_OF_SIGNATURE = re.compile(
    r"s[verpst]|srt|sip|spr|sig?|ses|sk(?:oid|tid|[tesv])|saoid|suoid|scid|sdd|rsc[cdelt]|expires|policy|key-pair-id"
    r"|awsaccesskeyid|googleaccessid|x-(?:amz|goog)-(?:algorithm|date|expires|signedheaders)",
    re.IGNORECASE,
)
_BLOB_HOSTS = (".blob.core.windows.net", ".dfs.core.windows.net", ".blob.core.chinacloudapi.cn")
_SHARED = "Upload the file to Azure Blob Storage and pass its address with a SAS token, or pass path or lines."
_PAGES = {
    "drive.google.com": "Google Drive",
    "docs.google.com": "Google Docs",
    "onedrive.live.com": "OneDrive",
    "1drv.ms": "OneDrive",
    ".sharepoint.com": "SharePoint",
    "we.tl": "WeTransfer",
    "wetransfer.com": "WeTransfer",
    "app.box.com": "Box",
    "portal.azure.com": "the Azure portal",
}


def require_valid_url(url: str | None) -> None:
    """Require None, or a URL of any scheme without a user name; raises ValueError."""
    try:
        parts = urlsplit(url or "https://x")
        is_url = bool(parts.scheme and (parts.hostname or parts.scheme == "file") and parts.port != 0)
    except ValueError:
        is_url = False
    if not is_url or parts.username or parts.password:
        raise ValueError("content_url must be an https address without user name")


def content_identity(url: str) -> str:
    """Return the parts of a URL that identify the content: host, path, and query without signature parameters."""
    parts = urlsplit(url)
    query = sorted(
        f"{name}={value}"
        for name, value in parse_qsl(parts.query, True)
        if not (_OF_SIGNATURE.fullmatch(name) or is_secret_parameter(name))
    )
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    address = f"{(parts.hostname or '').lower()}{port}{parts.path}"
    return f"{address}?{'&'.join(query)}" if query else address


def secrets_of(url: str | None) -> tuple[SecretStr, ...]:
    """Return the query of a URL, which may contain a signature and must be masked in responses."""
    query = urlsplit(url or "").query
    return (SecretStr(query),) if query else ()


def is_web_url(url: str) -> bool:
    """Return whether Azure supports the URL's protocol."""
    return urlsplit(url).scheme.lower() in ("https", "http")


def content_url_works(url: str, now: datetime, *, is_emulated: bool) -> Iterator[Finding]:
    """Require a URL that Azure can read at `now`, the service's time, without sending a request to it."""
    parts = urlsplit(url)
    if not is_web_url(url):
        fix = "Pass path for a file of this machine." if parts.scheme == "file" else _SHARED
        yield _block(f"content_url begins with {quote(parts.scheme)}; Azure reads https addresses only.", fix)
        return
    query = {name.lower(): value for name, value in parse_qsl(parts.query, True)}
    yield from url_names_a_file(parts, query)
    if not is_emulated and _is_private(parts.hostname or ""):
        yield _block(f"content_url names {quote(parts.hostname or '')}, which Azure cannot reach.", _SHARED)
    if "&amp;" in url:
        yield _block('content_url has "&amp;", as in HTML, so its parameters are lost.', 'Write "&" instead.')
        return
    if "sig" in query or "sv" in query:
        yield from sas_permits_reading(parts.scheme, query, now)
    for start, seconds in (("x-amz-date", "x-amz-expires"), ("x-goog-date", "x-goog-expires")):
        signed = _moment(query.get(start, ""))
        if signed and query.get(seconds, "").isdecimal():
            yield from _is_current(signed, signed + timedelta(seconds=min(int(query[seconds]), 10**9)), now)
    if query.get("expires", "").isdecimal():
        yield from _is_current(None, datetime.fromtimestamp(min(int(query["expires"]), 10**11), UTC), now)


def url_names_a_file(parts: SplitResult, query: dict[str, str]) -> Iterator[Finding]:
    """Require the URL of a file, not of a file-sharing page or Azure Storage container."""
    host, path = (parts.hostname or "").lower(), unquote(parts.path)
    segments = [part for part in path.split("/") if part]
    site = next((name for end, name in _PAGES.items() if host == end or (end[0] == "." and host.endswith(end))), None)
    if site and not (host == "drive.google.com" and query.get("export") == "download"):
        yield _block(f"content_url is a page of {site}, not the file: Azure would read HTML.", _SHARED)
    elif host in ("dropbox.com", "www.dropbox.com") and "1" not in (query.get("dl"), query.get("raw")):
        yield _block("content_url is a page of Dropbox, not the file.", 'End the address with "dl=1" instead.')
    elif host in ("github.com", "gitlab.com", "huggingface.co") and "blob" in segments[2:4]:
        yield _block(f"content_url is a page of {host}, not the file.", 'Write "raw" instead of "blob" in its path.')
    elif host.endswith(_BLOB_HOSTS) and (len(segments) < 2 or path.endswith("/")):
        is_root = len(segments) == 1 and "." in segments[0]  # a file in the container $root
        message = "content_url names a container or folder of Azure Storage, not a file."
        yield (_warn if is_root else _block)(message, "Name one file of it.")


def _is_private(host: str) -> bool:
    """Return whether a host can only be reached from a local network."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host


def sas_permits_reading(scheme: str, query: dict[str, str], now: datetime) -> Iterator[Finding]:
    """Require a shared access signature that permits Azure to read the file at `now`."""
    if "sig" not in query:
        message = "The SAS of content_url has no signature (sig): it is truncated, often at an &."
        yield _block(message, "Pass the complete URL.")
    yield from _is_current(_moment(query.get("st", "")), _moment(query.get("se", "")), now)
    renew = "Create a SAS of the file that permits reading (sp=r) and is valid for some hours."
    needs = (("sp", "r", "does not permit reading"), ("srt", "o", "is not for files"), ("ss", "b", "is not for blobs"))
    for name, needed, lack in needs:
        if needed not in query.get(name, needed):
            yield _block(f"The SAS of content_url {lack} ({name}={quote(query[name])}).", renew)
    if "sip" in query:
        message = f"The SAS of content_url is valid for the address {quote(query['sip'])} only, not for Azure's."
        yield _block(message, "Create a SAS without sip.")
    if query.get("spr") == "https" and scheme == "http":
        yield _block("The SAS of content_url is valid with https only.", "Begin the address with https.")


def _is_current(start: datetime | None, end: datetime | None, now: datetime) -> Iterator[Finding]:
    """Require a signature that is valid at `now`; warn if it expires within ten minutes."""
    renew = "Sign the address again."
    if end is not None and end <= now:
        yield _block(f"content_url expired at {end:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M}.", renew)
    elif end is not None and end - now < timedelta(minutes=10):
        yield _warn(f"content_url expires at {end:%Y-%m-%d %H:%M} UTC; the import may begin later.", renew)
    if start is not None and start > now:
        message = f"content_url is not valid before {start:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M}."
        yield _block(message, f"Wait until then. Or: {renew.lower()}")


def _moment(text: str) -> datetime | None:
    """Return the time in a parameter, or None if its format is unknown."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
