"""The side door of a running engine: is it alive, may it take more, and what has it counted.

For load balancers and Prometheus, not for senders: `/health/live`, `/health/ready`, `/metrics`.
"""

from __future__ import annotations

from enum import StrEnum

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from channels.engine import Engine
from vagus.console.metrics import EngineCollector
from vagus.kernel.errors import ConfigError
from vagus.kernel.log import get_logger
from vagus.kernel.network import is_loopback

log = get_logger(__name__)
_SHUTDOWN_SECONDS = 1.0


class Phase(StrEnum):
    """How far the engine has come in its life."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"


class Health:
    """Listens on one address; loopback only, unless `expose` is said."""

    def __init__(self, host: str, port: int, *, expose: bool = False) -> None:
        """Raises ConfigError for an address that others can reach, without `expose`."""
        if not expose and not is_loopback(host):
            raise ConfigError(
                f"http: other machines can reach {host or 'every address'}: health and metrics"
                " have no sign-in; listen on 127.0.0.1, or write expose: true"
            )
        self._host = host
        self._port = port
        self._phase = Phase.STARTING
        self._engine: Engine | None = None
        self._runner: web.AppRunner | None = None
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    @property
    def port(self) -> int:
        """The port in use, also when the config left the choice to the system."""
        addresses = self._runner.addresses if self._runner else []
        return int(addresses[0][1]) if addresses else self._port

    @property
    def url(self) -> str:
        """Where it is."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen; raises ConfigError when the port is taken."""
        app = web.Application(client_max_size=1024)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            self._runner = None
            raise ConfigError(
                f"http: cannot listen on {self._host} port {self._port}: {error.strerror}"
            ) from None

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def running(self, engine: Engine) -> None:
        """The engine has started: answer for it from now on."""
        self._engine = engine
        self._registry.register(EngineCollector(engine))
        self._phase = Phase.RUNNING

    def draining(self) -> None:
        """The engine takes nothing new any more."""
        self._phase = Phase.DRAINING

    @property
    def reason(self) -> str:
        """Why nothing should be sent here for now, in a word; empty when all is well."""
        engine = self._engine
        if engine is None or self._phase is not Phase.RUNNING:
            return self._phase.value
        if engine.journal.failed is not None:
            return "journal-failed"
        return engine.pressure.reason

    async def _live(self, _: web.Request) -> web.Response:
        """Answering at all shows that the event loop turns; a dead journal needs a restart."""
        failed = self._engine is not None and self._engine.journal.failed is not None
        return web.Response(
            text="journal-failed\n" if failed else "ok\n", status=503 if failed else 200
        )

    async def _ready(self, _: web.Request) -> web.Response:
        reason = self.reason
        return web.Response(text=f"{reason or 'ok'}\n", status=503 if reason else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        text = generate_latest(self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
