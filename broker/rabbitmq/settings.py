"""What vagus.yaml, or an automation, may say about RabbitMQ."""

from __future__ import annotations

import ssl
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from vagus.kernel.errors import ConfigError
from vagus.kernel.settings import Config, Duration, ProjectPath

SECURE = "amqps"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class RabbitMQ(Config):
    """One RabbitMQ, and how much is entrusted to it at once."""

    url: str = Field(
        repr=False, description="amqps://USER:PASSWORD@HOST/VHOST; the password as ${NAME}"
    )
    ca: ProjectPath = Field("", description="Authorities the server is checked against, PEM")
    certificate: ProjectPath = Field("", description="Our certificate and its chain, PEM")
    key: ProjectPath = Field("", description="The private key of `certificate`, PEM, no pass")
    plain: bool = Field(False, description="Allow amqp without TLS to a host that is not loopback")
    window: int = Field(256, ge=1, le=4096, description="Events sent and not yet confirmed")
    confirm_timeout: Duration = Field(
        10.0, gt=0, description="How long a confirm may take before all is sent again"
    )
    heartbeat: Duration = Field(30.0, ge=1, description="How soon a dead connection is noticed")
    prefetch: int = Field(256, ge=2, le=10000, description="Events a consumer may hold")

    @field_validator("url")
    @classmethod
    def _readable(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("amqp", SECURE) and parts.hostname and parts.port != 0
        except ValueError:
            fits = False
        if not fits:
            raise ValueError("write amqps://USER:PASSWORD@HOST:PORT/VHOST")
        return url

    @model_validator(mode="after")
    def _safe(self) -> RabbitMQ:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together: give both or neither")
        host, secure = urlsplit(self.url).hostname, self.secure
        if not secure and host not in LOOPBACK and not self.plain:
            raise ValueError(f"amqp to {host} is not encrypted: use amqps, or allow plain: true")
        if not secure and (self.ca or self.certificate):
            raise ValueError("ca and certificate are for TLS: use amqps")
        return self

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == SECURE

    @property
    def vhost(self) -> str:
        """The virtual host that the URL names."""
        return unquote(urlsplit(self.url).path[1:]) or "/"

    def context(self) -> ssl.SSLContext:
        """The TLS context of a connection; raises ConfigError."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            if self.ca:
                context = ssl.create_default_context(cafile=self.ca)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            names = ", ".join(name for name in (self.ca, self.certificate, self.key) if name)
            raise ConfigError(
                f"{names} cannot be used for TLS with RabbitMQ: {_why(error)}"
            ) from None
        return context


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
