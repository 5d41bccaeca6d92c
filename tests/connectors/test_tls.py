from __future__ import annotations

import asyncio
import datetime
import os
import ssl
from pathlib import Path

import pytest
import trustme

from connectors import tls
from connectors.mllp.config import DestinationConfig, SourceConfig
from connectors.mllp.destination import MllpDestination
from connectors.mllp.framing import frame
from connectors.mllp.source import MllpSource
from connectors.seam import Outbound, Reply
from connectors.tls import ServerTls, Tls
from peers import Acceptor, Recorder, adt
from vagus.kernel.errors import ConfigError, DeliveryDelayed

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


class Site:
    """A folder with an authority, a server's and a client's certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.issue("server", "localhost")
        self.issue("client", "ehr.river.example")
        self.issue("expired", "old.river.example", expires=LONG_AGO)

    def issue(self, name: str, host: str, expires: datetime.datetime | None = None) -> None:
        issued = self.authority.issue_cert(host, common_name=host, not_after=expires)
        (self.folder / f"{name}.key").write_bytes(issued.private_key_pem.bytes())
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        (self.folder / f"{name}.pem").write_bytes(chain)

    def key(self, name: str) -> bytes:
        return (self.folder / f"{name}.key").read_bytes()

    def replace_key(self, name: str, key: bytes) -> None:
        (self.folder / f"{name}.key").write_bytes(key)

    def files(self, name: str, **more: str) -> dict[str, str]:
        names = {"cert": f"{name}.pem", "key": f"{name}.key", "ca": "ca.pem"} | more
        return {key: str(self.folder / value) if value else "" for key, value in names.items()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("tls") / "a")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("tls") / "b")


def destination(port: int, config: Tls) -> MllpDestination:
    return MllpDestination(
        DestinationConfig(
            host="localhost", port=port, tls=config, ack_timeout=2.0, connect_timeout=0.7
        )
    )


async def secure_source(recorder: Recorder, config: ServerTls) -> MllpSource:
    source = MllpSource(SourceConfig(port=0, tls=config))
    await source.start(recorder)
    return source


async def attempt(source_tls: ServerTls, client_tls: Tls) -> tuple[str, Recorder]:
    """What a delivery over our own source and destination ends with."""
    recorder = Recorder(
        lambda item: Reply(b"MSH|^~\\&|A|B|C|D|E||ACK|1|P|2.5\rMSA|AA|C1\r", accepted=True)
    )
    source = await secure_source(recorder, source_tls)
    sender = destination(source.port, client_tls)
    await sender.open()
    try:
        return (await sender.send(Outbound("k", adt("C1")))).code, recorder
    except DeliveryDelayed as error:
        return error.code, recorder
    finally:
        await sender.close()
        await source.stop()


async def test_mutual_tls_carries_messages_and_names_the_peer(site: Site) -> None:
    code, recorder = await attempt(ServerTls(**site.files("server")), Tls(**site.files("client")))
    assert code == "AA"
    assert recorder.frames == [adt("C1")]
    assert recorder.taken[0].peer.endswith(" ehr.river.example")


async def test_a_source_may_take_anyone_when_told_so(site: Site) -> None:
    anyone = ServerTls(**site.files("server", ca=""), verify="none")
    code, _ = await attempt(anyone, Tls(ca=site.files("server")["ca"]))
    assert code == "AA"


@pytest.mark.parametrize("name", ["none", "stranger", "expired"])
async def test_a_source_refuses_clients_without_a_good_certificate(
    site: Site, stranger: Site, name: str
) -> None:
    ca = site.files("server")["ca"]
    client = {
        "none": Tls(ca=ca),
        "stranger": Tls(**stranger.files("client") | {"ca": ca}),
        "expired": Tls(**site.files("expired")),
    }[name]
    code, recorder = await attempt(ServerTls(**site.files("server")), client)
    assert code in ("tls", "dropped")
    assert recorder.taken == []


async def test_a_destination_refuses_a_server_it_does_not_know(site: Site, stranger: Site) -> None:
    foreign = ServerTls(**stranger.files("server"))
    ours = Tls(**site.files("client"))
    assert (await attempt(foreign, ours))[0] == "tls"
    expired = ServerTls(**site.files("expired"))
    named = Tls(**site.files("client"), server_name="old.river.example")
    assert (await attempt(expired, named))[0] == "tls"
    wrong_name = Tls(**site.files("client"), server_name="other.river.example")
    assert (await attempt(ServerTls(**site.files("server")), wrong_name))[0] == "tls"


async def test_plaintext_is_refused_by_both_sides(site: Site) -> None:
    recorder = Recorder()
    source = await secure_source(recorder, ServerTls(**site.files("server")))
    reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
    writer.write(frame(adt("C1")))
    try:
        answer = await asyncio.wait_for(reader.read(), 5.0)
    except ConnectionError:
        answer = b""
    assert b"MSA" not in answer
    assert recorder.taken == []
    writer.close()
    await source.stop()
    async with Acceptor() as plain:
        sender = destination(plain.port, Tls(**site.files("client")))
        await sender.open()
        with pytest.raises(DeliveryDelayed) as caught:
            await sender.send(Outbound("k", adt("C1")))
        assert caught.value.code in ("tls", "unreachable")
        assert plain.bodies == []


async def test_old_versions_of_tls_are_refused(site: Site) -> None:
    source = await secure_source(Recorder(), ServerTls(**site.files("server")))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(site.files("server")["ca"])
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 "):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", source.port, ssl=old)
    await source.stop()


async def test_a_renewed_certificate_is_shown_to_new_connections(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mllp.source._RENEW_SECONDS", 0.1)
    site.issue("renewed", "localhost")
    config = ServerTls(**site.files("renewed", ca=""), verify="none")
    source = MllpSource(SourceConfig(port=0, tls=config, frame_timeout=0.4))
    await source.start(Recorder(lambda item: Reply(b"ok")))
    context = ssl.create_default_context(cafile=site.files("server")["ca"])

    async def serial() -> str:
        _, writer = await asyncio.open_connection("localhost", source.port, ssl=context)
        shown = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
        await writer.wait_closed()
        return str(shown)

    reader, writer = await asyncio.open_connection("localhost", source.port, ssl=context)
    first = await serial()
    old_key = site.key("renewed")
    site.issue("renewed", "localhost")
    new_key = site.key("renewed")
    site.replace_key("renewed", old_key)  # the certificate is new already, its key is not
    await asyncio.sleep(0.3)
    assert await serial() == first
    site.replace_key("renewed", new_key)
    async with asyncio.timeout(5.0):
        while await serial() == first:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.05)
    writer.write(frame(b"A"))
    assert await reader.readuntil(b"\x1c\r") == frame(b"ok")
    writer.close()
    await writer.wait_closed()
    await source.stop()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cert": "gone.pem"}, "certificate .*gone.pem cannot be read: No such file"),
        ({"key": "gone.key"}, "private key .*gone.key cannot be read: No such file"),
        ({"ca": "gone.pem"}, "authorities .*gone.pem cannot be read: No such file"),
        ({"key": "client.key"}, "client.key does not belong to the certificate .*server.pem"),
        ({"cert": "noise.pem"}, "noise.pem and .*server.key cannot be read as PEM"),
        ({"ca": "noise.pem"}, "noise.pem holds no certificate"),
        ({"key": "sealed.key"}, "sealed.key has a pass phrase"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(site: Site, change: dict[str, str], says: str) -> None:
    (site.folder / "noise.pem").write_text("noise")
    (site.folder / "sealed.key").write_bytes(sealed(site.folder / "server.key"))
    config = ServerTls(**site.files("server", **change))
    with pytest.raises(ConfigError, match=says):
        tls.server(config)
    with pytest.raises(ConfigError, match=says):
        tls.client(config)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_key_is_named(site: Site) -> None:
    key = site.folder / "closed.key"
    key.write_bytes((site.folder / "server.key").read_bytes())
    key.chmod(0)
    with pytest.raises(ConfigError, match=r"closed\.key cannot be read: Permission denied"):
        tls.server(ServerTls(**site.files("server", key="closed.key")))


def sealed(key: Path) -> bytes:
    from cryptography.hazmat.primitives import serialization

    private = serialization.load_pem_private_key(key.read_bytes(), None)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
