"""TLS for every connector: one config model, one context for each side, renewed in place."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from vagus.kernel.errors import ConfigError
from vagus.kernel.log import get_logger
from vagus.kernel.settings import Config, ProjectPath

log = get_logger(__name__)

_MAX_NAME = 64


class Tls(Config):
    """Who we are and whom we trust; TLS 1.2 and later only."""

    cert: ProjectPath = Field(
        default="", description="File with our certificate and its chain, PEM."
    )
    key: ProjectPath = Field(
        default="", description="File with the private key of `cert`, PEM, no pass."
    )
    ca: ProjectPath = Field(
        default="",
        description="File with the authorities that peers are checked against, PEM; "
        "a destination without it uses those of the system.",
    )
    verify: Literal["required", "none"] = Field(
        default="required",
        description="Whether the peer must show a certificate that `ca` vouches for.",
    )
    server_name: str = Field(
        default="",
        description="The name a destination's certificate must bear, when it is not its host.",
    )

    @model_validator(mode="after")
    def _pairs(self) -> Tls:
        if bool(self.cert) != bool(self.key):
            raise ValueError("cert and key belong together: give both or neither")
        return self


class ServerTls(Tls):
    """TLS of a source; peers must show a certificate unless `verify: none`."""

    @model_validator(mode="after")
    def _complete(self) -> ServerTls:
        if not self.cert:
            raise ValueError("a source needs cert and key: the files of its own certificate")
        if self.verify == "required" and not self.ca:
            raise ValueError(
                "name the authorities of the senders in ca, or write verify: none to take anyone"
            )
        return self


class Renewed:
    """A context whose certificate follows its files; `context` is what the sockets use."""

    def __init__(self, config: Tls, context: ssl.SSLContext) -> None:
        self.context = context
        self._config = config
        self._stamp = self._now()

    def renew(self) -> bool:
        """Load the certificate again if its files changed; new handshakes then show it.

        A pair of files that does not fit is left alone until it does, so that a half finished
        renewal never takes a listener down.
        """
        stamp = self._now()
        if stamp == self._stamp:
            return False
        try:
            _own(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._config)
            _own(self.context, self._config)
        except ConfigError:
            return False
        self._stamp = stamp
        log.info("certificate_renewed", file=self._config.cert)
        return True

    def _now(self) -> list[tuple[int, int, int]]:
        if not self._config.cert:
            return []
        try:
            stats = [Path(name).stat() for name in (self._config.cert, self._config.key)]
        except OSError:
            return []
        return [(stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats]


def server(config: Tls) -> Renewed:
    """The context of a source; ConfigError names the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _own(context, config)
    if config.verify == "required":
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, config.ca)
    return Renewed(config, context)


def client(config: Tls) -> Renewed:
    """The context of a destination; ConfigError names the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.cert:
        _own(context, config)
    if config.verify == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif config.ca:
        _trust(context, config.ca)
    else:
        context.load_default_certs()
    return Renewed(config, context)


def peer_name(connection: ssl.SSLObject | ssl.SSLSocket) -> str:
    """The first DNS name, or else the common name, that the peer's certificate bears."""
    shown = connection.getpeercert() or {}
    names = [str(item[1]) for item in shown.get("subjectAltName", ()) if item[0] == "DNS"]
    subject: tuple[tuple[tuple[str, str], ...], ...] = shown.get("subject", ())  # type: ignore[assignment]
    names += [value for part in subject for name, value in part if name == "commonName"]
    plain = "".join(char for char in next(iter(names), "") if char.isascii() and char.isprintable())
    return plain[:_MAX_NAME]


def _own(context: ssl.SSLContext, config: Tls) -> None:
    _readable(config.cert, "the certificate")
    _readable(config.key, "the private key")
    try:
        context.load_cert_chain(config.cert, config.key, password=_no_pass)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"the private key {config.key} does not belong to the certificate {config.cert}"
        else:
            text = f"{config.cert} and {config.key} cannot be read as PEM certificate and key"
        raise ConfigError(f"{text}; give the pair that was issued together") from None
    except ValueError:
        raise ConfigError(f"the private key {config.key} has a pass phrase; remove it") from None


def _no_pass() -> str:
    # Without it OpenSSL would stop and ask at the terminal.
    raise ValueError


def _trust(context: ssl.SSLContext, ca: str) -> None:
    _readable(ca, "the file of authorities")
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError:
        raise ConfigError(f"{ca} holds no certificate in PEM form; name a CA file") from None


def _readable(name: str, what: str) -> None:
    try:
        with Path(name).open("rb"):
            pass
    except OSError as error:
        raise ConfigError(f"{what} {name} cannot be read: {error.strerror}") from None
