"""The conditions under which the HTTP server may start."""

import ipaddress

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address or name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def refuse_start(
    *, host: str, allowed: list[str], authenticated: bool, stateless: bool, shares_key: bool
) -> str | None:
    """Return why the server must not start and how to fix it, None where it may.

    Args:
        host: The address to serve on.
        allowed: Further host names.
        shares_key: Whether CUSTOM_SPEECH_STATE_KEY is set.
    """
    public = next((name for name in [host, *allowed] if not is_loopback(_without_port(name))), None)
    if public is not None and not authenticated:
        return f"{public} is not loopback: say who may call with --access FILE (docs/deploy.md), or use 127.0.0.1."
    if stateless and not shares_key:
        return "stateless replicas share a key: set CUSTOM_SPEECH_STATE_KEY to 32 random characters or more."
    return None


def allowed_hosts(host: str, allowed: list[str]) -> list[str]:
    """Return the Host headers that are served: loopback's, the address and the allowed ones, with any port."""
    is_unspecified = host in ("0.0.0.0", "::", "")  # noqa: S104  # compared with, not bound to
    own = f"[{host}]" if ":" in host else host
    names = [*LOOPBACK, *([] if is_unspecified else [own]), *allowed]
    return [form for name in dict.fromkeys(names) for form in (name, f"{name}:*")]


def allowed_origins(allowed: list[str]) -> list[str]:
    """Return the Origin headers that may call: loopback's with any port, and the allowed ones as they are."""
    return [f"http://{name}:*" for name in LOOPBACK] + allowed


def _without_port(name: str) -> str:
    host, colon, port = name.rpartition(":")
    return host if colon and port.isdecimal() and (host.endswith("]") or ":" not in host) else name
