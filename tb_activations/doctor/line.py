"""One line of the report; `wrong` where something has to be done about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    text: str
    wrong: bool = False

    def __str__(self) -> str:
        return f"{'!' if self.wrong else ' '} {self.text}"


def wrong(text: str) -> Line:
    return Line(text, True)
