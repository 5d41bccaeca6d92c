"""SNIP 3 of claims (837): charges of the lines and the claim; what other payers have decided.

A claim's charge is the sum of its lines'. For another payer, charge less adjustments is what it
paid: for a line by SVD and its CAS, for the claim by AMT*D and every CAS of that payer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from vagus.formats.x12.checks.money import Cents, adjusted, cents
from vagus.formats.x12.transaction import SetReader, Spot
from vagus.formats.x12.tree import Line, Loop
from vagus.formats.x12.values import at

SEGMENTS = ("CLM", "SV1", "SV2", "SV3", "SBR", "CAS", "AMT", "NM1", "SVD")
LOOPS = ("2300", "2430")
_CHARGE = {"SV1": 2, "SV2": 3, "SV3": 2}


@dataclass(slots=True)
class _Payer:
    spot: Spot
    id: str = ""
    adjusted: Cents | None = 0
    paid: Cents | None = None


@dataclass(slots=True)
class _Decision:
    """What another payer decided about a line."""

    spot: Spot
    payer: str
    paid: Cents | None
    adjusted: Cents | None = 0


@dataclass(slots=True)
class _Claim:
    spot: Spot
    charge: Cents | None
    lines: Cents | None = 0
    count: int = 0
    payers: list[_Payer] = field(default_factory=list)
    adjusted: dict[str, Cents] = field(default_factory=lambda: defaultdict(int))


class ClaimBalance:
    """Watches the money of the claims of one set."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader
        self._element = reader.automaton.delimiters.element
        self._claim: _Claim | None = None
        self._charge: Cents | None = None  # of the line being read
        self._decision: _Decision | None = None

    def seen(self, line: Line, raw: str) -> None:
        """A segment that says something about money, or whose."""
        name, loop = line.id, line.loop.id
        if name in ("NM1", "SBR", "AMT") and loop not in ("2320", "2330B"):
            return
        parts = raw.split(self._element)
        if name == "CLM":
            charge = cents(at(parts, 2))
            self._claim = _Claim(self._reader.spot(line), charge)
        elif self._claim is not None:
            self._within(self._claim, line, name, loop, parts)

    def _within(self, claim: _Claim, line: Line, name: str, loop: str, parts: list[str]) -> None:
        if name in _CHARGE:
            self._charge = cents(at(parts, _CHARGE[name]))
            claim.count += 1
            claim.lines = _sum(claim.lines, self._charge)
        elif name == "SBR":
            claim.payers.append(_Payer(self._reader.spot(line)))
        elif name == "SVD":
            paid = cents(at(parts, 2))
            self._decision = _Decision(self._reader.spot(line), at(parts, 1), paid)
        elif name == "CAS" and loop == "2430" and self._decision:
            self._decision.adjusted = _sum(self._decision.adjusted, adjusted(parts))
        elif claim.payers:
            self._of_payer(claim.payers[-1], name, parts)

    def _of_payer(self, payer: _Payer, name: str, parts: list[str]) -> None:
        if name == "CAS":
            payer.adjusted = _sum(payer.adjusted, adjusted(parts))
        elif name == "AMT" and at(parts, 1) == "D":
            payer.paid = cents(at(parts, 2))
        elif name == "NM1" and at(parts, 1) == "PR":
            payer.id = at(parts, 9)

    def closed(self, loop: Loop) -> None:
        """A line's decision, or a claim, is complete."""
        if loop.id == "2430":
            self._decided()
        elif loop.id == "2300" and self._claim is not None:
            claim, self._claim = self._claim, None
            self._balanced(claim)

    def _decided(self) -> None:
        decision, self._decision = self._decision, None
        if decision is None or self._claim is None:
            return
        charge, paid, less = self._charge, decision.paid, decision.adjusted
        if charge is None or paid is None or less is None:
            return
        self._claim.adjusted[decision.payer] += less
        if charge - less != paid:
            self._reader.report("line-balance", decision.spot, 2, number="782")

    def _balanced(self, claim: _Claim) -> None:
        charge = claim.charge
        if charge is None:
            return
        if claim.count and claim.lines is not None and claim.lines != charge:
            self._reader.report("claim-balance", claim.spot, 2, number="782")
        for payer in claim.payers:
            if payer.paid is None or payer.adjusted is None:
                continue
            if charge - payer.adjusted - claim.adjusted[payer.id] != payer.paid:
                self._reader.report("payer-balance", payer.spot)


def _sum(total: Cents | None, amount: Cents | None) -> Cents | None:
    """A sum is unknown once a part of it is."""
    return None if total is None or amount is None else total + amount
