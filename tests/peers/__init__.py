"""Peers that misbehave on purpose: a scripted one, an acknowledging one, a proxy for faults."""

from peers.acceptor import Acceptor, ack, adt
from peers.proxy import Proxy
from peers.recorder import Recorder, Taken, until
from peers.script import Peer, close, receive, send, wait

__all__ = [
    "Acceptor",
    "Peer",
    "Proxy",
    "Recorder",
    "Taken",
    "ack",
    "adt",
    "close",
    "receive",
    "send",
    "until",
    "wait",
]
