"""A call of a tool, for tests of what a call goes through."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import anyio
from mcp.types import CallToolRequestParams

from custom_speech_tools.runtime.calling_client import MCPClient
from custom_speech_tools.runtime.change_control import Audit, CallAuditor
from custom_speech_tools.runtime.context import CALL_SECONDS, CallContext


@contextmanager
def running_call(app: Any = None) -> Iterator[CallContext]:
    """Provide a call of create_model that may take as long as calls may."""
    with anyio.CancelScope(deadline=anyio.current_time() + CALL_SECONDS) as scope:
        auditor = CallAuditor(Audit(), lambda attempt: None, "create_model", {})
        request = MagicMock(session=MagicMock(report_progress=AsyncMock()))
        client = MCPClient(request, CallToolRequestParams(name="create_model"), None)
        yield CallContext(app, client, scope, anyio.current_time(), auditor)
