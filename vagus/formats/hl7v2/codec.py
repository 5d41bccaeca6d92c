"""HL7 v2 as the rest of the engine sees it: one `Format`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from vagus.formats.finding import Finding
from vagus.formats.format import Answer, Stage, Terms
from vagus.formats.hl7v2 import acks, batch, divide, lanes, objections, reader, writer
from vagus.formats.hl7v2.checks import check
from vagus.formats.hl7v2.checks.profile import NONE, Profile
from vagus.formats.hl7v2.checks.strict import check as strict_check
from vagus.formats.hl7v2.message import Message
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.strictyaml import Fields


class HL7V2:
    """The wire format HL7 v2 in its ER7 encoding; holds no state."""

    name = "hl7v2"

    def split(self, frame: bytes) -> Sequence[bytes]:
        """The messages of one frame or file, batches opened; raises DecodeError."""
        return batch.split(frame)

    def decode(self, body: bytes, terms: Terms) -> Message:
        """The message, cut into segments and fields; raises DecodeError."""
        return reader.decode(body, terms)

    def objection(self, message: Message, terms: Terms) -> Answer | None:
        """Why the endpoint cannot take the message, or None."""
        return objections.objection(message, terms)

    def refusal(self, error: Exception) -> Answer:
        """The answer owed for bytes whose decoding raised that error."""
        return objections.refusal(error)

    def check(
        self, message: Message, profile: Profile | None = None, *, strict: bool = False
    ) -> Sequence[Finding]:
        """What in a message breaks the standard or a profile; with hl7apy's opinion if strict."""
        found = check.check(message, profile or NONE)
        return [*found, *strict_check(message)] if strict else found

    def profile(self, node: Fields, diagnostics: Diagnostics) -> Profile | None:
        """The profile of a document; what is wrong with it becomes diagnostics."""
        # Settings take long to import, and most verbs read none.
        reader = importlib.import_module("vagus.formats.hl7v2.checks.profile_file")
        found: Profile | None = reader.read(node, diagnostics)
        return found

    def unreadable(self, error: Exception) -> Finding:
        """What is wrong with bytes whose splitting or decoding raised that error."""
        return check.unreadable(error)

    def divide(self, message: Message, name: str) -> Sequence[Message]:
        """One message for each occurrence of a segment or group."""
        return divide.divide(message, name)

    def compose(self, segments: Sequence[writer.Segment]) -> bytes:
        """The bytes of plain values, escaped; raises MessageError with a place."""
        return writer.write(segments)

    def parts(self) -> Sequence[str]:
        """Every segment, and every group of every structure."""
        return divide.names()

    def encode(self, message: Message) -> bytes:
        """The bytes of a message in its own delimiters and character set."""
        return divide.encode(message)

    def lane_keys(self, message: Message) -> tuple[str, ...]:
        """The patients the message is about; empty when it names none."""
        return lanes.lane_keys(message)

    def stages(self, message: Message) -> frozenset[Stage] | None:
        """The stages at which the message asks for an acknowledgement; None in original mode."""
        return acks.stages(message)

    def reply(
        self,
        body: bytes,
        message: Message | None,
        answer: Answer,
        stage: Stage,
        control: str,
        now: float,
    ) -> bytes | None:
        """The acknowledgement owed at this stage, or None when none is owed."""
        return acks.reply(body, message, answer, stage, control, now)
