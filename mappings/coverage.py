"""Writes what a block reads, for the account of what nobody reads (§10)."""

from __future__ import annotations

from mappings.session import Session

ALL_COMPONENTS = (1 << 32) - 1


def covers(
    session: Session,
    rows: tuple[str, str, bool] | None,
    field: int,
    component: int = 0,
    sub: int = 0,
) -> None:
    """Note that a block reads a field, for `ignored-but-read` and the account of losses."""
    if rows is None or not field:
        return
    session.covered.add((rows[1], field))
    if not session.flags.loss:
        return
    if session.flags.loss == "field":
        mask = 1 << field
    else:
        mask = (1 << (min(component, 31) or 1)) << (field * 32)
    session.block.covers[rows] = session.block.covers.get(rows, 0) | mask


def covers_rest(session: Session, rows: tuple[str, str, bool], start: int, most: int) -> None:
    """Note that a block reads a segment from a field on."""
    for field in range(start, most):
        if session.flags.loss == "component":
            mask = ALL_COMPONENTS << (field * 32)
            session.block.covers[rows] = session.block.covers.get(rows, 0) | mask
        else:
            covers(session, rows, field)
