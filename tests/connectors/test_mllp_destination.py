from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.mllp.config import DestinationConfig
from connectors.mllp.destination import MllpDestination, acknowledgement
from connectors.seam import Outbound, Receipt
from peers import Acceptor, Peer, Proxy, ack, adt, close, receive, send, until, wait
from vagus.kernel.errors import DeliveryDelayed, DeliveryRejected, Fault


@asynccontextmanager
async def sending(port: int, **config: Any) -> AsyncIterator[MllpDestination]:
    destination = MllpDestination(DestinationConfig(host="127.0.0.1", port=port, **config))
    await destination.open()
    try:
        yield destination
    finally:
        await destination.close()


def out(control: str) -> Outbound:
    return Outbound(control, adt(control))


async def delayed(destination: MllpDestination, control: str) -> DeliveryDelayed:
    with pytest.raises(DeliveryDelayed) as caught:
        await destination.send(out(control))
    return caught.value


async def test_a_message_is_taken_and_the_connection_reused() -> None:
    async with Acceptor() as peer, sending(peer.port) as destination:
        for number in range(5):
            receipt = await destination.send(out(f"C{number}"))
            assert receipt == Receipt("AA", ack(adt(f"C{number}"))[1:-2])
        assert peer.bodies == [adt(f"C{number}") for number in range(5)]
        assert (peer.connections, destination.connections, destination.strays) == (1, 1, 0)


async def test_connections_are_made_as_needed_up_to_the_limit() -> None:
    async with Acceptor() as peer, sending(peer.port, connections=3) as destination:
        assert destination.concurrency == 3
        assert peer.connections == 0
        await asyncio.gather(*(destination.send(out(f"C{number}")) for number in range(20)))
        assert peer.connections == 3
        assert sorted(peer.bodies) == sorted(adt(f"C{number}") for number in range(20))


async def test_errors_are_retryable_and_refusals_final() -> None:
    codes = ("AE", "CE", "AR", "CR")
    script = [step for code in codes for step in (receive, send(lambda body, c=code: ack(body, c)))]
    async with Peer(script) as peer, sending(peer.port) as destination:
        for code in ("AE", "CE"):
            error = await delayed(destination, "C1")
            assert (error.code, error.fault, error.unknown) == (code, Fault.MESSAGE, False)
        for code in ("AR", "CR"):
            with pytest.raises(DeliveryRejected) as caught:
                await destination.send(out("C1"))
            assert caught.value.code == code
        assert peer.connections == 1


async def test_an_error_is_final_when_the_config_says_so() -> None:
    script = [receive, send(lambda body: ack(body, "AE"))]
    async with Peer(script) as peer, sending(peer.port, retry_error=False) as destination:
        with pytest.raises(DeliveryRejected, match="AE"):
            await destination.send(out("C1"))


async def test_a_commit_ack_counts_only_when_the_config_says_so() -> None:
    both = [receive, send(lambda b: ack(b, "CA")), wait(0.05), send(lambda b: ack(b, "AA"))]
    async with Peer(both * 2) as peer, sending(peer.port) as destination:
        assert (await destination.send(out("C1"))).code == "CA"
        await until(lambda: destination.strays == 1)
        assert (await destination.send(out("C2"))).code == "CA"
    async with Peer(both) as peer, sending(peer.port, accept=("AA",)) as destination:
        assert (await destination.send(out("C1"))).code == "AA"


async def test_an_ack_for_another_message_is_never_credited() -> None:
    script = [receive, send(lambda body: ack(body, "AA", b"C0") + ack(body, "AR", b"C9"))]
    async with Peer(script) as peer, sending(peer.port, ack_timeout=0.2) as destination:
        error = await delayed(destination, "C1")
        assert (error.code, error.unknown, error.fault) == ("timeout", True, Fault.DESTINATION)
        assert destination.strays == 2
    late_then_right = [receive, send(lambda body: ack(body, "AR", b"C0") + ack(body))]
    async with Peer(late_then_right) as peer, sending(peer.port) as destination:
        assert (await destination.send(out("C1"))).code == "AA"
        assert destination.strays == 1


async def test_a_late_ack_dies_with_its_connection() -> None:
    slow = [receive, wait(0.25), send(ack)]
    good = [receive, send(ack)]
    async with Peer(slow, good) as peer, sending(peer.port, ack_timeout=0.1) as destination:
        began = time.monotonic()
        error = await delayed(destination, "C1")
        assert 0.1 <= time.monotonic() - began < 1.0
        assert (error.code, error.unknown) == ("timeout", True)
        assert (await destination.send(out("C2"))).body == ack(adt("C2"))[1:-2]
        await asyncio.sleep(0.3)
        assert destination.strays == 0
        assert peer.frames == [adt("C1"), adt("C2")]


async def interleaving(seed: int) -> list[str]:
    """Five messages to a peer that answers wrongly, twice or not at all; what each ended as."""
    chance = random.Random(seed)
    truth: dict[bytes, set[str]] = {}

    def reply(body: bytes) -> bytes:
        control = body.split(b"|")[9]
        parts = []
        for _ in range(chance.randrange(4)):
            kind = chance.randrange(4)
            if kind == 0:
                code = chance.choice(["AA", "AE", "AR"])
                truth.setdefault(control, set()).add(code)
                parts.append(ack(body, code))
            elif kind == 1:
                other = b"C%d" % chance.choice([0, 1, 2, 3, 4, 99])
                if other != control:
                    parts.append(ack(body, chance.choice(["AA", "AR"]), other))
            else:
                parts.append(b"\x0bnoise\x1c\r" if kind == 2 else b"\r\n")
        return b"".join(parts)

    codes = []
    script = [receive, send(reply)] * 5
    async with Peer(script) as peer, sending(peer.port, ack_timeout=0.5) as destination:
        for number in range(5):
            control = f"C{number}"
            try:
                code = (await destination.send(out(control))).code
            except (DeliveryDelayed, DeliveryRejected) as error:
                code = error.code
            allowed = truth.get(control.encode(), set()) or {"timeout"}
            assert code in allowed, f"seed {seed}"
            codes.append(code)
    return codes


async def test_a_thousand_interleavings_of_late_wrong_and_missing_acks_credit_none() -> None:
    for first in range(0, 200, 40):
        found = await asyncio.gather(*(interleaving(seed) for seed in range(first, first + 40)))
        assert {"AA", "AE", "AR", "timeout"} <= {code for codes in found for code in codes}


async def test_garbage_is_counted_and_runs_into_the_timeout() -> None:
    garbage = b"\x0b\x06\x1c\rHTTP/1.1 400 Bad Request\r\n\x0bMSH|^~\\&|no msa\r\x1c\r"
    script = [receive, send(garbage)]
    async with Peer(script) as peer, sending(peer.port, ack_timeout=0.1) as destination:
        assert (await delayed(destination, "C1")).code == "timeout"
        assert destination.strays == 3


async def test_endless_garbage_ends_the_connection_early() -> None:
    async with Peer([receive, send(b"x" * 100_000)]) as peer, sending(peer.port) as destination:
        error = await delayed(destination, "C1")
        assert (error.code, error.unknown) == ("dropped", True)


async def test_a_refusal_without_control_id_means_the_message_under_way() -> None:
    async with (
        Peer([receive, send(lambda body: ack(body, "AR", b""))]) as peer,
        sending(peer.port) as destination,
    ):
        with pytest.raises(DeliveryRejected, match="AR"):
            await destination.send(out("C1"))
    async with (
        Peer([receive, send(lambda body: ack(body, "AA", b""))]) as peer,
        sending(peer.port, ack_timeout=0.1) as destination,
    ):
        assert (await delayed(destination, "C1")).code == "timeout"


async def test_a_closed_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with sending(taken.getsockname()[1]) as destination:
            error = await delayed(destination, "C1")
            assert (error.code, error.fault, error.unknown) == ("refused", Fault.DESTINATION, False)


async def test_an_unknown_host_is_unreachable() -> None:
    destination = MllpDestination(DestinationConfig(host="nowhere.invalid", port=2575))
    error = await delayed(destination, "C1")
    assert (error.code, error.unknown) == ("unreachable", False)


async def test_a_host_that_never_answers_is_unreachable_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        async with sending(port, connect_timeout=0.2) as destination:
            assert (await delayed(destination, "C1")).code == "unreachable"
        for sock in waiting:
            sock.close()


async def test_a_peer_that_closes_before_its_ack_leaves_the_outcome_unknown() -> None:
    async with (
        Peer([receive, close], [receive, send(ack)]) as peer,
        sending(peer.port) as destination,
    ):
        error = await delayed(destination, "C1")
        assert (error.code, error.unknown) == ("dropped", True)
        assert (await destination.send(out("C1"))).code == "AA"
        assert peer.frames == [adt("C1"), adt("C1")]


async def test_a_peer_that_closes_while_idle_is_noticed_before_the_next_message() -> None:
    async with (
        Peer([receive, send(ack), close], [receive, send(ack)]) as peer,
        sending(peer.port) as destination,
    ):
        await destination.send(out("C1"))
        await until(lambda: destination.connections == 0)
        assert (await destination.send(out("C2"))).code == "AA"
        assert peer.connections == 2


async def test_a_silent_network_is_noticed_by_the_timeout() -> None:
    async with (
        Acceptor() as peer,
        Proxy(peer.port) as proxy,
        sending(proxy.port, ack_timeout=0.2) as destination,
    ):
        await destination.send(out("C1"))
        proxy.blackhole = True
        began = time.monotonic()
        assert (await delayed(destination, "C2")).code == "timeout"
        assert time.monotonic() - began < 1.2
        proxy.blackhole = False
        assert (await destination.send(out("C2"))).code == "AA"
        assert proxy.connections == 2


async def test_lost_bytes_of_an_ack_are_no_ack() -> None:
    async with (
        Acceptor() as peer,
        Proxy(peer.port) as proxy,
        sending(proxy.port, ack_timeout=0.2) as destination,
    ):
        proxy.eat_down = 30
        assert (await delayed(destination, "C1")).code == "timeout"
        assert (await destination.send(out("C1"))).code == "AA"
        proxy.cut()
        await until(lambda: destination.connections == 0)
        assert (await destination.send(out("C3"))).code == "AA"


async def test_an_ack_may_come_byte_by_byte() -> None:
    async def dribble(turn: Any) -> None:
        for byte in ack(turn.last):
            turn.writer.write(bytes([byte]))
            await turn.writer.drain()
            await asyncio.sleep(0)

    async with Peer([receive, dribble]) as peer, sending(peer.port) as destination:
        assert (await destination.send(out("C1"))).code == "AA"


async def test_a_cancelled_send_takes_its_connection_along() -> None:
    async with (
        Peer([receive, wait(0.1), send(ack)], [receive, send(ack)]) as peer,
        sending(peer.port) as destination,
    ):
        task = asyncio.create_task(destination.send(out("C1")))
        await until(lambda: peer.frames == [adt("C1")])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await destination.send(out("C2"))).code == "AA"
        assert peer.connections == 2


async def test_close_ends_what_is_under_way_as_unknown() -> None:
    async with Peer([receive]) as peer, sending(peer.port) as destination:
        task = asyncio.create_task(destination.send(out("C1")))
        await until(lambda: peer.frames == [adt("C1")])
        await destination.close()
        with pytest.raises(DeliveryDelayed) as caught:
            await task
        assert (caught.value.code, caught.value.unknown) == ("dropped", True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (adt("C1").replace(b"DOE", b"D\x1cE"), "unframeable"),
        (adt("C1") + b"\x0b", "unframeable"),
        (adt(""), "no-control"),
        (b"MSH|^~\\&|A", "no-control"),
        (b"MSH", "no-control"),
        (b"FHS|^~\\&|A|B|C|D|E|F|G|H|I\r", "no-control"),
        (b"", "no-control"),
    ],
)
async def test_what_mllp_cannot_carry_is_rejected_without_connecting(
    body: bytes, code: str
) -> None:
    async with Acceptor() as peer, sending(peer.port) as destination:
        with pytest.raises(DeliveryRejected) as caught:
            await destination.send(Outbound("k", body))
        assert caught.value.code == code
        assert "DOE" not in str(caught.value)
        assert peer.connections == 0


async def test_other_field_separators_are_respected() -> None:
    body = adt("C1").replace(b"|", b"!")
    seen: list[bytes] = []

    def reply(got: bytes) -> bytes:
        seen.append(got)
        return b"\x0bMSH!^~\\&!A!B!C!D!E!!ACK!X!P!2.5.1\rMSA!AA!C1!\r\x1c\r"

    async with Peer([receive, send(reply)]) as peer, sending(peer.port) as destination:
        assert (await destination.send(Outbound("k", body))).code == "AA"
    assert seen == [body]


def test_acknowledgements_are_read_as_they_come() -> None:
    head = b"MSH|^~\\&|A|B|C|D|E||ACK|X|P|2.5.1"
    answer = acknowledgement(head + b"\rSFT|x\rMSA|AA|C1|text\rERR|1\r")
    assert answer is not None
    assert answer[:2] == (b"AA", b"C1")
    assert acknowledgement(head + b"\nMSA|AE|C1\n") is not None
    assert acknowledgement(head + b"\r\nMSA|AE|C1\r\n") is not None
    assert acknowledgement(head + b"\rMSA|AA")[1] == b""  # type: ignore[index]
    assert acknowledgement(head + b"\rNTE|MSA|AA|C1\r") is None
    assert acknowledgement(b"\x06") is None


async def test_a_counting_peer_and_the_receipts_agree() -> None:
    peer = Acceptor(error=0.2, reject=0.1, seed=7)
    async with peer, sending(peer.port, connections=4) as destination:
        results = await asyncio.gather(
            *(destination.send(out(f"C{number}")) for number in range(200)),
            return_exceptions=True,
        )
        codes = [item.code for item in results]  # type: ignore[union-attr]
        assert {code: codes.count(code) for code in ("AA", "AE", "AR")} == peer.codes
        assert destination.strays == 0
