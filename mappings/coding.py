"""Which code system a short name means: HL7 table 0396 and the qualifiers of X12 (§5)."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote, unquote

_V2 = "http://terminology.hl7.org/CodeSystem/v2-"
_KNOWN = {
    "LN": "http://loinc.org",
    "LOINC": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "SNOMED": "http://snomed.info/sct",
    "SNOMED-CT": "http://snomed.info/sct",
    "SNM": "http://snomed.info/sct",
    "I10": "http://hl7.org/fhir/sid/icd-10-cm",
    "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10": "http://hl7.org/fhir/sid/icd-10-cm",
    "I10P": "http://www.cms.gov/Medicare/Coding/ICD10",
    "I10PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9CDX": "http://hl7.org/fhir/sid/icd-9-cm",
    "ICD9": "http://hl7.org/fhir/sid/icd-9-cm",
    "C4": "http://www.ama-assn.org/go/cpt",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "C5": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "CDCREC": "urn:oid:2.16.840.1.113883.6.238",
    "CDCA": "urn:oid:2.16.840.1.113883.6.238",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "MVX": "http://terminology.hl7.org/CodeSystem/MVX",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "RXN": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "UCUM": "http://unitsofmeasure.org",
    "UMLS": "http://www.nlm.nih.gov/research/umls",
    "UNII": "http://fdasis.nlm.nih.gov",
    "ISO3166": "urn:iso:std:iso:3166",
    "ISO639": "urn:ietf:bcp:47",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "NUBC": "https://www.nubc.org/CodeSystem/RevenueCodes",
    "NUCC": "http://nucc.org/provider-taxonomy",
    # X12 qualifiers of HI, SV1 and SV2
    "ABK": "http://hl7.org/fhir/sid/icd-10-cm",
    "ABF": "http://hl7.org/fhir/sid/icd-10-cm",
    "ABJ": "http://hl7.org/fhir/sid/icd-10-cm",
    "BK": "http://hl7.org/fhir/sid/icd-9-cm",
    "BF": "http://hl7.org/fhir/sid/icd-9-cm",
    "BBR": "http://www.cms.gov/Medicare/Coding/ICD10",
    "BBQ": "http://www.cms.gov/Medicare/Coding/ICD10",
    "HC": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "AD": "http://www.ada.org/cdt",
    "N4": "http://hl7.org/fhir/sid/ndc",
    "NU": "https://www.nubc.org/CodeSystem/RevenueCodes",
    "PXC": "http://nucc.org/provider-taxonomy",
}

#: Where a system has several short names, the one of HL7 table 0396 that means just that.
_NAMES = {uri: name for name, uri in reversed(_KNOWN.items())} | {
    "http://hl7.org/fhir/sid/icd-10-cm": "I10C",
    "http://hl7.org/fhir/sid/icd-9-cm": "I9C",
}


@lru_cache(maxsize=4096)
def system_name(uri: str, source: str) -> str:
    """The short name that `code_system` turns into a URI; the URI itself when it has none."""
    if uri in _NAMES:
        return _NAMES[uri]
    own = f"urn:x-vagus:{quote(source, safe='')}:codes:"
    if uri.startswith(own):
        return unquote(uri.removeprefix(own))
    number = uri.removeprefix(_V2)
    if uri.startswith(_V2) and len(number) == 4 and number.isascii() and number.isdigit():
        return f"HL7{number}"
    return uri.removeprefix("urn:oid:")


@lru_cache(maxsize=4096)
def code_system(name: str, source: str) -> tuple[str, bool]:
    """The URI of a code system's short name, and whether it is a known one.

    An unknown name becomes a URI of its own, `urn:x-vagus:{source}:codes:{name}`, so that codes
    of two sources cannot be taken for the same.
    """
    upper = name.strip().upper()
    if upper in _KNOWN:
        return _KNOWN[upper], True
    number = upper.removeprefix("HL7").removeprefix("-")
    if upper.startswith("HL7") and len(number) == 4 and number.isascii() and number.isdigit():
        return _V2 + number, True
    if name.startswith(("http://", "https://", "urn:")) and not any(c.isspace() for c in name):
        return name, True
    if upper.count(".") >= 2 and upper.replace(".", "").isdigit() and upper.isascii():
        return f"urn:oid:{upper}", True
    return f"urn:x-vagus:{quote(source, safe='')}:codes:{quote(name.strip(), safe='')}", False
