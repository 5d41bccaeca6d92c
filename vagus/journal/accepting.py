"""First durable point of a message's life: what arrived is written with its body and its reply."""

from __future__ import annotations

from vagus.journal import seals
from vagus.journal.dedupe import Dedupe, Verdict
from vagus.journal.entries import Accept, Replied
from vagus.journal.share import Share, clean
from vagus.journal.statements import QUERIES
from vagus.journal.tokens import Tokens

_INSERT_MESSAGE, _INSERT_BODY = QUERIES["insert_message"], QUERIES["insert_body"]
_REPLY = QUERIES["set_reply"]
_TOP = 1 << 63


def accept(share: Share, entries: list[Accept], dedupe: Dedupe, tokens: Tokens) -> None:
    """Store what is new; tell duplicates which message they repeat."""
    messages, bodies, reused = [], [], []
    arrived: dict[int, int] = {}
    vault, n = share.day.vault, share.n
    for entry in entries:
        control = tokens.stored(entry.endpoint, clean(entry.control))
        sender = ((entry.sender & (1 << 64) - 1) ^ _TOP) - _TOP
        if entry.dedupe and control:
            verdict = dedupe.judge(entry, control, sender, share.day)
            if verdict is Verdict.DUPLICATE:
                share.count("duplicates", entry.endpoint, 1)
                continue
            if verdict is Verdict.REUSED:
                entry.reused = True
                reused.append(entry)
        message, endpoint, kind, subject = entry.id, entry.endpoint, entry.type, entry.subject
        if not kind.isascii():
            kind = clean(kind)
        reply = vault.seal_reply(message, endpoint, entry.reply)
        cause, override = entry.cause, entry.override
        messages.append(
            (
                message,
                endpoint,
                kind,
                control,
                subject,
                sender,
                entry.hash,
                reply,
                cause,
                override,
                n,
            )
        )
        bodies.append((message, vault.seal(message, endpoint, entry.body)))
        record = (message, endpoint, kind, control, subject, sender, entry.hash, cause, override)
        share.accepts.append(((message,), seals.accepted(record)))
        arrived[endpoint] = arrived.get(endpoint, 0) + 1
    share.con.executemany(_INSERT_MESSAGE, messages)
    share.con.executemany(_INSERT_BODY, bodies)
    for endpoint, count in arrived.items():
        share.count("accepted", endpoint, count)
        share.count("pending", endpoint, count)
    for entry in reused:
        share.event(entry.id, "CONTROL_ID_REUSED", "engine", "")


def answer(share: Share, entries: list[Replied]) -> None:
    """Keep replies that were made later than at acceptance."""
    rows = []
    for entry in entries:
        tally = share.tally(entry.id)
        if tally is None:
            share.ignored += 1
        else:
            rows.append((share.day.vault.seal_reply(entry.id, tally[0], entry.reply), entry.id))
    share.con.executemany(_REPLY, rows)
