"""SNIP 3 of remittances (835): every line, every claim and the payment as a whole, to the cent.

Charge less adjustments is what is paid, for a line (SVC, CAS) and for a claim (CLP, its own CAS
and those of its lines, each once). The payment is the sum of the claims less the provider
adjustments (PLB). A reversal has every sign turned round and needs no rule of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from vagus.formats.x12.checks.money import Cents, adjusted, cents
from vagus.formats.x12.transaction import SetReader, Spot
from vagus.formats.x12.tree import Line, Loop
from vagus.formats.x12.values import at

SEGMENTS = ("BPR", "CLP", "CAS", "SVC", "PLB")
LOOPS = ("2100", "2110")
#: Where the patient's part need not be told: reversals, and estimates before treatment.
_NO_PATIENT_PART = ("22", "25")


@dataclass(slots=True)
class _Money:
    """What was charged and paid, and the adjustments between; `sound` when all are amounts."""

    spot: Spot
    charge: Cents
    paid: Cents
    sound: bool
    adjusted: Cents = 0

    def adjust(self, amount: Cents | None) -> None:
        self.sound = self.sound and amount is not None
        self.adjusted += amount or 0


@dataclass(slots=True)
class _Claim:
    money: _Money
    status: str
    patient: Cents | None  # CLP05, or None when it is left out
    lines: Cents = 0
    count: int = 0
    owed: Cents = 0  # by adjustments of group PR


class PaymentBalance:
    """Watches the money of one remittance."""

    def __init__(self, reader: SetReader) -> None:
        self._reader = reader
        self._element = reader.automaton.delimiters.element
        self._payment: tuple[Spot, Cents] | None = None
        self._total: Cents = 0
        self._is_sound = True
        self._claim: _Claim | None = None
        self._line: _Money | None = None

    def seen(self, line: Line, raw: str) -> None:
        """A segment that says something about money."""
        parts = raw.split(self._element)
        match line.id:
            case "BPR":
                amount = cents(at(parts, 2))
                self._payment = (self._reader.spot(line), amount) if amount is not None else None
            case "CLP":
                self._start(line, parts)
            case "SVC":
                self._line = self._money(line, at(parts, 2), at(parts, 3))
                if self._claim is not None:
                    self._claim.count += 1
                    self._claim.lines += self._line.charge
            case "CAS":
                self._adjust(line, parts)
            case "PLB":
                self._provider(parts)

    def _money(self, line: Line, charge: str, paid: str) -> _Money:
        amounts = cents(charge), cents(paid)
        sound = None not in amounts
        return _Money(self._reader.spot(line), amounts[0] or 0, amounts[1] or 0, sound)

    def _start(self, line: Line, parts: list[str]) -> None:
        patient = cents(at(parts, 5)) if at(parts, 5) else None
        money = self._money(line, at(parts, 3), at(parts, 4))
        self._claim = _Claim(money, at(parts, 2), patient)
        self._total += money.paid
        self._is_sound = self._is_sound and money.sound

    def _adjust(self, line: Line, parts: list[str]) -> None:
        amount = adjusted(parts)
        if line.loop.id == "2110" and self._line is not None:
            self._line.adjust(amount)
        if self._claim is not None:
            self._claim.money.adjust(amount)
            if at(parts, 1) == "PR":
                self._claim.owed += amount or 0

    def _provider(self, parts: list[str]) -> None:
        for number in range(4, len(parts), 2):
            amount = cents(parts[number]) if parts[number] else 0
            self._is_sound = self._is_sound and amount is not None
            self._total -= amount or 0

    def closed(self, loop: Loop) -> None:
        """A line or a claim is complete."""
        if loop.id == "2110" and self._line is not None:
            line, self._line = self._line, None
            if line.sound and line.charge - line.adjusted != line.paid:
                self._reader.report("line-balance", line.spot, 3, number="782")
        elif loop.id == "2100" and self._claim is not None:
            claim, self._claim = self._claim, None
            if claim.money.sound:
                self._balanced(claim)

    def _balanced(self, claim: _Claim) -> None:
        money = claim.money
        if money.charge - money.adjusted != money.paid:
            self._reader.report("paid-balance", money.spot, 4, number="782")
        if claim.count and claim.lines != money.charge:
            self._reader.report("charge-balance", money.spot, 3, number="782")
        told = claim.patient if claim.patient is not None else 0
        if claim.status not in _NO_PATIENT_PART and told != claim.owed:
            self._reader.report("patient-balance", money.spot, 5, number="782")

    def ended(self) -> None:
        """The whole payment is known."""
        if self._payment is not None and self._is_sound:
            spot, amount = self._payment
            if amount != self._total:
                self._reader.report("payment-balance", spot, 2, number="782")
