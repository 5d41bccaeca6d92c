"""Clean X12 sets about invented people, and the interchange that encloses them."""

from __future__ import annotations

from collections.abc import Sequence

GROUPS = {
    "270": ("HS", "005010X279A1"),
    "271": ("HB", "005010X279A1"),
    "835": ("HP", "005010X221A1"),
}
#: Transactions whose ST does not name the version.
UNNAMED = ("835",)

BODIES = {
    "270": """
BHT*0022*13*TRACE-1*20260105*1030
HL*1**20*1
NM1*PR*2*EXAMPLE PAYER*****PI*99001
HL*2*1*21*1
NM1*1P*2*RIVERSIDE CLINIC*****XX*1234567893
REF*4A*000111222
N3*5 MAIN STREET*SUITE 2
N4*DURHAM*NC*27701
PRV*RF*PXC*207Q00000X
HL*3*2*22*0
TRN*1*93175*9877281234
NM1*IL*1*MARKED*JANE*Q***MI*11122333301
REF*6P*GROUP1
N3*15 ELM STREET
N4*DURHAM*NC*27701
DMG*D8*19800102*F
DTP*291*D8*20260105
EQ*30^98
""",
    "271": """
BHT*0022*11*TRACE-1*20260105*1031
HL*1**20*1
NM1*PR*2*EXAMPLE PAYER*****PI*99001
PER*IC*HELP DESK*TE*8005550100
HL*2*1*21*1
NM1*1P*2*RIVERSIDE CLINIC*****XX*1234567893
HL*3*2*22*1
TRN*2*93175*9877281234
NM1*IL*1*MARKED*JANE****MI*11122333301
N3*15 ELM STREET
N4*DURHAM*NC*27701
DMG*D8*19800102*F
INS*Y*18
DTP*346*D8*20260101
EB*1**30^98**GOLD PLAN
EB*C*IND*30***23*500.5
EB*B**98****20**VS*2*Y*Y
HSD*VS*12***22*1
REF*18*PLAN1
DTP*292*RD8*20260101-20261231
AAA*Y**62*C
MSG*ASK FOR THE CARD
III*ZZ*11
LS*2120
NM1*P3*1*HOUSE*GREG****XX*1234567893
N3*1 HOSPITAL ROAD
N4*DURHAM*NC*27701
PER*IC**TE*9195550100
PRV*PC*PXC*207Q00000X
LE*2120
HL*4*3*23*0
NM1*03*1*MARKED*TIM
DMG*D8*20150607*M
INS*N*19
EB*1**30
""",
    "835": """
BPR*I*160*C*ACH*CCP*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*20260110
TRN*1*12345*1512345678
REF*EV*RECEIVER1
DTM*405*20260109
N1*PR*EXAMPLE PAYER*XV*99001
N3*1 PAYER PLACE
N4*DURHAM*NC*27701
REF*2U*99001
PER*CX*CLAIMS*TE*8005550100
PER*BL*TECHNICAL*TE*8005550101
N1*PE*RIVERSIDE CLINIC*XX*1234567893
N3*5 MAIN STREET
N4*DURHAM*NC*27701
REF*TJ*123456789
LX*1
CLP*CLAIM-1*1*200*150*20*12*PAYER-CLAIM-1*11*1
CAS*CO*45*10
NM1*QC*1*MARKED*JANE****MI*11122333301
NM1*82*1*HOUSE*GREG****XX*1234567893
REF*EA*MEDREC1
DTM*232*20260102
AMT*AU*190
QTY*CA*1
SVC*HC:99213*120*90**1
DTM*472*20260102
CAS*PR*3*20
CAS*CO*45*10
REF*6R*LINE1
AMT*B6*110
LQ*HE*N1
SVC*HC:85025*80*70**1
DTM*472*20260102
CAS*CO*45*10
CLP*CLAIM-2*22*-50*-40**12*PAYER-CLAIM-2*11*1
CAS*CO*45*-10
NM1*QC*1*MARKED*TIM****MI*11122333302
CLP*CLAIM-2*1*50*45*0*12*PAYER-CLAIM-3*11*7
CAS*CO*45*5
NM1*QC*1*MARKED*TIM****MI*11122333302
PLB*1234567893*20261231*WO:CLAIM-9*5*L6:1*-10
""",
}


def lines(transaction: str) -> list[str]:
    """The segments of a clean set between ST and SE."""
    return BODIES[transaction].split("\n")[1:-1]


def st01(transaction: str) -> str:
    return transaction[:3]


def interchange(
    transaction: str, body: Sequence[str] | None = None, eol: str = "\n", copies: int = 1
) -> bytes:
    """An interchange with one group that holds a set, or so many copies of it."""
    group, version = GROUPS[transaction]
    body = lines(transaction) if body is None else body
    sets = []
    for number in range(1, copies + 1):
        control = f"{number:04}"
        named = "" if transaction in UNNAMED else f"*{version}"
        st = f"ST*{st01(transaction)}*{control}{named}"
        sets += [st, *body, f"SE*{len(body) + 2}*{control}"]
    segments = [
        "ISA*00*          *00*          *ZZ*RIVERSIDE      *ZZ*PAYER          "
        "*260105*1030*^*00501*000000012*0*T*:",
        f"GS*{group}*RIVERSIDE*PAYER*20260105*1030*7*X*{version}",
        *sets,
        f"GE*{copies}*7",
        "IEA*1*000000012",
    ]
    return "".join(f"{segment}~{eol}" for segment in segments).encode()
