"""The door: no request passes without an accepted token that may at least read."""

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl
from starlette.authentication import AuthCredentials, BaseUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.types import ASGIApp

from custom_speech_server.auth.config import Access
from custom_speech_server.auth.scopes import READ, WRITE


def guarded(app: ASGIApp, access: Access | None) -> ASGIApp:
    """The application behind the door; without `access`, on loopback, there is none."""
    if access is None:
        return app
    metadata = build_resource_metadata_url(access.public_url) if access.public_url and access.issuer else None
    inside = RequireAuthMiddleware(AuthContextMiddleware(app), [READ], metadata)
    return AuthenticationMiddleware(inside, backend=OneBearer(access.verifier))


class OneBearer(BearerAuthBackend):
    """The SDK's look at the token, where there is one: of several, a proxy may have checked another than we would."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Who calls; None where nobody proves it."""
        once = len(conn.headers.getlist("authorization")) == 1
        return await super().authenticate(conn) if once else None


def metadata_routes(access: Access | None) -> list[Route]:
    """Where a client learns which issuer's tokens are accepted (RFC 9728)."""
    if access is None or access.public_url is None or access.issuer is None:
        return []
    return create_protected_resource_routes(
        access.public_url, [AnyHttpUrl(access.issuer)], [READ, WRITE], resource_name="Azure custom speech"
    )
