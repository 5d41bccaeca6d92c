"""What vagus.yaml may say about PostgreSQL."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from vagus.kernel.network import is_loopback
from vagus.kernel.settings import Config, Duration, ProjectPath

_SCHEMES = ("postgresql", "postgres")


class Postgres(Config):
    """One PostgreSQL, and how its engines keep out of each other's way."""

    url: str = Field(
        repr=False, description="postgresql://USER:PASSWORD@HOST/DATABASE; the password as ${NAME}"
    )
    namespace: str = Field(
        "vagus", pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The schema of its tables"
    )
    ca: ProjectPath = Field("", description="Authorities the server is checked against, PEM")
    certificate: ProjectPath = Field("", description="Our certificate and its chain, PEM")
    key: ProjectPath = Field("", description="The private key of `certificate`, PEM, no pass")
    plain: bool = Field(False, description="Allow a host that is not loopback without TLS")
    lease: Duration = Field(
        5.0, ge=1, le=60, description="How long an engine that is not heard of keeps its node"
    )

    @field_validator("url")
    @classmethod
    def _readable(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
        except ValueError:
            fits = False
        if not fits or not urlsplit(url).path.strip("/"):
            raise ValueError("write postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        if urlsplit(url).query:
            raise ValueError("write what follows the question mark as fields beside the url")
        return url

    @model_validator(mode="after")
    def _safe(self) -> Postgres:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together: give both or neither")
        host = urlsplit(self.url).hostname or ""
        if not (self.ca or self.plain or is_loopback(host)):
            raise ValueError(f"{host} is another machine: name its ca for TLS, or say plain: true")
        return self

    @property
    def name(self) -> str:
        """Where it is, without who may enter."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"postgresql://{parts.hostname}{port}{parts.path} schema {self.namespace}"

    @property
    def options(self) -> dict[str, str]:
        """What the driver is told beside the url."""
        options = {"sslmode": "verify-full" if self.ca else "prefer"}
        pairs = (("sslrootcert", self.ca), ("sslcert", self.certificate), ("sslkey", self.key))
        return options | {name: value for name, value in pairs if value}
