"""The message Bundle of a canonical event: putting it together, writing and reading its bytes.

Last step of a mapping, and the body that the broker and the destinations carry (FHIR R4 §2.36,
messaging). Money stays exact: numbers with a fraction or exponent are Decimal on both sides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from operator import itemgetter
from typing import Any

import orjson

from vagus.kernel.errors import DecodeError

Resource = dict[str, Any]

#: What mappings call the format of canonical Bundles.
FORMAT = "fhir"
#: Objects and lists inside each other; R4 content stays far below.
MAX_DEPTH = 64
_STRINGS = re.compile(rb'"(?:[^"\\]+|\\.)*"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_STEPS = [(code in b"{[") - (code in b"}]") for code in range(256)]
_ID = itemgetter("id")
_LONE = re.compile("[\ud800-\udfff]")


def message_bundle(
    resources: Sequence[Resource],
    *,
    timestamp: str,
    identifier: tuple[str, str] | None = None,
    id: str | None = None,
    moved: Mapping[str, str] | None = None,
) -> Resource:
    """A Bundle of type message around resources that have ids, its MessageHeader first.

    `timestamp` is a FHIR instant, `identifier` a system and value. Resources of one type and id
    become one, the later filling in what the earlier lacks. `moved` gives the new `urn:uuid:` of
    references to resources that changed their id. ValueError when there is no MessageHeader.
    """
    if moved:
        resources = [_moved(resource, moved) for resource in resources]
    resources = _joined(resources)
    if not resources or resources[0]["resourceType"] != "MessageHeader":
        raise ValueError("a message Bundle begins with a MessageHeader")
    entries = [{"fullUrl": "urn:uuid:" + item["id"], "resource": item} for item in resources]
    bundle: Resource = {"resourceType": "Bundle"}
    if id is not None:
        bundle["id"] = id
    if identifier is not None:
        bundle["identifier"] = {"system": identifier[0], "value": identifier[1]}
    return {**bundle, "type": "message", "timestamp": timestamp, "entry": entries}


def _joined(resources: Sequence[Resource]) -> Sequence[Resource]:
    """The resources with those of one type and id made one, the MessageHeader first."""
    if len(set(map(_ID, resources))) < len(resources):
        kept: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            key = (resource["resourceType"], resource["id"])
            same = kept.get(key)
            if resource is not same:
                kept[key] = resource if same is None else _merged(same, resource)
        resources = list(kept.values())
    if resources and resources[0]["resourceType"] == "MessageHeader":
        return resources
    return sorted(resources, key=lambda item: bool(item["resourceType"] != "MessageHeader"))


def _merged(first: Any, second: Any) -> Any:
    """Both values of one element: objects and lists are joined, else the first stands."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {
            **second,
            **{key: _merged(value, second.get(key)) for key, value in first.items()},
        }
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *(item for item in second if item not in first)]
    return first


def _moved(value: Any, moved: Mapping[str, str]) -> Any:
    """A copy in which every Reference to a moved resource leads to its new place."""
    if isinstance(value, dict):
        copy = {key: _moved(item, moved) for key, item in value.items()}
        target = copy.get("reference")
        if isinstance(target, str) and target in moved:
            copy["reference"] = moved[target]
        return copy
    if isinstance(value, list):
        return [_moved(item, moved) for item in value]
    return value


def dumps(bundle: Resource) -> bytes:
    """The JSON bytes of a resource, Decimals digit for digit; the same resource, the same bytes.

    TypeError for what JSON cannot hold.
    """
    return orjson.dumps(bundle, default=_number)


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError("a resource holds only JSON values and finite Decimals")


def loads(data: bytes) -> Resource:
    """The resource in JSON bytes; whole numbers are int, all others Decimal.

    DecodeError for bytes that are not UTF-8 or not JSON, NaN, infinities, duplicate names, lone
    surrogates, more than `MAX_DEPTH` levels, or a value that is no object.
    """
    value, failure = _parsed(data)
    # Raised out here, because the errors of the parsers keep the whole document.
    if failure:
        raise DecodeError(failure)
    if not isinstance(value, dict):
        raise DecodeError("not-a-resource")
    if b"\\u" in data and _LONE.search(json.dumps(value, ensure_ascii=False, default=str)):
        raise DecodeError("lone-surrogate")
    return value


def _parsed(data: bytes) -> tuple[Any, str]:
    """The value, or why there is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None, "not-utf8"
    if _depth(data) > MAX_DEPTH:
        return None, "too-deep"
    try:
        return _DECODER.decode(text), ""
    except _Refused as refusal:
        return None, str(refusal)
    except (ValueError, ArithmeticError, RecursionError):
        return None, "not-json"


class _Refused(Exception):
    """JSON that FHIR has no use for; the text is the code of the error."""


def _depth(data: bytes) -> int:
    """How many objects and lists stand inside each other."""
    # Without escapes every second piece between quotes is outside strings, which is quicker.
    plain = b"\\" not in data
    outside = b"".join(data.split(b'"')[::2]) if plain else _STRINGS.sub(b"", data)
    brackets = outside.translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _object(pairs: list[tuple[str, Any]]) -> Resource:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("duplicate-name")
    return value


def _constant(name: str) -> Any:
    raise _Refused("not-a-number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_constant=_constant
)
