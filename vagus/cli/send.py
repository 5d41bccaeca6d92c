"""`vagus send`: messages of a file to a port, a URL or a folder, without a project."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import aiohttp
import click

from connectors.mllp.destination import acknowledgement
from connectors.mllp.framing import Framer, frame
from vagus.cli import output, reading
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, form
from vagus.kernel.errors import DeliveryError, DeliveryRejected

MAX_REPLY = 1 << 24
_TYPES = {
    "hl7v2": "application/hl7-v2",
    "fhir": "application/fhir+json",
    "x12": "application/edi-x12",
}
_SUFFIXES = {"hl7v2": ".hl7", "fhir": ".json", "x12": ".x12"}


class Answer(NamedTuple):
    """What came back for one message; `code` is AA, a status number, or `written`."""

    code: str
    taken: bool
    body: bytes


@click.command(
    epilog=examples(
        "vagus send admissions.hl7 mllp://127.0.0.1:2575",
        "vagus send --format json batch.hl7 mllp://127.0.0.1:2575",
        "vagus send booking.hl7 in/",
        "vagus map admissions.hl7 | vagus send - https://fhir.example.org/\\$process-message",
    )
)
@click.argument("file")
@click.argument("target")
@click.option(
    "--timeout", "patience", default=30.0, show_default=True, help="Seconds to wait for each reply."
)
@form()
def command(file: str, target: str, patience: float, form: str) -> int:
    """Send the messages of FILE to TARGET, one after the other, and print each reply.

    TARGET is mllp://HOST:PORT, an http:// or https:// address, or a folder. Exit code 1 when a
    message was not taken: a reply other than AA or CA, a status other than 2xx, or none in time.
    """
    found = list(reading.messages(reading.contents(file)))
    if not found:
        output.note(f"{file}: no message in it")
        return FINDINGS
    return asyncio.run(_send(found, target, patience, form))


async def _send(found: Sequence[reading.Found], target: str, patience: float, form: str) -> int:
    taken = 0
    try:
        async for answer in _answers(found, target, patience):
            taken += answer.taken
            _show(answer, form)
    except DeliveryError as error:
        output.note(f"error: {target}: {error.code} ({taken} of {len(found)} messages were taken)")
        return FINDINGS
    return CLEAN if taken == len(found) else FINDINGS


def _answers(found: Sequence[reading.Found], target: str, patience: float) -> AsyncIterator[Answer]:
    try:
        address = urlsplit(target)
        port = address.port
    except ValueError:
        raise click.UsageError("TARGET has no usable host and port") from None
    if address.scheme == "mllp":
        if not address.hostname or not port:
            raise click.UsageError("write TARGET as mllp://HOST:PORT")
        return _over_mllp(found, address.hostname, port, patience)
    if address.scheme in ("http", "https"):
        return _over_http(found, address, patience)
    if address.scheme and "://" in target:
        raise click.UsageError("TARGET is mllp://HOST:PORT, http(s)://… or a folder")
    if not Path(target).is_dir():
        raise click.UsageError(f"{target}: there is no such folder")
    return _into_folder(found, Path(target))


async def _over_mllp(
    found: Sequence[reading.Found], host: str, port: int, patience: float
) -> AsyncIterator[Answer]:
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        refused = isinstance(error, ConnectionRefusedError)
        raise DeliveryRejected("refused" if refused else "unreachable") from None
    framer = Framer(MAX_REPLY, lenient=True)
    try:
        for item in found:
            writer.write(frame(item.body))
            async with asyncio.timeout(patience):
                await writer.drain()
                body = await _reply(reader, framer)
            known = acknowledgement(body)
            code = known.code.decode("ascii", "replace") if known else "no-acknowledgement"
            yield Answer(code, code in ("AA", "CA"), body)
    except TimeoutError:
        raise DeliveryRejected("timeout") from None
    except ConnectionError:
        raise DeliveryRejected("dropped") from None
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader, framer: Framer) -> bytes:
    while True:
        data = await reader.read(1 << 16)
        if not data:
            raise DeliveryRejected("dropped")
        for piece in framer.feed(data):
            if not piece.damage:
                return piece.body


async def _over_http(
    found: Sequence[reading.Found], address: SplitResult, patience: float
) -> AsyncIterator[Answer]:
    limit = aiohttp.ClientTimeout(total=patience)
    try:
        async with aiohttp.ClientSession(timeout=limit) as session:
            for item in found:
                headers = {"Content-Type": _TYPES.get(item.format, "application/octet-stream")}
                async with session.post(
                    address.geturl(), data=item.body, headers=headers, allow_redirects=False
                ) as response:
                    body = await response.content.read(MAX_REPLY)
                    yield Answer(str(response.status), 200 <= response.status < 300, body)
    except aiohttp.InvalidURL:
        raise click.UsageError("TARGET is not a usable address") from None
    except TimeoutError:
        raise DeliveryRejected("timeout") from None
    except aiohttp.ClientConnectionError:
        raise DeliveryRejected("unreachable") from None
    except aiohttp.ClientError:
        raise DeliveryRejected("http-fault") from None


async def _into_folder(found: Sequence[reading.Found], folder: Path) -> AsyncIterator[Answer]:
    for item in found:
        yield Answer("written", True, os.fsencode(_write(item, folder)))


def _write(item: reading.Found, folder: Path) -> Path:
    """Put a message in the folder under a new name, whole or not at all."""
    suffix = _SUFFIXES.get(item.format, ".dat")
    number = item.number
    while True:
        path = folder / f"{number:06}{suffix}"
        if not path.exists():
            break
        number += 1
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_bytes(item.body)
    os.replace(unfinished, path)
    return path


def _show(answer: Answer, form: str) -> None:
    text = answer.body.decode("utf-8", "replace")
    if form == output.JSON:
        output.line({"code": answer.code, "taken": answer.taken, "reply": text})
        return
    output.say(f"{answer.code}:")
    for line in text.replace("\r\n", "\r").replace("\n", "\r").rstrip("\r").split("\r"):
        output.say("  " + output.text(line))
