"""One RabbitMQ and one PostgreSQL for all tests that need them, each test with its own part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peers.postgres import Server as PostgresServer
from peers.rabbitmq import Server, certificates


@pytest.fixture(scope="session")
def the_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("rabbitmq")
    server = Server(folder, certificates(folder / "tls"))
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def rabbitmq(the_server: Server) -> Server:
    the_server.refresh()
    return the_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
