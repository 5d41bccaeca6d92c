"""A profile file, read and linted.

profile: front_desk
rules:
  PID-3.5: {some: MR}          # one repetition at least has it
  PV1-19: required             # in each PV1
  PV1-2: [I, O, E]             # no other code
  NK1: {most: 2}
  PID-19: absent
  MRG: {usage: required, events: A40 A41}
tables:
  "0001": X                    # a code of the site's own, besides the table's
allow:
  PV1: missing-segment         # what the standard wants and the site does without
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field

from vagus.formats.finding import Severity
from vagus.formats.hl7v2 import dictionary, structures
from vagus.formats.hl7v2.checks.kinds import KINDS
from vagus.formats.hl7v2.checks.profile import Profile, Rule, Usage
from vagus.formats.hl7v2.checks.rules import table
from vagus.formats.hl7v2.places import Place, parse
from vagus.kernel.diagnostics import Diagnostics, did_you_mean
from vagus.kernel.settings import Config, Reader
from vagus.kernel.strictyaml import Fields


def _listed(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


def _short(value: object) -> object:
    """`required` and `absent` alone are a usage; a list alone is the codes."""
    if isinstance(value, str):
        return {"usage": value}
    return {"codes": value} if isinstance(value, list) else value


_Codes = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Rule(Config):
    """What a profile demands at one place."""

    usage: Usage | None = Field(None, description="required or absent")
    least: int = Field(0, ge=0, description="How often it must stand at least")
    most: int | None = Field(None, ge=0, description="How often it may stand at most")
    codes: _Codes = Field((), description="The only codes allowed")
    some: _Codes = Field((), description="Codes of which one repetition at least must have one")
    longest: int | None = Field(None, ge=1, description="The most characters a value may have")
    events: _Codes = Field((), description="The trigger events it is for; default: all")
    severity: Severity = Field(Severity.ERROR, description="How bad it is: error or warning")


class _Profile(Config):
    """What a profile file may say."""

    profile: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The profile's name")
    description: str = Field("", description="What it is for, in a sentence")
    format: str = Field("hl7v2", pattern="^hl7v2$", description="The wire format it is about")
    rules: dict[str, Annotated[_Rule, BeforeValidator(_short)]] = Field(
        {}, description="By place, what is demanded there"
    )
    tables: dict[str, _Codes] = Field({}, description="By table number, the site's own codes")
    allow: dict[str, _Codes] = Field(
        {}, description="By place, the codes of findings that are none here"
    )


def read(node: Fields, diagnostics: Diagnostics) -> Profile | None:
    """The profile of a YAML document; what is wrong with it becomes diagnostics."""
    before = len(diagnostics)
    config = Reader(diagnostics, {}).model(_Profile, node)
    if config is None:
        return None
    linter = _Linter(node, diagnostics)
    rules = [
        Rule(linter.place(path, rule), **{name: getattr(rule, name) for name in _Rule.model_fields})
        for path, rule in config.rules.items()
    ]
    for number in config.tables:
        linter.table(number)
    for path, codes in config.allow.items():
        linter.allowed(path, codes)
    if len(diagnostics) > before:
        return None
    tables = {number: frozenset(codes) for number, codes in config.tables.items()}
    allowed = {(path, code) for path, codes in config.allow.items() for code in codes}
    return Profile(config.profile, tuple(rules), tables, frozenset(allowed))


class _Linter:
    """Finds what a profile says of places and tables that are not there."""

    def __init__(self, node: Fields, diagnostics: Diagnostics) -> None:
        self._node = node
        self._diagnostics = diagnostics

    def place(self, path: str, rule: _Rule) -> Place:
        """The place a rule is about, checked against the dictionary."""
        place = self._place("rules", path)
        if not place.field and (rule.codes or rule.some or rule.longest):
            self._error("rules", path, "bad-rule", "codes and lengths are of fields: name one")
        elif place.component and (rule.least or rule.most is not None):
            self._error("rules", path, "bad-rule", "components do not repeat: count the field")
        triggers = {trigger for _, trigger in structures.events()}
        for event in rule.events:
            if event not in triggers and not event.startswith("Z"):
                hint = did_you_mean(event, triggers)
                self._error("rules", path, "unknown-event", f"'{event}' is no trigger event{hint}")
        return place

    def allowed(self, path: str, codes: Iterable[str]) -> None:
        """The findings that are allowed at a place."""
        self._place("allow", path)
        for code in codes:
            if code not in KINDS:
                text = f"'{code}' is no code of a finding{did_you_mean(code, KINDS)}"
                self._error("allow", path, "unknown-code", text)

    def _place(self, section: str, path: str) -> Place:
        try:
            place = parse(path)
        except ValueError:
            text = f"'{path}' is no place such as PID-3 or PID-3.5"
            self._error(section, path, "bad-place", text)
            return Place("")
        if place.repetition:
            text = "a rule is about every repetition: leave the number out"
            self._error(section, path, "bad-place", text)
        elif wrong := _unknown(place):
            self._error(section, path, "unknown-place", wrong)
        return place

    def table(self, number: str) -> None:
        """A table that codes are added to."""
        if table(number) is None:
            text = f"no table '{number}' is checked, so nothing can be added to it"
            self._error("tables", number, "unknown-table", text)

    def _error(self, section: str, key: str, code: str, text: str) -> None:
        within = self._node.entries[section]
        assert isinstance(within, Fields)
        self._diagnostics.error(within.keys[key], code, text)


def _unknown(place: Place) -> str:
    """What is not there by the dictionary; '' for a site's own segments."""
    name = place.segment
    if name.startswith("Z"):
        return ""
    segment = dictionary.segment(name)
    if segment is None:
        return f"no segment is called '{name}'{did_you_mean(name, dictionary.segments())}"
    field = segment.field(place.field)
    if place.field and field is None:
        return f"{name} has {len(segment.fields)} fields"
    if field is None or not place.component or field.datatype == "varies":
        return ""
    parts = len(dictionary.datatype(field.datatype)) or 1
    return f"{name}-{field.number} has {parts} components" if place.component > parts else ""
