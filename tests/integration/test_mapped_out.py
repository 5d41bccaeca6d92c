"""A destination that wants HL7 v2 gets what a mapping makes of the canonical Bundle."""

from __future__ import annotations

import asyncio
from pathlib import Path

from acceptance.engine import END, START, admission, code_of, free_port
from peers import Acceptor, until
from vagus.assembly import running
from vagus.project import open_project

PROJECT = "project: outward\nkeys: {create: true}\nhttp: {enabled: false}\nzone: America/Chicago\n"
CHANNEL = """\
channel: adt
source:
  mllp: {port: %d}
steps:
  - transform: hl7v2_to_fhir
destinations:
  - name: registry
    mllp: {port: %d, host: 127.0.0.1}
    mapping: to_registry
"""
MAPPING = """\
mapping: to_registry
from: fhir
to: hl7v2
segments:
  - MSH:
      MSH-3: VAGUS
      MSH-7: =now | format hl7-datetime
      MSH-9: {1: ADT, 2: A31}
      MSH-10: =context message_id
      MSH-11: P
      MSH-12: '2.5'
  - PID: {PID-3: {1: =Patient.identifier.value}, PID-5: {1: =Patient.name.family}}
"""


async def test_the_peer_gets_what_the_mapping_makes(tmp_path: Path) -> None:
    port = free_port()
    async with Acceptor() as peer:
        for name, text in (
            ("vagus.yaml", PROJECT),
            ("channels/adt.yaml", CHANNEL % (port, peer.port)),
            ("mappings/out.yaml", MAPPING),
        ):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        async with running(open_project(tmp_path)) as live:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(START + admission("OUT1", "77", family="O\\T\\NE") + END)
            assert code_of(await reader.readuntil(END)) == "AA"
            await until(lambda: bool(peer.bodies))
            writer.close()
        lines = peer.bodies[0].decode().split("\r")
        assert lines[0].startswith("MSH|^~\\&|VAGUS|")
        assert "|ADT^A31|" in lines[0]
        assert lines[1] == "PID|||77||O\\T\\NE"
        assert live.counts()["delivered"] == 1
