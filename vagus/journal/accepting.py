"""First durable point of a message's life: what arrived is written with its body and its reply."""

from __future__ import annotations

from vagus.journal import seals
from vagus.journal.day import Who
from vagus.journal.dedupe import Dedupe, Verdict
from vagus.journal.entries import Accept, Replied
from vagus.journal.share import Share, clean
from vagus.journal.statements import QUERIES
from vagus.journal.tokens import Tokens

_INSERT_MESSAGE, _INSERT_BODY = QUERIES["insert_message"], QUERIES["insert_body"]
_REPLY = QUERIES["set_reply"]
_TOP = 1 << 63
_TYPE = 120  # characters of a message type; more is none, and no index could hold it


def accept(share: Share, entries: list[Accept], dedupe: Dedupe, tokens: Tokens) -> None:
    """Store what is new; tell duplicates which message they repeat."""
    messages, bodies, reused = [], [], []
    arrived: dict[int, int] = {}
    vault, n = share.day.vault, share.n
    known = [(entry, _who(entry, tokens)) for entry in entries]
    dedupe.expect([item for item in known if item[0].dedupe and item[1][2]], share.day)
    for entry, who in known:
        _, sender, control = who
        if entry.dedupe and control:
            verdict = dedupe.judge(entry, who, share.day)
            if verdict is Verdict.DUPLICATE:
                share.count("duplicates", entry.endpoint, 1)
                continue
            if verdict is Verdict.REUSED:
                entry.reused = True
                reused.append(entry)
        message, endpoint, kind, subject = entry.id, entry.endpoint, entry.type, entry.subject
        kind = clean(kind)[:_TYPE]
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
    share.day.many(_INSERT_MESSAGE, messages)
    share.day.many(_INSERT_BODY, bodies)
    for endpoint, count in arrived.items():
        share.count("accepted", endpoint, count)
        share.count("pending", endpoint, count)
    for entry in reused:
        share.event(entry.id, "CONTROL_ID_REUSED", "engine", "")


def _who(entry: Accept, tokens: Tokens) -> Who:
    sender = ((entry.sender & (1 << 64) - 1) ^ _TOP) - _TOP
    return entry.endpoint, sender, tokens.stored(entry.endpoint, clean(entry.control))


def answer(share: Share, entries: list[Replied]) -> None:
    """Keep replies that were made later than at acceptance."""
    rows = []
    for entry in entries:
        tally = share.tally(entry.id)
        if tally is None:
            share.ignored += 1
        else:
            rows.append((share.day.vault.seal_reply(entry.id, tally[0], entry.reply), entry.id))
    share.day.many(_REPLY, rows)
