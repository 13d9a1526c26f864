"""Authentication of HTTP requests, and the metadata by which clients find the authorization server."""

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url
from starlette.authentication import AuthCredentials, BaseUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from custom_speech_server.auth.config import Access
from custom_speech_server.auth.scopes import READ, WRITE


def require_token(app: ASGIApp, access: Access | None) -> ASGIApp:
    """Return the application behind authentication; without `access`, on loopback, it stays open."""
    if access is None:
        return app
    metadata = build_resource_metadata_url(access.public_url) if access.public_url and access.issuer else None
    protected = RequireAuthMiddleware(AuthContextMiddleware(app), [READ], metadata)
    return AuthenticationMiddleware(protected, backend=SingleBearerBackend(access.verifier))


class SingleBearerBackend(BearerAuthBackend):
    """The SDK's check of the token; of several tokens, a proxy may have checked another one than this server would."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return the caller, None where no single token proves it."""
        is_single = len(conn.headers.getlist("authorization")) == 1
        return await super().authenticate(conn) if is_single else None


def metadata_routes(access: Access | None) -> list[Route]:
    """Return the route of the protected-resource metadata (RFC 9728).

    Not the SDK's own route: it appends a slash to an issuer without a path, and clients compare byte for byte.
    """
    if access is None or access.public_url is None or access.issuer is None:
        return []
    metadata = {
        "resource": str(access.public_url),
        "authorization_servers": [access.issuer],
        "scopes_supported": [f"{access.scope_prefix}{scope}" for scope in (READ, WRITE)],
        "bearer_methods_supported": ["header"],
        "resource_name": "Azure custom speech",
    }

    async def answer(request: Request) -> JSONResponse:  # Starlette's signature
        return JSONResponse(metadata, headers={"cache-control": "public, max-age=3600"})

    path = f"/.well-known/oauth-protected-resource{(access.public_url.path or '').rstrip('/')}"
    endpoint = CORSMiddleware(Route(path, answer, methods=["GET"]).app, ["*"], ["GET"])
    return [Route(path, endpoint=endpoint, methods=["GET", "OPTIONS"])]
