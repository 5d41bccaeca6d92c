"""Files of invented claims and remittances, each claim unlike the others, for benchmarks."""

from __future__ import annotations

import random
from collections.abc import Iterator

_NAMES = "ADAMS BAKER CLARK DAVIS EVANS FOSTER GRAY HILL IRWIN JONES KELLY LOPEZ MOORE".split()
_GIVEN = "ANN BEN CARA DAN EVE FRED GINA HUGO IRIS JACK KATE LEO MIA".split()
_CITIES = [
    ("DURHAM", "NC", "277013344"),
    ("AUSTIN", "TX", "787015566"),
    ("OMAHA", "NE", "681027788"),
]
_CODES = "99213 99214 85025 80053 36415 71046 93000 90686 20610 11730".split()
_DIAGNOSES = "E119 I10 J069 M545 R079 Z0000 E785 K219 N390 F411".split()


def claims(count: int, seed: int = 1) -> Iterator[bytes]:
    """An interchange of one 837P with so many claims, piece by piece."""
    rng = random.Random(seed)
    yield _open("HC", "837", "005010X222A1", "ST*837*0001*005010X222A1~")
    segments = [
        "BHT*0019*00*BATCH1*20260105*1030*CH",
        "NM1*41*2*RIVERSIDE CLINIC*****46*TGJ23",
        "PER*IC*BILLING OFFICE*TE*9195550100*EX*231",
        "NM1*40*2*CLEARING HOUSE*****46*66783JJT",
        "HL*1**20*1",
        "PRV*BI*PXC*203BF0100Y",
        "NM1*85*2*RIVERSIDE CLINIC*****XX*1234567893",
        "N3*5 MAIN STREET",
        "N4*DURHAM*NC*277012345",
        "REF*EI*587654321",
    ]
    level = 1
    total = len(segments) + 2
    yield _joined(segments)
    for number in range(1, count + 1):
        level += 1
        segments = list(_claim(rng, number, level))
        total += len(segments)
        yield _joined(segments)
    yield _close(f"SE*{total}*0001")


def _claim(rng: random.Random, number: int, level: int) -> Iterator[str]:
    city, state, code = rng.choice(_CITIES)
    yield f"HL*{level}*1*22*0"
    yield "SBR*P*18*GROUP7******CI"
    name, given = rng.choice(_NAMES), rng.choice(_GIVEN)
    yield f"NM1*IL*1*{name}*{given}****MI*{rng.randrange(10**9, 10**10)}"
    yield f"N3*{rng.randrange(1, 9999)} NORTH STREET"
    yield f"N4*{city}*{state}*{code}"
    born = f"{rng.randrange(1930, 2020)}{rng.randrange(1, 13):02}{rng.randrange(1, 28):02}"
    yield f"DMG*D8*{born}*{rng.choice('FM')}"
    yield "NM1*PR*2*EXAMPLE PAYER*****PI*99001"
    charges = [rng.randrange(1000, 90000) for _ in range(rng.randrange(1, 6))]
    yield f"CLM*C{number:07}*{_money(sum(charges))}***11:B:1*Y*A*Y*Y"
    yield f"REF*D9*{rng.randrange(10**10)}"
    chosen = rng.sample(_DIAGNOSES, rng.randrange(1, 4))
    yield "*".join(["HI", f"ABK:{chosen[0]}", *(f"ABF:{item}" for item in chosen[1:])])
    yield f"NM1*82*1*{rng.choice(_NAMES)}*{rng.choice(_GIVEN)}****XX*1234567893"
    yield "PRV*PE*PXC*204C00000X"
    day = f"202601{rng.randrange(1, 29):02}"
    for index, charge in enumerate(charges, 1):
        yield f"LX*{index}"
        yield f"SV1*HC:{rng.choice(_CODES)}*{_money(charge)}*UN*1***1"
        yield f"DTP*472*D8*{day}"
        yield f"REF*6R*L{number}X{index}"


def remittances(count: int, seed: int = 1) -> Iterator[bytes]:
    """An interchange of one 835 with so many claims, piece by piece."""
    rng = random.Random(seed)
    bodies, paid = [], 0
    for number in range(1, count + 1):
        segments, amount = _paid(rng, number)
        paid += amount
        bodies.append(segments)
    yield _open("HP", "835", "005010X221A1", "ST*835*0001~")
    segments = [
        f"BPR*I*{_money(paid)}*C*ACH*CCP*01*999999992*DA*123456*1512345678**01*999988880*DA*98*20260110",
        "TRN*1*12345*1512345678",
        "DTM*405*20260109",
        "N1*PR*EXAMPLE PAYER",
        "N3*1 PAYER PLACE",
        "N4*DURHAM*NC*27701",
        "PER*BL*TECHNICAL*TE*8005550101",
        "N1*PE*RIVERSIDE CLINIC*XX*1234567893",
        "LX*1",
    ]
    yield _joined(segments)
    for body in bodies:
        yield _joined(body)
    yield _close(f"SE*{len(segments) + 2 + sum(map(len, bodies))}*0001")


def _paid(rng: random.Random, number: int) -> tuple[list[str], int]:
    lines: list[str] = []
    charged = paid = owed = 0
    day = f"202601{rng.randrange(1, 29):02}"
    for index in range(1, rng.randrange(2, 6)):
        charge = rng.randrange(2000, 90000)
        off, part = rng.randrange(1, charge // 2), rng.randrange(1, charge // 4)
        charged, paid, owed = charged + charge, paid + charge - off - part, owed + part
        lines += [
            f"SVC*HC:{rng.choice(_CODES)}*{_money(charge)}*{_money(charge - off - part)}**1",
            f"DTM*472*{day}",
            f"CAS*CO*45*{_money(off)}",
            f"CAS*PR*2*{_money(part)}",
            f"REF*6R*L{number}X{index}",
            f"AMT*B6*{_money(charge - off)}",
        ]
    head = [
        f"CLP*C{number:07}*1*{_money(charged)}*{_money(paid)}*{_money(owed)}*12*P{number}*11*1",
        f"NM1*QC*1*{rng.choice(_NAMES)}*{rng.choice(_GIVEN)}****MI*{rng.randrange(10**9, 10**10)}",
        "NM1*82*1*HOUSE*GREG****XX*1234567893",
        f"DTM*232*{day}",
    ]
    return head + lines, paid


def _open(group: str, transaction: str, version: str, st: str) -> bytes:
    isa = (
        "ISA*00*          *00*          *ZZ*RIVERSIDE      *ZZ*PAYER          "
        "*260105*1030*^*00501*000000012*0*T*:~"
    )
    return f"{isa}GS*{group}*RIVERSIDE*PAYER*20260105*1030*7*X*{version}~{st}".encode()


def _close(se: str) -> bytes:
    return f"{se}~GE*1*7~IEA*1*000000012~".encode()


def _joined(segments: list[str]) -> bytes:
    return "".join(f"{segment}~" for segment in segments).encode()


def _money(cents: int) -> str:
    whole, part = divmod(cents, 100)
    return f"{whole}.{part:02}".rstrip("0").rstrip(".") if part else str(whole)
