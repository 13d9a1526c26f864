"""Endpoints: deployments of models."""

from typing_extensions import TypedDict

from custom_speech_tools.speech.schemas.entities import Entity, EntityError, Moment, Reference


class EndpointProperties(TypedDict, total=False):
    """The properties of an endpoint."""

    loggingEnabled: bool | None
    error: EntityError | None


class Endpoint(Entity):
    """A deployed model."""

    status: str
    last_action_date_time: Moment | None = None
    model: Reference | None = None
    project: Reference | None = None
    properties: EndpointProperties | None = None
    links: dict[str, str] | None = None

    @property
    def logging(self) -> bool | None:
        """True if the endpoint keeps recordings; None where the service does not say."""
        return (self.properties or {}).get("loggingEnabled")

    @property
    def url(self) -> str | None:
        """The address for WebSocket clients; v3.2 has one per mode, of which conversation is the general one."""
        links = self.links or {}
        return links.get("webSocket") or links.get("webSocketConversation") or next(iter(links.values()), None)

    @property
    def error(self) -> EntityError | None:
        """The reason why the deployment failed."""
        return (self.properties or {}).get("error")
