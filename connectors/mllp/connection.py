"""One sender's connection: frames up to the receiver, replies back in the order of the frames."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import Protocol, cast

from connectors.mllp.framing import JUNK, TOO_LARGE, Framer, Piece, frame
from connectors.mllp.sockets import address, tune
from connectors.seam import Receiver, Reply
from connectors.tls import peer_name
from vagus.kernel.log import get_logger

log = get_logger(__name__)

_QUIET_SECONDS = 0.2
_LINGER_SECONDS = 3.0


class Listener(Protocol):
    """What a connection needs of the source it belongs to."""

    receiver: Receiver
    paused: bool
    pipeline: int
    ack_timeout: float
    patience: float
    frames: int
    damaged: int
    junk_bytes: int
    late: int

    def framer(self) -> Framer:
        """A framer for a new connection."""
        ...

    def joined(self, connection: Connection) -> bool:
        """Count a new connection in; False when there are too many."""
        ...

    def left(self, connection: Connection) -> None:
        """Forget a connection that has nothing left to hand over."""
        ...

    def owes(self, connection: Connection) -> None:
        """Have `flush` called once, at the end of this turn of the loop."""
        ...

    def begun(self, connection: Connection, *, restart: bool) -> None:
        """Run the clock of a frame that has begun; `restart` when it is a new one."""
        ...

    def unbegun(self, connection: Connection) -> None:
        """Stop that clock."""
        ...


class Slot:
    """The place of one frame in the row of replies; calling it answers the frame.

    Called again, it sends a message of its own, as enhanced acknowledgement has it (HL7 v2.5.1
    §2.9.3): once the answer to the frame is out, in no order with those of other frames.
    """

    __slots__ = ("arrived", "connection", "reply", "sent", "silent")

    def __init__(self, connection: Connection, arrived: float, *, silent: bool) -> None:
        self.connection = connection
        self.arrived = arrived
        self.silent = silent
        self.reply: Reply | None = None
        self.sent = False

    def __call__(self, reply: Reply) -> None:
        """Answer; of later calls only so many count as the answer said would follow."""
        first = self.reply
        if first is None:
            self.reply = reply
            self.connection.answered(self)
        elif first.follows:
            follows = first.follows - 1
            if self.sent:
                self.reply = replace(first, follows=follows)
                self.connection.follow(reply)
            else:
                more = first.more if reply.body is None else (*first.more, reply.body)
                self.reply = replace(first, more=more, follows=follows)


class Connection(asyncio.Protocol):
    """Reads while there is room for replies; writes each turn's replies at once."""

    __slots__ = (
        "_backlog",
        "_choked",
        "_closing",
        "_following",
        "_framer",
        "_gone",
        "_listener",
        "_loop",
        "_lost",
        "_patience",
        "_reading",
        "_slots",
        "_transport",
        "heard",
        "peer",
    )

    _transport: asyncio.Transport

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._loop = loop
        self._framer = listener.framer()
        self._slots: deque[Slot] = deque()
        self._backlog: deque[Piece] = deque()
        self._reading = True
        self._choked = False
        self._patience: asyncio.TimerHandle | None = None
        self._closing = False
        self._following = 0
        self._gone = True
        self._lost = False
        self.heard = loop.time()
        self.peer = ""

    @property
    def idle(self) -> bool:
        """Whether nothing is owed to the peer and nothing has begun."""
        return not (self._slots or self._backlog or self._following or self._framer.pending)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless the source has connections enough."""
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        tune(transport)
        self.peer = address(transport)
        if (tls := transport.get_extra_info("ssl_object")) and (name := peer_name(tls)):
            self.peer = f"{self.peer} {name}"
        if not self._listener.joined(self):
            self._closing = True
            transport.close()
            return
        self._gone = False
        self.steer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand over what had arrived; nobody is left to answer."""
        self._gone = self._lost = True
        self._slots.clear()
        self._listener.unbegun(self)
        self._forbear()
        if not self._closing:
            self._backlog += self._framer.finish()
        self.pump()

    def data_received(self, data: bytes) -> None:
        """Cut out the frames and hand over as many as may wait for replies."""
        self.heard = self._loop.time()
        if self._closing:
            return
        framer = self._framer
        pieces = framer.feed(data)
        if pieces:
            self._backlog += pieces
        if framer.pending:
            self._listener.begun(self, restart=bool(pieces))
        else:
            self._listener.unbegun(self)
        if framer.ended:
            self._closing = True
        if pieces:
            self.pump()

    def eof_received(self) -> bool:
        """Answer what is still owed before closing; TLS cannot stay half open."""
        self.end()
        return not self._gone and self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """The peer does not take its replies: read nothing more, and wait only so long."""
        self._choked = True
        self._patience = self._loop.call_later(self._listener.patience, self.abort)
        self.steer()

    def resume_writing(self) -> None:
        """The peer takes its replies again."""
        self._choked = False
        self._forbear()
        self.steer()

    def pump(self) -> None:
        """Hand over what was read, as far as there is room."""
        listener, backlog, slots = self._listener, self._backlog, self._slots
        while backlog and not listener.paused and len(slots) < listener.pipeline:
            self._hand(backlog.popleft())
        if self._lost:
            if not backlog:
                listener.left(self)
            return
        self.steer()
        self._close_when_done()

    def steer(self) -> None:
        """Read from the peer, or do not, as things stand."""
        if self._gone:
            return
        reading = not (
            self._listener.paused
            or self._choked
            or self._closing
            or self._backlog
            or len(self._slots) >= self._listener.pipeline
        )
        if reading is self._reading:
            return
        self._reading = reading
        if reading:
            self._transport.resume_reading()
            if self._framer.pending:
                self._listener.begun(self, restart=True)
        else:
            self._transport.pause_reading()
            self._listener.unbegun(self)

    def answered(self, slot: Slot) -> None:
        """Note that a frame has its reply; it is sent once those before it are."""
        if self._slots and self._slots[0] is slot:
            self._listener.owes(self)

    def flush(self) -> None:
        """Write every reply whose turn has come, in one go."""
        slots = self._slots
        parts: list[bytes] = []
        close = False
        while slots and not close and (reply := slots[0].reply) is not None:
            slot = slots.popleft()
            if self._is_late(slot):
                close = True
                break
            slot.sent = True
            self._following += reply.follows
            if not slot.silent:
                if reply.body is not None:
                    parts.append(frame(reply.body))
                parts += map(frame, reply.more)
            close = reply.close
        if self._gone:
            return
        if parts:
            self._transport.write(b"".join(parts))
        if close:
            self.drop()
        elif self._backlog:
            self.pump()
        else:
            self.steer()
            self._close_when_done()

    def follow(self, reply: Reply) -> None:
        """Send a message of its own that follows an answer."""
        self._following -= 1
        if self._gone:
            return
        if reply.body is not None:
            self._transport.write(frame(reply.body))
        self._close_when_done()

    def end(self) -> None:
        """Read no more; close once everything that arrived is answered."""
        if not self._closing:
            self._closing = True
            self._backlog += self._framer.finish()
        self.pump()

    def drain(self) -> None:
        """Take nothing more, not even what is half here; close once all is answered."""
        self._closing = True
        self._backlog.clear()
        self.pump()

    def drop(self) -> None:
        """Close; what was written before still reaches the peer.

        A socket closed while bytes lie unread in it is reset, and the reset takes the replies
        with it that the peer has not read yet. So say the end first and read into nothing.
        """
        self._shut()
        transport = self._transport
        if not self._reading:
            self._reading = True
            transport.resume_reading()
        if transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                transport.close()
        self.heard = self._loop.time()
        self._loop.call_later(_QUIET_SECONDS, self._linger, self.heard + _LINGER_SECONDS)

    def abort(self) -> None:
        """Close now, whatever is still unsent."""
        self._shut()
        self._transport.abort()

    def _linger(self, until: float) -> None:
        now = self._loop.time()
        unsent = self._transport.get_write_buffer_size()
        if self._lost or now >= until:
            self._transport.abort()
        elif unsent or now - self.heard < _QUIET_SECONDS:
            self._loop.call_later(_QUIET_SECONDS, self._linger, until)
        else:
            self._transport.close()

    def _forbear(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _shut(self) -> None:
        self._closing = self._gone = True
        self._slots.clear()
        self._backlog.clear()
        self._listener.unbegun(self)

    def _hand(self, piece: Piece) -> None:
        listener = self._listener
        arrived = self._loop.time() if listener.ack_timeout else 0.0
        # A refusal of bytes that were no frame would be taken for the reply to the next one.
        silent = bool(piece.damage) and piece.damage != TOO_LARGE
        slot = Slot(self, arrived, silent=silent)
        if not self._gone:
            self._slots.append(slot)
        if piece.damage == JUNK:
            listener.junk_bytes += len(piece.body)
        if piece.damage:
            listener.damaged += 1
        else:
            listener.frames += 1
        try:
            listener.receiver.receive(piece.body, self.peer, slot, piece.damage)
        except Exception as error:
            # Never the exception itself: its text or its frames may hold the message.
            log.error("receive_failed", connector="mllp", error=type(error).__name__)  # noqa: TRY400
            if not self._gone:
                self.abort()

    def _is_late(self, slot: Slot) -> bool:
        limit = self._listener.ack_timeout
        if not limit or self._loop.time() - slot.arrived <= limit:
            return False
        self._listener.late += 1
        return True

    def _close_when_done(self) -> None:
        owed = self._slots or self._backlog or self._following
        if self._closing and not self._gone and not owed:
            self.drop()
