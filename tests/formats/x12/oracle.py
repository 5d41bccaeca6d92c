"""What pyx12 says of a file, and why we may say otherwise: each difference has a reason here."""

from __future__ import annotations

import io
import json
import logging

import pyx12.errors
import pyx12.params
import pyx12.x12n_document

from vagus.formats.x12.findings import KINDS, Finding

#: Its code sets are of another year; ours are the user's.
_EXTERNAL = (
    "states country currency taxonomy pos remark_code claim_status claim_status_cat entity_id"
)

#: A fault as (segment, code) or (segment, element, component, code); codes of the 999.
Fault = tuple[str, str] | tuple[str, int, int, str]


def faults(data: bytes) -> list[set[Fault]]:
    """The faults of each set in order, as pyx12 finds them; raises what it raises."""
    params = pyx12.params.ParamsBase()
    params.set("exclude_external_codes", ",".join(_EXTERNAL.split()))
    out = io.StringIO()
    logging.getLogger("pyx12").setLevel(logging.CRITICAL + 1)
    text = io.StringIO(data.decode("latin-1"))
    pyx12.x12n_document.x12n_document(params, text, None, None, fd_json=out)
    found: list[set[Fault]] = []
    for interchange in json.loads(out.getvalue() or '{"interchanges": []}')["interchanges"]:
        for group in interchange["groups"]:
            for item in group["transactions"]:
                here: set[Fault] = {("ST", error["err_cde"]) for error in item["errors"]}
                for segment in item["segments"]:
                    here |= _of_segment(segment)
                found.append(here)
    return found


def _of_segment(segment: dict) -> set[Fault]:
    name = segment["seg_id"]
    found: set[Fault] = {(name, error["err_cde"]) for error in segment["errors"]}
    for item in segment["elements"]:
        place = (name, item["ele_pos"], int(item["subele_pos"] or 0))
        found.update((*place, error["err_cde"]) for error in item["errors"])
    return found


def ours(findings: list[Finding]) -> set[Fault]:
    """Our findings in the same form."""
    found: set[Fault] = set()
    for item in findings:
        kind = KINDS[item.kind]
        if kind.element:
            found.add((item.segment, item.element, item.component, kind.element))
        elif kind.segment:
            found.add((item.segment, kind.segment))
        elif kind.set:
            found.add(("ST", kind.set))
    return found


def reason(fault: Fault, found: set[Fault]) -> str:
    """Why we do not say what pyx12 says, given what we do say; '' for no reason."""
    name, code = fault[0], str(fault[-1])
    of_segment = {str(item[-1]) for item in found if item[0] == name and len(item) == 2}
    of_elements = {str(item[-1]) for item in found if item[0] == name and len(item) == 4}
    if len(fault) == 4:
        return _of_element(fault, code, found, of_segment)
    if code in ("HL1", "HL2"):
        return "HL numbers have codes of its own" if "7" in of_elements or found else ""
    if code == "SEG1":
        return "separators at the end are a note to us"
    if code == "LX" and ("LX", 1, 0, "7") in found:
        return "LX numbers have a code of its own"
    if fault == ("STC", "3"):
        return "its map of 277CA wants STC in 2200C, which published examples leave out"
    if code == "8" and of_elements & {"1", "2", "3", "I10"}:
        return "faults between elements are told of the segment only"
    if code == "8" and of_segment & {"8"}:
        return ""
    if code == "1" and of_segment & {"6", "7"}:
        return "not in the set, or too late, is unknown to it"
    if code in ("1", "3") and of_elements:
        return "a segment whose first code is wrong is unknown to it, and missing"
    if code in ("1", "3", "5", "8") and any(_loses_place(item) for item in found):
        return "after a segment it does not know it does not find its place again"
    return ""


def _loses_place(fault: Fault) -> bool:
    if len(fault) == 4:
        return fault[1] == 1
    return str(fault[1]) in ("3", "7", "8")


def _of_element(fault: Fault, code: str, found: set[Fault], of_segment: set[str]) -> str:
    name, element = fault[0], fault[1]
    here = {str(item[-1]) for item in found if item[:2] == (name, element) and len(item) == 4}
    if code == "6" and "13" in here:
        return "it has no code 13"
    if "12" in here:
        return "it does not cut repetitions"
    if code == "10" and "I10" in here:
        return "not used is 10 to it"
    if code in ("7", "8", "9") and here:
        return "it tells a second fault of the same value"
    if code == "1" and "8" in of_segment:
        return "an empty segment is told once"
    if (name, element, code) == ("PWK", 2, "7") and not here:
        return "it takes the certificate of a line for an attachment"
    if (name, element, code) == ("STC", 2, "1"):
        return "its map of 277CA wants a date on lines, which the guide leaves out"
    return ""
