"""Fixtures of the emulator's tests."""

from collections.abc import Callable, Iterator

import pytest

from support.emulator_service import Resource, Service


@pytest.fixture
def start() -> Iterator[Callable[..., Service]]:
    """Start emulators with options. After the test, every response is validated against the specification."""
    services: list[Service] = []

    def started(**options: object) -> Service:
        services.append(Service(**options))
        return services[-1]

    yield started
    for service in services:
        service.close()
        assert service.violations == []


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """An emulator whose work finishes at the first read."""
    return start()


@pytest.fixture
def eastus(service: Service) -> Resource:
    """The account in eastus with the newest API version."""
    return service.resource()
