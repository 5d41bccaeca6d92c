"""What reading HL7 v2 costs, beside a bare `str.split` loop over the same message.

    python tests/benchmarks/bench_hl7v2.py [ROUNDS]

Prints one line per step: microseconds (median of the rounds) and the ratio to the bare loop.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from vagus.formats.format import Answer, Stage, Terms, Verdict
from vagus.formats.hl7v2 import HL7V2
from vagus.formats.hl7v2.message import getter

MESSAGE = (
    b"MSH|^~\\&|EHR|MERCY|VAGUS|HUB|20260102030405-0500||ADT^A01^ADT_A01|C0000001|P|2.5.1|||AL|NE\r"
    b"EVN|A01|20260102030405|||1234567893^House^Greg^^^^MD^^NPI|20260102030000\r"
    b"PID|1||10032702^^^MERCY&1.2.3.4.5&ISO^MR~999-12-3456^^^USSSA&2.16.840.1.113883.4.1&ISO^SS||"
    b"Everywoman^Eve^L^^Mrs^^L~Maiden^Eve^^^^^M|Mother^Anne^^^^^M|19700601|F||2106-3^White^HL70005|"
    b"1000 House Lane^Apt 4^Ann Arbor^MI^48104^USA^H~PO Box 12^^Ann Arbor^MI^48104^USA^M|"
    b"WASHTENAW|^PRN^PH^^1^734^5551212~^NET^Internet^eve@example.org|^WPN^PH^^1^734^5553434|"
    b"en^English^ISO639|M^Married^HL70002|CHR|ACC-778899^^^MERCY^AN|999123456||||Ann Arbor||||||N\r"
    b"PD1|||MERCY CLINIC^^1234^^^^XX|4444^Primary^Care^^^^MD^^NPI\r"
    b"NK1|1|Everyman^Adam^^^^^L|SPO^Spouse^HL70063|1000 House Lane^^Ann Arbor^MI^48104^USA|"
    b"^PRN^PH^^1^734^5551313||EC^Emergency^HL70131\r"
    b"PV1|1|I|W389^1^A^MERCY^^N^MAIN|E|||5555^Attend^Ann^^^^MD^^NPI|6666^Refer^Rob^^^^MD^^NPI|"
    b"7777^Consult^Cora^^^^MD^^NPI|MED||||7|||5555^Attend^Ann^^^^MD^^NPI|IP|V-20260102-1^^^MERCY^VN|"
    b"||||||||||||||||||||||||20260102030000\r"
    b"PV2|||R07.9^Chest pain^I10|||||20260105|3|||||||||||||N\r"
    b"AL1|1|DA^Drug^HL70127|7980^Penicillin^RXNORM|SV|Hives|20100101\r"
    b"DG1|1||R07.9^Chest pain, unspecified^I10||20260102|A\r"
    b"GT1|1|G100^^^MERCY|Everywoman^Eve^L||1000 House Lane^^Ann Arbor^MI^48104|^PRN^PH^^1^734\r"
    b"IN1|1|PPO^Preferred^99PLAN|60054^^^NAIC|ACME|PO Box 1^^Lansing^MI^48901|||GRP-1|Group||"
    b"|20260101|20261231||PPO|Everywoman^Eve^L|SEL^Self^HL70063|19700601|1 House Lane^^Detroit^MI|"
    b"Y||1||||||||||||||POL-123456|||||||F||||||MEM-98765^^^ACME^MB\r"
    b"IN2|1|999123456||||||||||||||||||||||||||||||||||||||||||||||||||||||||||MEM-98765\r"
    b"IN1|2|HMO^Basic^99PLAN|73288^^^NAIC|UNITY|PO Box 9^^Flint^MI^48501|||GRP-2|Group|||20260101|"
    b"20261231||HMO|Everyman^Adam^L|SPO^Spouse^HL70063|19680401|1 House Ln^^Detroit^MI|Y||2|||||||"
    b"|||||||POL-654321|||||||M||||||MEM-12345^^^UNITY^MB\r"
    b"IN2|2|999654321||||||||||||||||||||||||||||||||||||||||||||||||||||||||||MEM-12345\r"
)
PATHS = (
    "MSH-3 MSH-4 MSH-9.1 MSH-9.2 MSH-10 EVN-2 PID-3.1 PID-3.4.1 PID-3(2).1 PID-5.1 PID-5.2 PID-7"
    " PID-8 PID-11.1 PID-11.3 PID-11.4 PID-11.5 PID-13.7 PID-18.1 PV1-2 PV1-3.1 PV1-7.1 PV1-7.2"
    " PV1-19.1 PV1-44 NK1-2.1 AL1-3.1 DG1-3.1 IN1-3.1 IN1-49.1"
).split()


def main(rounds: int) -> None:
    """Measure every step and print it."""
    hl7, terms = HL7V2(), Terms()
    readers = [getter(path) for path in PATHS]
    message = hl7.decode(MESSAGE, terms)
    missing = [path for path in PATHS if not message.get(path)]
    if missing:
        raise SystemExit(f"the benchmark's message lacks {missing}")
    accepted = Answer(Verdict.ACCEPTED)

    def bare() -> None:
        [line.split("|") for line in MESSAGE.decode().split("\r")]

    def read() -> None:
        decoded = hl7.decode(MESSAGE, terms)
        for reader in readers:
            reader(decoded)

    steps: dict[str, Callable[[], object]] = {
        "bare split loop": bare,
        "split the frame": lambda: hl7.split(MESSAGE),
        "decode": lambda: hl7.decode(MESSAGE, terms),
        "decode + 30 reads": read,
        "objection": lambda: hl7.objection(message, terms),
        "check": lambda: hl7.check(message),
        "lane keys": lambda: hl7.lane_keys(message),
        "reply": lambda: hl7.reply(MESSAGE, message, accepted, Stage.STORED, "R1", 0.0),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(_microseconds(step))
    base = statistics.median(times["bare split loop"])
    sys.stdout.write(f"ADT^A01 of {len(MESSAGE)} bytes\n")
    for name, found in times.items():
        median = statistics.median(found)
        spread = f"[{min(found):.1f}..{max(found):.1f}]"
        sys.stdout.write(f"{name:20} {median:7.1f} us {spread:16} x{median / base:.2f}\n")


def _microseconds(step: Callable[[], object], times: int = 300) -> float:
    start = time.perf_counter()
    for _ in range(times):
        step()
    return (time.perf_counter() - start) / times * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
