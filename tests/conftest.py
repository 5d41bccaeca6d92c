"""One RabbitMQ for all tests that need it; each has an empty virtual host of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
