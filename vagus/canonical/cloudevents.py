"""The attributes of a canonical event on the wire: CloudEvents 1.0 in the headers of AMQP.

The names carry the prefix of the AMQP protocol binding (CloudEvents 1.0.2, AMQP §3.1.3.1), the
data content type is the content type of the message. Nothing in them is about a patient: ids are
times and counters, lanes are keyed hashes, all else are words of the configuration.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from vagus.canonical.events import cloud_type

PREFIX = "cloudEvents:"
#: What the sealed data is, once opened.
DATA_TYPE = "application/fhir+json"
SCHEMA = "http://hl7.org/fhir/4.0/StructureDefinition/Bundle"
LANES = "vagus-lanes"
CAUSE = "vagus-cause"


def headers(
    *, id: str, source: str, event: str, unix_ms: int, lanes: Sequence[bytes], cause: str = ""
) -> dict[str, str]:
    """The headers of one event; `unix_ms` is when its message was accepted.

    `lanes` are opaque tokens. The first is the partition key; when there are several, as for the
    merge of two patients, a header of ours names all. `cause` is the id of the event it follows.
    """
    tokens = [lane_text(lane) for lane in lanes]
    found = {
        f"{PREFIX}specversion": "1.0",
        f"{PREFIX}id": id,
        f"{PREFIX}source": source,
        f"{PREFIX}type": cloud_type(event),
        f"{PREFIX}time": instant(unix_ms),
        f"{PREFIX}dataschema": SCHEMA,
    }
    if tokens:
        found[f"{PREFIX}partitionkey"] = tokens[0]
    if len(tokens) > 1:
        found[LANES] = " ".join(tokens)
    if cause:
        found[CAUSE] = cause
    return found


def content_type(id: str, event: str) -> str:
    """The content type inside the encryption: it binds the data to its event."""
    return f"{DATA_TYPE};id={id};type={cloud_type(event)}"


def lane_text(lane: bytes) -> str:
    """An opaque lane token as it stands in headers."""
    return urlsafe_b64encode(lane).rstrip(b"=").decode()


def lane_of(text: str) -> bytes:
    """The opaque lane token behind its text; ValueError when it is none."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def instant(unix_ms: int) -> str:
    """A time in RFC 3339, which is a FHIR instant too."""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"
