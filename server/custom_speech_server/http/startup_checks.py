"""Under which conditions the server may start at all. Pure functions."""

import ipaddress
import os
import re

from pydantic import AnyHttpUrl, ValidationError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or name of that kind."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def refusal(
    *, host: str, allowed: list[str], workers: int, authenticated: bool, shares_key: bool, replica: str | None
) -> str | None:
    """Why it must not start so, with the mend; None where it may."""
    far = next((name for name in [host, *allowed] if not is_loopback(_without_port(name))), None)
    if far is not None and not authenticated:
        return f"{far} is not loopback: name who may call with --access FILE (docs/deploy.md), or serve on 127.0.0.1."
    if (workers > 1 or replica) and not shares_key:
        return "several workers or replicas share a key: set CUSTOM_SPEECH_STATE_KEY to 32 random characters or more."
    if replica and not _is_address(replica):
        return (
            "CUSTOM_SPEECH_REPLICA must be the address of this replica, such as http://10.0.0.7:8080; [] around IPv6."
        )
    return _wrong_workers(workers, replica)


def _is_address(replica: str) -> bool:
    try:
        AnyHttpUrl(replica)
    except ValidationError:
        return False
    return re.fullmatch(r"https?://[^/?#@]+", replica) is not None


def _wrong_workers(workers: int, replica: str | None) -> str | None:
    if workers < 1:
        return "--workers must be 1 or more."
    if workers > 1 and replica:
        return "a replica has one worker: leave out --workers, and start more replicas instead."
    if workers > 1 and not hasattr(os, "fork"):
        return "several workers need a POSIX system: start several servers behind a load balancer instead."
    return None


def hosts(host: str, allowed: list[str]) -> list[str]:
    """The Host headers that are answered: loopback's, the address served on and the allowed ones, with any port."""
    names = [*LOOPBACK, *([] if _is_unspecified(host) else [_bracketed(host)]), *allowed]
    return [form for name in dict.fromkeys(names) for form in (name, f"{name}:*")]


def origins(allowed: list[str]) -> list[str]:
    """The Origin headers that are answered: loopback's with any port, and the allowed ones as they are."""
    return [f"http://{name}:*" for name in LOOPBACK] + allowed


def _without_port(name: str) -> str:
    host, colon, port = name.rpartition(":")
    return host if colon and port.isdecimal() and (host.endswith("]") or ":" not in host) else name


def _is_unspecified(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104  # compared with, not bound to


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
