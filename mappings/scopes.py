"""What a compiler knows while it walks: values and where they stand, scopes, resources (§3, §9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mappings.emit import Block
from mappings.structures import Group
from vagus.kernel.diagnostics import Place


@dataclass(slots=True)
class Value:
    """The code of an evaluated expression, a name or an indexed name, and what is known of it.

    `kind` is T text, D date, N number, B boolean, I item, R reference, C coded object, '?' broken.
    `raw` says what of HL7's punctuation may still be in a text: '' nothing, 'comp' sub-components,
    'rep' components too, 'field' repetitions too. `datatype` is an HL7 data type or a FHIR type.
    """

    code: str
    kind: str
    many: bool = False
    always: bool = False
    raw: str = ""
    datatype: str = ""
    where: str = ""
    rawcode: str = ""
    constant: str | None = None
    own: bool = False  # a name made for this value, free to be assigned again
    bare: bool = False  # no punctuation stands in the raw text of other messages
    lone: bool = False  # of many, one at most
    gone: bool = False  # surely nothing, because no message has what it reads
    scope: Scope | None = None  # what an item opens when it is gone into

    @property
    def simple(self) -> bool:
        """Whether the code may as well be written twice: a name, or a look-up by number."""
        name, bracket, index = self.code.partition("[")
        return name.isidentifier() and (not bracket or index.removesuffix("]").isdigit())

    @property
    def test(self) -> str:
        """The condition under which there is a value."""
        if not self.many and self.kind in "NB":
            return f"{self.code} is not None"
        return self.code


BROKEN = Value("''", "?")


@dataclass(eq=False, slots=True)
class Scope:
    """What paths are relative to: the message, a group, a segment, or any other kind of item."""

    kind: str  # message group segment item chunk reference fhir text number
    var: str = ""
    parent: Scope | None = None
    block: Block | None = None
    group: Group | None = None
    segment: str = ""
    datatype: str = ""
    raw: str = ""
    where: str = ""
    each: str = ""
    counter: str = ""  # the name of the position, from 1
    counted: bool = False
    rows: tuple[str, str, bool] | None = None  # row code, segment, many: what reading covers
    number: int = 0  # of the field it comes from
    component: int = 0
    target: str = ""  # resource type of a reference
    resources: dict[str, Resource] = field(default_factory=dict)

    def chain(self) -> list[Scope]:
        """This scope and those around it, innermost first."""
        found: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            found.append(scope)
            scope = scope.parent
        return found


@dataclass(eq=False, slots=True)
class Resource:
    """A resource of a block: how its ids are called and on what its existence hangs."""

    name: str
    type: str
    node: Any
    place: Place
    each: str = ""  # canonical text of its $each
    many: bool = False
    guarded: bool = False
    var: str = ""  # id, or list of ids by index with '' for those that do not exist
    found: Value | None = None  # the list of items
    scope: Scope | None = None  # where its $each is evaluated
    ready: bool = False
    gone: bool = False  # there is never one, because messages lack what it hangs on
