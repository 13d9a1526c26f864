"""Questions to a caller's user, sealed so that every replica with the key can take the answer."""

from mcp.server.request_state import AESGCMRequestStateCodec

from custom_speech_tools.runtime.context import answers


class Questions(AESGCMRequestStateCodec):
    """The SDK's seal, which no two questions share; the call learns which one its client answers."""

    def unseal(self, token: str) -> bytes:
        """Open what a client gave back; raises InvalidRequestState for anything but a seal of this key."""
        payload = super().unseal(token)
        answers(token)
        return payload
