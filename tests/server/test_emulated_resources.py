"""The emulated resources …"""

import pytest

from custom_speech_emulator import ACCOUNTS
from custom_speech_server.emulated_resources import EMULATED_RESOURCES


@pytest.mark.anyio
async def test_emulated_resources_are_the_accounts_of_the_emulator() -> None:
    resources = [
        (one.name, one.region, (await one.credential.key()).get_secret_value(), one.resource_id)
        for one in EMULATED_RESOURCES
    ]

    assert resources == [(one.name, one.region, one.key, one.resource_id) for one in ACCOUNTS]
    assert [one.can_train_audio for one in EMULATED_RESOURCES] == [one.trains_audio for one in ACCOUNTS]
