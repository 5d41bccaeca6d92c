"""Socket settings by which a vanished MLLP peer is noticed."""

from __future__ import annotations

import asyncio
import socket

# Firewalls forget a silent connection after four to six minutes; these find out in two.
_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 10),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 6),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 120_000),
)


def tune(transport: asyncio.BaseTransport) -> None:
    """Send small frames at once and probe silent peers; what a platform lacks is left out."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    for level, name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is None:
            continue
        try:
            sock.setsockopt(level, option, value)
        except OSError:
            pass


def address(transport: asyncio.BaseTransport) -> str:
    """Where the peer connects from, as `host:port`."""
    peer = transport.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) and len(peer) > 1 else "unknown"
