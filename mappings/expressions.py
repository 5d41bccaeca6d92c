"""Expressions of the mapping language: text to tree and back (§2 of the language reference).

One scan from left to right makes words, one pass over the words makes the tree. Nothing here
knows a format: whether a path exists is asked later, by the walk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

MAX_ALTERNATIVES = 8
MAX_CALLS = 8

_WIRE = re.compile(
    r"((?:[A-Z0-9][A-Za-z0-9_]{0,19}/){0,8})([A-Z0-9][A-Z0-9]{1,5}[A-Za-z]?)"
    r"(?:-([0-9]{1,3})(?:\(([0-9]{1,4})\))?(?:\.([0-9]{1,3})(?:\.([0-9]{1,3}))?)?)?\Z"
)
_RELATIVE_NUMBERS = re.compile(r"\.([0-9]{1,3})(?:\.([0-9]{1,3}))?\Z")
_NAMES = re.compile(r"(?:\.[a-z_][A-Za-z0-9_]{0,63}){1,16}\Z")
_FHIR = re.compile(r"[A-Z][A-Za-z]{1,63}(?:\.[a-z_][A-Za-z0-9_]{0,63}){0,16}\Z")
_FUNCTION = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class ExpressionError(ValueError):
    """An expression cannot be read; `code` is the lint code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Word:
    """One word or quoted text; `column` counts from 1 within the expression."""

    text: str
    quoted: bool = False
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return quote(self.text) if self.quoted else self.text


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is read.

    `groups` and `segment` name a place in a segment format, `names` the elements of a FHIR path
    (`segment` is then the resource type). `relative` paths start at the current item.
    """

    text: str
    groups: tuple[str, ...] = ()
    segment: str = ""
    field: int = 0
    repetition: int = 0
    component: int = 0
    sub: int = 0
    names: tuple[str, ...] = ()
    relative: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Quoted:
    """A constant written inside an expression."""

    text: str

    def __str__(self) -> str:
        return quote(self.text)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    args: tuple[Word, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *map(str, self.args)])


@dataclass(frozen=True, slots=True)
class Alternative:
    """A head and the functions it passes through."""

    head: Path | Call | Quoted
    calls: tuple[Call, ...] = ()

    def __str__(self) -> str:
        return " | ".join(map(str, (self.head, *self.calls)))


@dataclass(frozen=True, slots=True)
class Expression:
    """Alternatives in order; the first that gives a value wins."""

    alternatives: tuple[Alternative, ...]

    def __str__(self) -> str:
        return "=" + " || ".join(map(str, self.alternatives))


def quote(text: str) -> str:
    """The text between quotes it does not contain itself."""
    mark = '"' if "'" in text else "'"
    return f"{mark}{text}{mark}"


@lru_cache(maxsize=8192)
def parse(text: str) -> Expression:
    """The tree of an expression that begins with `=`; raises `ExpressionError`."""
    words = _scan(text[1:])
    alternatives: list[Alternative] = []
    for part in _split(words, "||"):
        steps = [_step(step, first=index == 0) for index, step in enumerate(_split(part, "|"))]
        head, *calls = steps
        if len(calls) > MAX_CALLS:
            raise ExpressionError("limit-exceeded", f"at most {MAX_CALLS} functions in a row")
        alternatives.append(Alternative(head, tuple(c for c in calls if isinstance(c, Call))))
    if len(alternatives) > MAX_ALTERNATIVES:
        raise ExpressionError("limit-exceeded", f"at most {MAX_ALTERNATIVES} alternatives")
    return Expression(tuple(alternatives))


def parse_path(text: str) -> Path | None:
    """A path of any format, or None when the text is not one."""
    if text == ".":
        return Path(text, relative=True)
    if found := _RELATIVE_NUMBERS.match(text):
        return Path(text, component=int(found[1]), sub=int(found[2] or 0), relative=True)
    if _NAMES.match(text):
        return Path(text, names=tuple(text[1:].split(".")), relative=True)
    if (found := _WIRE.match(text)) and not _camel(found[2]):
        groups = tuple(found[1].split("/")[:-1])
        field_, repetition, component, sub = (int(number or 0) for number in found.groups()[2:])
        return Path(text, groups, found[2], field_, repetition, component, sub)
    if _FHIR.match(text):
        kind, *names = text.split(".")
        return Path(text, segment=kind, names=tuple(names))
    return None


def single(tree: Expression | None) -> bool:
    """Whether no alternative can give more than one value."""
    heads = [alternative.head for alternative in tree.alternatives] if tree else []
    return all(
        isinstance(head, Quoted)
        or (isinstance(head, Path) and (head.repetition > 0 or (head.relative and not head.names)))
        for head in heads
    )


def _camel(name: str) -> bool:
    """Whether a bare word is a FHIR type rather than a segment or loop."""
    return name[-1].islower() and not any(char.isdigit() for char in name)


def _scan(text: str) -> list[Word]:
    words: list[Word] = []
    at, end = 0, len(text)
    while at < end:
        char = text[at]
        if char in " \t\r\n":
            at += 1
        elif char == "|":
            size = 2 if text.startswith("||", at) else 1
            words.append(Word(text[at : at + size], column=at + 2))
            at += size
        elif char in "'\"":
            close = text.find(char, at + 1)
            if close < 0:
                raise ExpressionError(
                    "unbalanced-quote", f"the quote at column {at + 1} is not closed"
                )
            words.append(Word(text[at + 1 : close], True, at + 2))
            at = close + 1
        else:
            close = at
            while close < end and text[close] not in " \t\r\n|'\"":
                close += 1
            words.append(Word(text[at:close], column=at + 2))
            at = close
    return words


def _split(words: list[Word], mark: str) -> list[list[Word]]:
    parts: list[list[Word]] = [[]]
    for word in words:
        if word.text == mark and not word.quoted:
            parts.append([])
        else:
            parts[-1].append(word)
    for part in parts:
        if not part:
            raise ExpressionError("bad-expression", f"something is missing beside '{mark}'")
    return parts


def _step(words: list[Word], first: bool) -> Path | Call | Quoted:
    head, *args = words
    if head.quoted or not _FUNCTION.match(head.text):
        return _head(head, args, first)
    for word in args:
        if not word.quoted and word.text.startswith("="):
            raise ExpressionError("bad-expression", "'=' stands only at the beginning")
    return Call(head.text, tuple(args))


def _head(head: Word, args: list[Word], first: bool) -> Path | Quoted:
    if not first:
        raise ExpressionError("bad-expression", f"'{head.text}' is not a function: one follows '|'")
    if args:
        raise ExpressionError(
            "bad-expression", f"'{args[0].text}' follows '{head.text}' without '|' between them"
        )
    if head.quoted:
        return Quoted(head.text)
    path = parse_path(head.text)
    if path is None:
        raise ExpressionError("bad-expression", f"'{head.text}' is neither a path nor a function")
    return path
