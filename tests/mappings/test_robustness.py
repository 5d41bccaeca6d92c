"""No message makes a mapping fail but where it says so; no text of a user becomes code (§14)."""

from __future__ import annotations

import builtins
import itertools
import random
from pathlib import Path

import pytest

from mappings.catalogue import load
from mappings.session import Flags
from vagus.canonical.bundle import dumps
from vagus.formats.format import Terms
from vagus.formats.hl7v2.reader import decode
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import DecodeError, MappingError

ENDS = ["", '""', "|", "^", "&", "~", "\\", "\\X41\\", "\\T", "\\ZZ\\", "é", "0", "99999999"]


@pytest.fixture(scope="module")
def library():
    return load([], Diagnostics())


def messages(corpora: Path) -> list[bytes]:
    found = []
    for path in sorted(corpora.glob("hl7-*/**/*.hl7")):
        data = path.read_bytes()
        if data.startswith(b"MSH") and (b"ADT" in data[:200] or b"SIU" in data[:200]):
            found.append(data)
    return found


def mutated(data: bytes, chance: random.Random) -> bytes:
    lines = data.decode("latin-1").replace("\n", "\r").split("\r")
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(1, len(lines)) if len(lines) > 1 else 0
        fields = lines[at].split("|")
        match chance.randrange(5):
            case 0:
                lines.insert(at, chance.choice(lines[1:] or lines))
            case 1 if at:
                lines.pop(at)
            case 2 if at:
                lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
            case _ if at:
                fields[chance.randrange(len(fields))] = chance.choice(ENDS)
                lines[at] = "|".join(fields)
            case _:
                pass
        if len(lines) < 2:
            break
    return "\r".join(lines).encode("latin-1")


def test_mutated_messages_map_twice_to_the_same_bytes(library, context, corpora):
    chance = random.Random(20261122)
    mapped = failed = 0
    sources = messages(corpora)
    for data in itertools.islice(itertools.cycle(sources), 400):
        body = mutated(data, chance) if mapped + failed >= len(sources) else data
        try:
            message = decode(body, Terms(charset="8859/1"))
        except DecodeError:
            continue
        mapping = library.select("hl7v2", structure=message.structure, type=message.type)
        if mapping is None:
            continue
        try:
            first = mapping.apply(message, context)
        except MappingError:
            failed += 1
            continue
        again = mapping.apply(message, context)
        assert dumps(first.bundle) == dumps(again.bundle)
        assert first.warnings == again.warnings
        mapped += 1
    assert mapped > 200
    assert failed < mapped / 10


def test_every_variant_gives_the_same_output(library, context, corpora):
    for data in messages(corpora)[:30]:
        try:
            message = decode(data, Terms(charset="8859/1"))
        except DecodeError:
            continue
        mapping = library.get("ADT_A01" if message.structure != "SIU_S12" else "SIU_S12")
        plain = mapping.apply(message, context)
        for options in ({"loss": True}, {"loss": "component"}, {"trace": True}):
            assert dumps(mapping.apply(message, context, **options).bundle) == dumps(plain.bundle)


PIECES = ["'", '"', "\\", "\n", "{", "}", "{{", "}}", "%s", "%(x)s", "#", ";", "\x00", "\u2028"]
ATTACKS = [
    "__import__('os').system('touch /tmp/x')",
    "'); raise SystemExit #",
    "\\'); raise SystemExit #",
    '"""; raise SystemExit',
    "f'{z.context.identity}'",
    "{z}",
    "{0.__class__}",
    "]; nulls.append(1); [",
    "\n    raise SystemExit\n",
    "${jndi:ldap://x}",
]


def attempts() -> list[str]:
    joined = [f"{one}{attack}{two}" for attack in ATTACKS for one in PIECES for two in PIECES[:3]]
    return [text for text in [*ATTACKS, *PIECES, *joined] if text.strip()]


def quoted(text: str) -> str:
    """The text as a double-quoted YAML scalar."""
    out = []
    for char in text:
        known = char.isascii() and char.isprintable() and char not in '"\\'
        out.append(char if known else f"\\u{ord(char):04x}")
    return '"' + "".join(out) + '"'


def test_constants_arguments_and_codes_never_become_code(tmp_path, context, message, monkeypatch):
    texts = attempts()
    assert len(texts) > 300
    bodies = []
    codes = []
    for number, text in enumerate(texts):
        codes.append(f"  {quoted(text)}: {{code: {quoted(text)}, display: {quoted(text)}}}")
        mark = '"' if "'" in text else "'"
        argument = text.replace(mark, "")
        if argument.strip():
            bodies.append(
                f"      - {{url: 'urn:{number}', valueString: "
                f"{quoted(f'=PID-5(1).1 | then {mark}{argument}{mark}')}}}"
            )
        bodies.append(f"      - {{url: 'urn:c{number}', valueString: {quoted(text)}}}")
    lines = ["mapping: hostile", "from: hl7v2/ADT_A01", "to: fhir/r4", "resources:", "  patient:"]
    lines += ["    resourceType: Patient", "    maritalStatus: {coding: =PID-16.1 | table Hostile}"]
    lines += ["    extension:", *bodies]
    lines += ["---", "table: Hostile", "codes:", *codes]
    (tmp_path / "hostile.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    report = Diagnostics()
    mapping = load([tmp_path], report, library=False).get("hostile")
    assert mapping is not None, [str(item) for item in report][:5]
    read = message("MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5\nPID|1||7||X^Y")
    opened: list[object] = []
    monkeypatch.setattr(builtins, "open", lambda *args, **_: opened.append(args))
    for flags in (Flags(), Flags(True, "field"), Flags(True, "component", True)):
        mapping.source(flags)
    result = mapping.apply(read, context, trace=True, loss=True)
    assert not opened
    given = [item["valueString"] for item in result.bundle["entry"][0]["resource"]["extension"]]
    assert set(given) >= set(texts)


@pytest.mark.parametrize("name", ["x'); raise SystemExit #", "a\nb", "{x}", '"""'])
def test_names_of_mappings_and_resources_never_become_code(tmp_path, context, message, name):
    text = (
        f"mapping: {quoted(name)}\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources:\n"
        f"  {quoted(name)}:\n    resourceType: Patient\n    $key: =PID-3(1).1\n    active: 'true'\n"
    )
    (tmp_path / "named.yaml").write_text(text)
    mapping = load([tmp_path], Diagnostics(), library=False).get(name)
    assert mapping is not None
    read = message("MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5\nPID|1")
    result = mapping.apply(read, context, trace=True, loss=True)
    assert [warning.code for warning in result.warnings] == ["weak-key"]


def test_a_message_that_would_grow_without_bound_is_refused(compiled, context, message):
    mapping = compiled(
        """
        mapping: wide
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources:
          patient:
            resourceType: Patient
            name: {$each: =PID-5, family: =.1, given: =.2}
        """
    )
    head = "MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5\nPID|1||||"
    assert mapping.apply(message(head + "~".join(["A^B"] * 9_999)), context).bundle
    with pytest.raises(MappingError) as error:
        mapping.apply(message(head + "~".join(["A^B"] * 10_001)), context)
    assert error.value.code == "output-limit"
    assert "PID-5" in error.value.where
