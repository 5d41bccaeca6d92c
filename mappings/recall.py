"""Writes code that remembers what comes again in other messages: codes, doctors, places (§14).

A template over one item is a function of the item's raw text and of the channel's own facts. For
data types of which a feed holds few different texts, what it made is kept. What it made with a
warning is not, so the warning comes again. Nothing of a patient is kept: names, addresses,
telephones and identifiers are of other types.
"""

from __future__ import annotations

import re

from mappings.emit import Block
from mappings.session import Session

#: Coded values, doctors and other staff, places.
_DATATYPES = frozenset(("CE", "CNE", "CWE", "PL", "PPN", "XCN"))
#: All that code may call or look at if what it makes is to be kept.
_CALLS = frozenset(
    "append code_system cut digits filter get isalnum join len missing_code missing_coding number"
    " part partition replace rid solid split subs system tidy unfit upper strip whole".split()
)
_FACTS = frozenset(("context", "source", "facility", "endpoint", "systems", "authority"))
_WEAK = re.compile(r" else own_id\(z, [^\n]*\)$", re.MULTILINE)
_CALLED = re.compile(r"(\w+)\(")
_LOOKED_AT = re.compile(r"\bz\.([\w.]+)")
_TEXTS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_KEPT = re.compile(r"A(\d+)\[(.+)\]")


def wanted(session: Session) -> bool:
    """Whether what is made of the current item may be worth remembering."""
    scope, flags = session.scope, session.flags
    if flags.full or flags.counted or session.plan.source != "hl7v2":
        return False
    return scope.kind == "item" and scope.raw == "rep" and scope.datatype in _DATATYPES


def pure(text: str) -> bool:
    """Whether code hangs on the item and the channel only.

    An id that is made of the message's identity instead is noted with a warning, so what hangs on
    it is not remembered.
    """
    bare = _TEXTS.sub("''", _WEAK.sub("", text))
    facts = (name for path in _LOOKED_AT.findall(bare) for name in path.split("."))
    return _FACTS.issuperset(facts) and _CALLS.issuperset(_CALLED.findall(bare))


def keeping(name: str, parameters: str, key: str, number: int) -> str:
    """A function that keeps what another, called with an `n` behind its name, makes."""
    return f"""def {name}({parameters}):
    w = len(z.warnings)
    r = {name}n({parameters})
    if r is not None and len(z.warnings) == w: keep(z.memory[{number}], {key}, r)
    return r
"""


def once(session: Session, block: Block, item: str, name: str) -> None:
    """Let a block that sets a name from an item do so once for each item, if it may."""
    if not wanted(session) or not pure(block.text()):
        return
    memory = f"m{session.memory.number()}"
    block.add(f"if len(z.warnings) == w: keep({memory}, {item}, {name})")
    block.under(f"{name} = {memory}.get({item})", f"if {name} is None:", "w = len(z.warnings)")


def fixed(session: Session, code: str) -> str:
    """The code of a constant object or list: made once."""
    if code[:1] not in "{[":
        return code
    return session.fixed.setdefault(code, f"L{len(session.fixed) + 1}")


def around(session: Session, before: str, code: str, after: str, coded: bool) -> str:
    """The code of an object around one value: made once for each value that is `coded`."""
    found = _KEPT.fullmatch(code)
    if session.flags.trace or not (coded or found):
        return f"{before}{code}{after}"
    inner, value = "v", code
    if found:
        inner, value = session.arounds[int(found[1]) - 1], found[2]
    made = f"{before}{inner}{after}"
    if made not in session.arounds:
        session.arounds.append(made)
    return f"A{session.arounds.index(made) + 1}[{value}]"


def constants(session: Session, text: str) -> str:
    """The lines that make what a text uses of constants and of objects around one value."""
    lines = [f"{name} = {code}\n" for code, name in session.fixed.items()]
    for number, made in enumerate(session.arounds, 1):
        if f"A{number}[" in text:
            lines.append(f"A{number} = Kept(lambda v: {made})\n")
    return "".join(lines)
