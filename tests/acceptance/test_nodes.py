"""Two nodes over one PostgreSQL: whatever happens to one, nothing is lost and no lane goes back."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acceptance.cluster import Cluster, listens, wait
from acceptance.engine import END, START, admission, code_of, control_of
from peers import Acceptor
from peers.acceptor import ack
from peers.postgres import Server

PATIENTS = 3  # of each sender, so that a lane has one sender and an order to keep


class Peer(Acceptor):
    """Takes everything, and remembers the order within each lane."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, list[str]] = defaultdict(list)

    def answer(self, body: bytes) -> bytes:
        control = control_of(body)
        self.seen[control[:2] + str(int(control[2:]) % PATIENTS)].append(control)
        return ack(body)

    @property
    def all(self) -> set[str]:
        return {control for controls in self.seen.values() for control in controls}


class Sender:
    """One connection of an EHR: one message in flight, resent after every break."""

    def __init__(self, number: int, port: int) -> None:
        self._number = number
        self._port = port
        self.acked: list[str] = []
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            try:
                await self._connection()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                await asyncio.sleep(0.05)

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while not self.stopping:
                number = len(self.acked)
                control = f"{self._number:02d}{number:06d}"
                patient = f"P{self._number}-{number % PATIENTS}"
                writer.write(START + admission(control, patient) + END)
                reply = await asyncio.wait_for(reader.readuntil(END), 15)
                assert code_of(reply) == "AA"
                self.acked.append(control)
        finally:
            writer.close()


@asynccontextmanager
async def sending(cluster: Cluster, each: int = 4) -> AsyncIterator[list[Sender]]:
    senders = [Sender(10 * node + n, cluster.ports[node]) for node in (1, 2) for n in range(each)]
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield senders
    finally:
        for sender in senders:
            sender.stopping = True
        await asyncio.wait(tasks, timeout=20)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer() as made:
        yield made


@pytest.fixture
def cluster(tmp_path: Path, postgres: Server, peer: Peer) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "p", postgres, peer.port)
    try:
        made.start(1)
        made.start(2)
        yield made
    finally:
        made.end()


async def check(cluster: Cluster, peer: Peer, senders: list[Sender]) -> None:
    """What was acknowledged arrived, in order; the ledger of both nodes holds."""
    acked = {control for sender in senders for control in sender.acked}
    await asyncio.to_thread(wait, lambda: acked <= peer.all, 30, "not all was delivered")
    for lane, controls in peer.seen.items():
        assert controls == sorted(controls), f"lane {lane} went back"
    ledger = await asyncio.to_thread(cluster.verb, "ledger")
    assert ledger.returncode == 0, ledger.stdout + ledger.stderr


@pytest.mark.timeout(180)
async def test_a_killed_node_is_taken_over_with_what_it_had_accepted(
    cluster: Cluster, peer: Peer
) -> None:
    await asyncio.sleep(6.5)  # until the survivor trusts what it sees
    async with sending(cluster) as senders:
        await asyncio.sleep(2)
        await peer.stop()
        await asyncio.sleep(1)  # what is accepted now is delivered by nobody
        before = sum(len(sender.acked) for sender in senders)
        cluster.kill(1)
        await peer.start(peer.port)
        took = await asyncio.to_thread(wait, lambda: listens(cluster.ports[1]), 10, "no takeover")
        await asyncio.sleep(2)
        states = {node: row["state"] for node, row in cluster.nodes().items()}
        assert states == {1: "taken-over", 2: "up"}
        cluster.start(1)
        back = await asyncio.to_thread(
            wait, lambda: cluster.nodes()[1]["state"] == "up", 60, "not handed back"
        )
        await asyncio.sleep(1)
    assert sum(len(sender.acked) for sender in senders) > before > 50
    print(f"takeover {took:.1f} s, handed back {back:.1f} s")  # noqa: T201
    await check(cluster, peer, senders)
    counts = [cluster.stop(1), cluster.stop(2)]
    assert sum(count["pending"] for count in counts) == 0


@pytest.mark.timeout(120)
async def test_an_owner_that_slept_through_its_takeover_writes_and_replies_nothing(
    cluster: Cluster, peer: Peer
) -> None:
    await asyncio.sleep(6.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.ports[1])
    writer.write(START + admission("10000000", "P10-0") + END)
    assert code_of(await reader.readuntil(END)) == "AA"
    cluster.pause(1)
    writer.write(START + admission("10000001", "P10-1") + END)
    # The sleeper still has the port on this one machine, so only the lease changes hands.
    await asyncio.to_thread(wait, lambda: "taken_over" in cluster.log(2), 30, "no takeover")
    sleeper = cluster.processes.pop(1)
    sleeper.send_signal(18)
    assert await reader.read() == b""
    writer.close()
    await asyncio.to_thread(sleeper.communicate)
    assert sleeper.returncode == 1
    ledger = await asyncio.to_thread(cluster.verb, "ledger", "--format", "json")
    assert ledger.returncode == 0 and '"accepted":1' in ledger.stdout


@pytest.mark.timeout(180)
async def test_while_postgresql_is_away_nothing_is_acknowledged_and_then_all_goes_on(
    cluster: Cluster, peer: Peer, postgres: Server
) -> None:
    async with sending(cluster) as senders:
        await asyncio.sleep(1.5)
        await asyncio.to_thread(postgres.kill)
        await asyncio.sleep(0.3)
        before = sum(len(sender.acked) for sender in senders)
        await asyncio.sleep(2)
        assert sum(len(sender.acked) for sender in senders) == before
        await asyncio.to_thread(postgres.start)
        await asyncio.to_thread(
            wait,
            lambda: all(len(sender.acked) > before / len(senders) + 20 for sender in senders),
            40,
            "the engines do not go on",
        )
    await check(cluster, peer, senders)
    states = {node: row["state"] for node, row in cluster.nodes().items()}
    assert states == {1: "up", 2: "up"}


def refused(cluster: Cluster, node: int = 1, folder: Path | None = None) -> str:
    """What an engine says that does not start."""
    process = cluster.launch(node, folder)
    process.communicate(timeout=60)
    assert process.returncode == 2
    return cluster.log(node)


@pytest.mark.timeout(180)
async def test_a_split_configuration_does_not_start(cluster: Cluster, tmp_path: Path) -> None:
    main = cluster.folder / "vagus.yaml"
    text = main.read_text()
    said = await asyncio.to_thread(refused, cluster)
    assert "node 1 is already run by process" in said and "give each engine a node" in said

    def told(**changes: str) -> str:
        new = text
        for old, value in changes.items():
            assert old in new
            new = new.replace(old, value)
        main.write_text(new)
        try:
            return refused(cluster, 3)
        finally:
            main.write_text(text)

    other = {"2: [lab]": "2: [lab]\n  3: []"}
    assert "divides the channels" in await asyncio.to_thread(lambda: told(**other))
    other["project: trial"] = "project: other"
    assert "holds the journal of project 'trial'" in await asyncio.to_thread(lambda: told(**other))
    other = {"2: [lab]": "2: [lab]\n  3: []", "{create: true}": "{file: other.key, create: true}"}
    assert "another key set" in await asyncio.to_thread(lambda: told(**other))
    assert "node 3 is not under nodes" in await asyncio.to_thread(told)
    only = [line for line in text.splitlines() if "postgres:" not in line]
    main.write_text("\n".join(only))
    assert "several nodes share a journal in PostgreSQL" in await asyncio.to_thread(
        refused, cluster
    )
    main.write_text(text.replace("[lab]", "[]"))
    assert "no node runs 'lab'" in await asyncio.to_thread(refused, cluster)


async def test_nodes_are_shown_as_text_and_as_json(cluster: Cluster) -> None:
    rows = await asyncio.to_thread(cluster.nodes)
    assert [
        (row["state"], row["runs_on"], row["channels"], row["pending"]) for row in rows.values()
    ] == [
        ("up", 1, ["adt"], 0),
        ("up", 2, ["lab"], 0),
    ]
    text = await asyncio.to_thread(cluster.verb, "nodes")
    assert text.returncode == 0
    assert text.stdout.splitlines()[0].split()[:3] == ["NODE", "STATE", "RUNS"]
    cluster.stop(1)
    cluster.stop(2)
    text = await asyncio.to_thread(cluster.verb, "nodes")
    assert text.returncode == 1 and text.stdout.count("stopped") == 2
