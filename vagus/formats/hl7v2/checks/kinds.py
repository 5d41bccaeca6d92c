"""Every kind of finding: its code, how bad it is, its level, its code of table 0357, its text."""

from __future__ import annotations

from typing import NamedTuple

from vagus.formats.finding import Finding, Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
ENCODING, STRUCTURE, TYPES, TABLES, SITE, STRICT = 1, 2, 3, 4, 5, 6


class Kind(NamedTuple):
    """What all findings of a code share; the text may name what it is `about`."""

    severity: Severity
    level: int
    standard: str
    text: str


#: What makes bytes unreadable; the codes are those of the DecodeError.
_UNREADABLE = {
    "no-msh": ("100", "it does not begin with an MSH segment"),
    "separators": ("102", "the delimiters declared in MSH-1 and MSH-2 cannot be used"),
    "charset": ("102", "the bytes are not in the character set that MSH-18 names"),
    "segment-name": (
        "100",
        "a line is no segment; most often an unescaped line end inside a field",
    ),
    "several-messages": ("100", "a header stands inside another message"),
    "too-many-fields": ("104", "it has more fields than any real message"),
    "batch": ("100", "segments stand outside any message of the batch"),
    "unreadable": ("207", "it cannot be read as HL7 v2"),
    "batch-count": ("100", "the trailer counts otherwise than what is there"),
}
KINDS = {
    **{code: Kind(ERROR, ENCODING, *rest) for code, rest in _UNREADABLE.items()},
    "unknown-escape": Kind(
        WARNING, ENCODING, "", "an escape sequence has no meaning or no end, and is kept as it is"
    ),
    "unknown-type": Kind(
        ERROR, STRUCTURE, "200", "the message code is not one of table 0076; mend MSH-9.1"
    ),
    "unknown-event": Kind(
        ERROR, STRUCTURE, "201", "the standard has no such trigger event; mend MSH-9.2"
    ),
    "unknown-version": Kind(
        ERROR, STRUCTURE, "203", "this is no release of HL7 v2 such as 2.5.1; mend MSH-12"
    ),
    "unchecked-structure": Kind(
        INFO, STRUCTURE, "", "the order of segments is not checked for this type of message"
    ),
    "other-structure": Kind(
        WARNING, STRUCTURE, "", "the trigger event has another structure by table 0354: {about}"
    ),
    "other-event": Kind(
        WARNING, STRUCTURE, "", "the event differs from the trigger event in MSH-9.2"
    ),
    "missing-segment": Kind(
        ERROR, STRUCTURE, "100", "the segment {about} is required here and is missing"
    ),
    "misplaced-segment": Kind(
        ERROR, STRUCTURE, "100", "{about} stands at another place in the order of segments"
    ),
    "repeated-segment": Kind(
        ERROR, STRUCTURE, "100", "{about} stands here more often than the structure lets it"
    ),
    "unexpected-segment": Kind(
        WARNING, STRUCTURE, "", "{about} is no part of this type of message; receivers ignore it"
    ),
    "unknown-segment": Kind(
        WARNING, STRUCTURE, "", "no release has this segment; a site's own begin with Z"
    ),
    "site-segment": Kind(
        INFO, STRUCTURE, "", "a segment of the site; the standard leaves it alone"
    ),
    "later-segment": Kind(
        INFO, STRUCTURE, "", "{about} came with a later release than MSH-12 names"
    ),
    "required-field": Kind(
        ERROR, STRUCTURE, "101", "{about} is required and has no value; the sender must fill it"
    ),
    "more-findings": Kind(
        INFO, STRUCTURE, "", "there is more: mend these first, and check it again"
    ),
    "required-component": Kind(
        ERROR, STRUCTURE, "101", "{about} is required where the field has a value"
    ),
    "needed-field": Kind(
        WARNING, STRUCTURE, "101", "{about} is needed with this trigger event and has no value"
    ),
    "either-field": Kind(WARNING, STRUCTURE, "101", "one must have a value: {about}"),
    "withdrawn-field": Kind(
        INFO, STRUCTURE, "", "{about} is withdrawn from this release; receivers may not read it"
    ),
    "withdrawn-component": Kind(
        INFO, STRUCTURE, "", "{about} is withdrawn from this release; receivers may not read it"
    ),
    "extra-field": Kind(
        WARNING, STRUCTURE, "", "the segment has more fields than the standard; nobody reads them"
    ),
    "extra-repetition": Kind(
        WARNING, STRUCTURE, "", "{about} does not repeat; only the first repetition is read"
    ),
    "extra-component": Kind(
        WARNING, STRUCTURE, "", "{about} has no such component; a delimiter may be unescaped"
    ),
    "extra-subcomponent": Kind(
        WARNING, STRUCTURE, "", "{about} has no such sub-component; a delimiter may be unescaped"
    ),
    "bad-number": Kind(
        ERROR, TYPES, "102", "{about} must be a number such as 12 or -3.5 (data type NM)"
    ),
    "bad-sequence": Kind(
        ERROR, TYPES, "102", "{about} must be a whole number without sign (data type SI)"
    ),
    "bad-date": Kind(
        ERROR, TYPES, "102", "{about} must be a date of the calendar as YYYY[MM[DD]] (data type DT)"
    ),
    "bad-time": Kind(
        ERROR,
        TYPES,
        "102",
        "{about} must be a time as HH[MM[SS[.SSSS]]] with +/-ZZZZ or not (data type TM)",
    ),
    "bad-timestamp": Kind(
        ERROR,
        TYPES,
        "102",
        "{about} must be a time as YYYY[MM[DD[HH[MM[SS[.SSSS]]]]]] with +/-ZZZZ or not"
        " (data type DTM)",
    ),
    "too-long": Kind(WARNING, TYPES, "104", "longer than the release lets it be: {about}"),
    "unknown-code": Kind(ERROR, TABLES, "103", "the code is not in HL7's own table: {about}"),
    "unsuggested-code": Kind(
        WARNING,
        TABLES,
        "103",
        "not among the suggested codes; a profile may add the site's own: {about}",
    ),
    "profile-required": Kind(ERROR, SITE, "101", "the profile demands a value: {about}"),
    "profile-absent": Kind(ERROR, SITE, "100", "the profile wants none of it: {about}"),
    "profile-count": Kind(ERROR, SITE, "100", "the profile wants another number: {about}"),
    "profile-code": Kind(ERROR, SITE, "103", "the profile does not have this code: {about}"),
    "profile-some": Kind(ERROR, SITE, "101", "the profile demands a repetition: {about}"),
    "profile-length": Kind(ERROR, SITE, "104", "longer than the profile lets it be: {about}"),
    "strict-missing": Kind(ERROR, STRICT, "101", "hl7apy: a required part is missing: {about}"),
    "strict-limit": Kind(ERROR, STRICT, "100", "hl7apy: {about} stands more often than allowed"),
    "strict-children": Kind(ERROR, STRICT, "100", "hl7apy: {about} holds what it may not"),
    "strict-type": Kind(ERROR, STRICT, "102", "hl7apy: {about} has another data type"),
    "strict-table": Kind(WARNING, STRICT, "103", "hl7apy: the code is not in its table: {about}"),
    "strict-length": Kind(WARNING, STRICT, "104", "hl7apy: longer than it may be: {about}"),
    "strict-other": Kind(ERROR, STRICT, "207", "hl7apy: something in the message it does not know"),
    "strict-unreadable": Kind(
        WARNING, STRICT, "", "hl7apy cannot read this message, or not this release"
    ),
}


def finding(code: str, where: str, about: str = "") -> Finding:
    """A finding of a kind at a place; `about` is a word of the standard, never of the message."""
    kind = KINDS[code]
    text = kind.text.replace("{about}", about or where)
    return Finding(kind.severity, code, kind.level, where, text, kind.standard)
