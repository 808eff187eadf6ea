"""The parameters of a request, each checked where it is read.

What is wrong is a `BadParameter`: a sentence that names the parameter, its value, what it must be.
"""

from __future__ import annotations

import re

import werkzeug

from tb_activations.server.reader import Span
from tb_activations.sources.series import Where

INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
POSITION = re.compile(r"[0-9]{1,18}", re.ASCII)
SPAN = re.compile(r"([0-9]{1,18}):([0-9]{1,18})", re.ASCII)
DEFAULT_COLUMNS = 100
MAX_COLUMNS = 1000
MAX_ROWS = 1000
DEFAULT_ROWS = 100


class BadParameter(ValueError):
    """A parameter that is missing, repeated or malformed."""


def where(request: werkzeug.Request) -> Where:
    """The `run` and the `tag`."""
    return Where(text(request, "run"), text(request, "tag"))


def text(request: werkzeug.Request, name: str) -> str:
    value = _only(request, name)
    if value is None or value == "":
        raise BadParameter(f"{name} is missing; the request must name a {name}")
    return value


def integer(request: werkzeug.Request, name: str) -> int:
    value = _only(request, name)
    if value is None:
        raise BadParameter(f"{name} is missing; it must be an integer")
    if not INTEGER.fullmatch(value) or not -(2**63) <= int(value) < 2**63:
        raise BadParameter(f"{name} is {value[:40]!r}; it must be an integer of at most 64 bits")
    return int(value)


def integer_or_none(request: werkzeug.Request, name: str) -> int | None:
    return integer(request, name) if name in request.args else None


def columns(request: werkzeug.Request) -> int:
    found = integer_or_none(request, "columns")
    return _within("columns", DEFAULT_COLUMNS if found is None else found, MAX_COLUMNS)


def rows(request: werkzeug.Request) -> int | None:
    found = integer_or_none(request, "rows")
    return None if found is None else _within("rows", found, MAX_ROWS)


def _within(name: str, count: int, most: int) -> int:
    if not 1 <= count <= most:
        raise BadParameter(f"{name} is {count}; it must be from 1 to {most}")
    return count


def is_packed(request: werkzeug.Request) -> bool:
    """The `form` of an answer; absent is the plain one."""
    form = _only(request, "form")
    if form not in (None, "packed"):
        raise BadParameter(f"form is {form[:40]!r}; it must be 'packed', or absent")
    return form is not None


def since(request: werkzeug.Request) -> int:
    """A position to begin at; absent is the first."""
    return _count(request, "since") or 0


def most(request: werkzeug.Request) -> int | None:
    """How many at most; absent is all."""
    return _count(request, "most")


def position(request: werkzeug.Request, name: str) -> int:
    found = _count(request, name)
    if found is None:
        raise BadParameter(f"{name} is missing; it must be a number from 0 on")
    return found


def _count(request: werkzeug.Request, name: str) -> int | None:
    value = _only(request, name)
    if value is not None and not POSITION.fullmatch(value):
        raise BadParameter(f"{name} is {value[:40]!r}; it must be a number from 0 on")
    return None if value is None else int(value)


def span(request: werkzeug.Request, name: str, *, single: bool = False) -> Span | None:
    """`a:b`, or `i` for i:i+1 where `single`; None where it is absent."""
    value = _only(request, name)
    if value is None:
        return None
    if single and POSITION.fullmatch(value):
        return int(value), int(value) + 1
    found = SPAN.fullmatch(value)
    if not found or int(found[1]) >= int(found[2]):
        form = "a position i or a range a:b" if single else "a range a:b"
        raise BadParameter(f"{name} is {value[:40]!r}; it must be {form} with 0 <= a < b")
    return int(found[1]), int(found[2])


def _only(request: werkzeug.Request, name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise BadParameter(f"{name} is given {len(values)} times; it must be given once")
    return values[0] if values else None
