"""A walk at random over unlike layers: after each move all that is shown is of what is chosen.

300 moves, some thousands in the soak (`TBA_SOAK=1`). The seed is printed; `TBA_WALK_SEED` and
`TBA_WALK_MOVES` repeat a walk.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession
from report import report
from servers import Server

from browser import walk_answer, walk_maps, walk_model, walk_over, zoo
from browser.conftest import new_dashboard
from browser.dashboard import Dashboard
from browser.walk_model import RGB, Walk, record, spread

SCRIPT = Path(__file__).with_name("walk_page.js").read_text(encoding="utf-8")
WINDOW = '{"limits":"minmax","colormap":"grey"}'
MARKS = {"nan": (255, 0, 255), "+inf": (255, 145, 0), "-inf": (0, 229, 255)}
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")
LINE_PAD = 1.5
CHART = {"height": 44, "pad": 6}


class Walker:
    """The page, what must be chosen on it, and the moves between."""

    def __init__(self, dashboard: Dashboard, seed: int) -> None:
        self.dashboard = dashboard
        self.seed = seed
        self.random = random.Random(seed)
        self.walk = Walk()
        self.held: dict[int, str] = {}
        self.held_key: tuple = ()
        self.provisional = False
        self.kept: set[int] = set()
        self.count = 0
        self.dark = False
        self.moves: list[str] = []

    def start(self) -> None:
        self.dashboard.open(run="main", layer="wide", window=WINDOW)
        self.dashboard.frame.evaluate(SCRIPT)

    def do(self, name: str, *arguments: Any) -> Any:
        call = f"(a) => walkMove.{name}(...a)"
        return self.dashboard.frame.evaluate(call, list(arguments))

    # Moves. Each makes its move on the page and in the walk.

    def move(self) -> None:
        names = list(MOVES)
        name = self.random.choices(names, [MOVES[n] for n in names])[0]
        before = len(self.moves)
        getattr(self, f"move_{name}")()
        if len(self.moves) == before:  # that move was not there
            self.move_layer()

    def did(self, what: str) -> None:
        self.moves.append(what)

    def move_layer(self) -> None:
        walk = self.walk
        tags = [t for t in zoo.tags_of(walk.run) if t != walk.layer]
        often = [t for t in tags if t in (*zoo.EXPLAINED, "signal", walk_model.LOOKS)]
        walk.layer = self.random.choice(tags + 3 * often)
        walk.notices.clear()
        self.did(f"layer {walk.layer}")
        self.do("layer", walk.layer)
        self.fix_colour()

    def move_run(self) -> None:
        walk = self.walk
        walk.run = self.random.choice([run for run in zoo.RUNS if run != walk.run])
        walk.notices.clear()
        if walk.layer not in zoo.tags_of(walk.run):
            said = f"Run “{walk.run}” has no layer “{walk.layer}”; this is “broken”."
            walk.notices["layer"] = said
            walk.layer = "broken"
        self.did(f"run {walk.run}")
        self.do("select", "Run", walk.run)
        self.fix_colour()

    def move_step(self) -> None:
        steps = self.walk.steps
        if len(steps) < 2:
            return
        at = self.random.randrange(len(steps))
        self.walk.step = steps[at]
        self.walk.notices.pop("step", None)
        self.did(f"step {steps[at]}")
        self.do("slide", "Step", at)

    def move_next(self) -> None:
        steps = self.walk.steps
        self.walk.notices.pop("step", None)
        at, by = steps.index(self.walk.record.step), self.random.choice([-1, 1])
        self.walk.step = steps[min(len(steps) - 1, max(0, at + by))]
        self.did(f"key to step {self.walk.step}")
        self.do("key", "." if by > 0 else ",")

    def move_follow(self) -> None:
        if self.walk.step is None:
            return
        self.walk.step = None
        self.walk.notices.pop("step", None)
        self.did("follow")
        self.do("press", "Follow")

    def move_example(self) -> None:
        at = self.random.randrange(len(self.walk.record.stored))
        self.walk.example = at
        self.walk.pool = None
        self.did(f"example {at}")
        self.do("select", "Example", str(at))

    def move_form(self) -> None:
        """Signals as lines or as a matrix, attention over the input; elsewhere no such choice."""
        if self.walk.patches:
            self.walk.form = self.random.choice(["over", "over", None])
            self.did(f"as {self.walk.form}")
            self.do("press", "Over input" if self.walk.over else "Map")
            return
        if not self.walk.record.signal:
            return
        self.walk.form = self.random.choice(["lines", "matrix"])
        self.did(f"as {self.walk.form}")
        self.do("press", self.walk.form.capitalize())

    def move_pool(self) -> None:
        """All stored examples as one, where a layer has several planes of them."""
        if not self.walk.record.pools:
            return
        self.walk.pool = self.random.choice(["mean", "largest"])
        self.did(self.walk.pool)
        self.do("select", "Example", self.walk.pool)

    def move_depth(self) -> None:
        if len(self.walk.record.spatial) < 3:
            return
        self.walk.depth = self.random.randrange(self.walk.record.spatial[0])
        self.did(f"depth {self.walk.depth}")
        self.do("slide", "Depth", self.walk.depth)

    def move_compare(self) -> None:
        walk = self.walk
        walk.target = None if walk.target else "first"
        walk.mode = "beside"
        self.did(f"compare {walk.target}")
        self.do("press", "Compare")
        self.fix_colour()

    def move_target(self) -> None:
        walk = self.walk
        if walk.target is None:
            return
        runs = [run for run in zoo.RUNS if run != walk.run and walk.layer in zoo.tags_of(run)]
        targets = ["first", "previous", *(f"run:{run}" for run in runs), *["runs"][: len(runs)]]
        if not (walk.target or "").startswith("step:"):
            targets.append(f"step:{walk.record.step}")
        if not walk.record.dense:
            shown = walk.shown_example
            examples = range(len(walk.record.stored))
            targets += [f"example:{i}" for i in examples if i != shown]
        walk.target = self.random.choice(targets)
        self.did(f"compare with {walk.target}")
        self.do("select", "Compare with", walk.target)
        self.fix_colour()

    def move_mode(self) -> None:
        if self.walk.target in (None, "runs"):
            return
        self.walk.mode = self.random.choice(["beside", "flip", "difference"])
        self.did(f"compare as {self.walk.mode}")
        self.do("select", "Compare as", self.walk.mode)

    def move_sort(self) -> None:
        if self.maps:
            return
        self.walk.sort = self.random.choice(
            ["index", "max", "mean", "std-all", "zeros", "max-all", "std", "change", "growth",
             "pixel", *(["attribution"] if self.walk.added() is not None else [])]
        )  # fmt: skip
        self.did(f"sort by {self.walk.sort}")
        self.do("select", "Sort by", self.walk.sort)

    def move_resort(self) -> None:
        self.held_key = ()
        if self.dashboard.root.get_by_role("button", name="Re-sort", exact=True).count():
            self.did("sort anew")
            self.do("press", "Re-sort")

    def move_show(self) -> None:
        if self.maps:
            return
        choices = ["all", "all", "active", "dead", "constant", "nonfinite"]
        self.walk.show = self.random.choice(choices)
        self.did(f"show {self.walk.show}")
        self.do("select", "Show", self.walk.show)

    def move_search(self) -> None:
        if self.maps:
            return
        self.walk.search = self.random.choice(["", "", "1, 4-6", "0", "2-290", "999"])
        self.did(f"search {self.walk.search!r}")
        self.do("search", self.walk.search)

    def move_type(self) -> None:
        """A step that was logged, or one beside it: then the nearest, which is said."""
        typed = self.random.choice(self.walk.steps) + self.random.choice([0, 0, 3, -4])
        self.walk.step = min(self.walk.steps, key=lambda s: (abs(s - typed), s))
        self.walk.notices.pop("step", None)
        if self.walk.step != typed:
            said = f"Step {typed} was not logged; the nearest, {self.walk.step}, is shown."
            self.walk.notices["step"] = said
        self.did(f"typed step {typed}")
        self.do("type", str(typed))

    def move_pin(self) -> None:
        """The selected channel stands first, or is let go; each layer has its own."""
        if self.maps:
            return
        name = name_of(self.report()["heading"])
        if name == "RGB" or self.count == 0:
            return
        pins = self.walk.pins.setdefault(self.walk.layer, [])
        identity = self.identity(name)
        pins.remove(identity) if identity in pins else pins.append(identity)
        self.held = {}
        self.did(f"pin {name}")
        self.do("key", "b")

    def move_copy(self) -> None:
        """The value of the marked pixel, where the planes have it, and where it is."""
        walk = self.walk
        if self.maps or walk_maps.is_signed(walk):
            return
        name = name_of(self.report()["heading"])
        planes = walk.planes
        self.did(f"copy of {name}")
        copied = self.do("copied")
        x, y = walk.pixel or (-1, -1)
        if self.count == 0 or not (0 <= x < planes.shape[2] and 0 <= y < planes.shape[1]):
            assert copied == ""
            return
        chosen = range(3) if name == "RGB" else [self.position(name)]
        lines = [line.split("\t") for line in copied.split("\n")]
        for position, line in zip(chosen, lines, strict=True):
            assert line[0] == walk.layer
            assert line[1].split()[0] == str(walk.record.step)
            example = str(x if walk.record.dense else walk.shown_example)
            pool = walk.pool_in(walk.record)
            assert line[2] == (f"{pool} of {len(walk.record.stored)}" if pool else example)
            assert line[3] == str(walk.record.ids[position])
            place = [str(x), "" if walk.record.matrix else str(y)]
            assert line[4:6] == (["", ""] if walk.record.dense else place)
            value = float(walk.shown_values(position)[y, x])
            if value != 0:
                assert float(line[6]) == pytest.approx(
                    value, rel=1e-5, abs=1e-5 * self.reach, nan_ok=True
                )

    def move_chip(self) -> None:
        """Layers are left out of the list, and nothing else is another."""
        self.did(f"chip {self.do('chip', self.random.random())}")

    def move_order(self) -> None:
        """Layers in another order: nothing else is another."""
        order = self.random.choice(["model", "problems", "change"])
        self.did(f"layers by {order}")
        self.do("select", "Order of layers", order)

    def move_lock(self) -> None:
        self.walk.lock = not self.walk.lock
        self.did(f"lock {self.walk.lock}")
        self.do("lock")

    def move_log(self) -> None:
        self.walk.log = not self.walk.log
        self.did(f"log scale {self.walk.log}")
        self.do("log")

    def move_scope(self) -> None:
        self.walk.scope = "layer" if self.walk.scope == "channel" else "channel"
        self.did(f"range {self.walk.scope}")
        if self.walk.scope == "channel" and (self.walk.record.matrix or self.walk.coloured):
            self.walk.scope = "layer"  # not offered here
            return
        self.do("select", "Range", self.walk.scope)

    def move_click(self) -> None:
        """Selects a channel and marks a pixel of it."""
        walk = self.walk
        share, at = self.random.random(), (self.random.random(), self.random.random() * 0.5)
        width, parts = self.sides[1], self.parts
        if walk.record.signal:
            pixel = (self.random.randrange(width), 0)
            at = ((pixel[0] + 0.5) / width, 0.5)
        elif walk.record.matrix:
            rows = width * parts + parts - 1
            at = (0.5, (self.random.randrange(width) + 0.5) / rows)
            pixel = (round(at[1] * rows - 0.5), 0)
        else:
            x, y = self.random.randrange(width), 0
            at = ((x + 0.5) / width / parts, 0.02)
            pixel = (x, y)
            if walk.over:  # what is marked is the patch as a query, and as its key
                pixel = (walk_over.key_at(x, y),) * 2
        name = self.do("click", share, at)
        if name is None:
            return
        if walk_maps.is_maps(walk):
            walk.example, name = int(name.split()[1].rstrip(",")), name.split(", ")[1]
            walk.pool = None
        walk.wish = (RGB if name == "RGB" else self.identity(name), walk.layer)
        walk.pixel = pixel
        self.did(f"click {name} at {pixel}")

    def move_colour(self) -> None:
        """Colours where there are three channels of an input; there alone the page offers them."""
        if zoo.LAYERS[self.walk.layer].kind != "input" or len(self.walk.record.ids) != 3:
            return
        self.walk.colour = not self.walk.colour
        self.did(f"colour {self.walk.colour}")
        self.do("select", "Colormap", "colour" if self.walk.colour else "grey")

    def fix_colour(self) -> None:
        """Grey again outside of the picture, so that pixels are numbers."""
        if self.walk.colour and self.walk.layer != "input":
            self.report()
            self.walk.colour = False
            self.do("select", "Colormap", "grey")

    def move_chart(self) -> None:
        frames = self.frames(name_of(self.report()["heading"]))
        offered = self.walk.chart != "quantiles" and not self.walk.difference and len(frames) > 1
        if self.random.random() < 0.4 and offered:
            self.walk.chart = "quantiles"
            self.did("chart quantiles")
            self.do("press", "quantiles")
            return
        at = self.random.randrange(len(walk_model.COLUMNS))
        self.walk.chart = walk_model.COLUMNS[at]
        self.did(f"chart {self.walk.chart}")
        self.do("statistic", at)

    def move_theme(self) -> None:
        self.dark = not self.dark
        self.did("dark" if self.dark else "light")
        self.do("theme")

    # What is on the page.

    @property
    def parts(self) -> int:
        if self.walk.target in (None, "runs") or self.walk.mode != "beside":
            return 1
        return 1 if self.walk.record.matrix and self.walk.fitting is None else 2

    @property
    def maps(self) -> bool:
        return walk_maps.is_maps(self.walk)

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of what is shown."""
        if self.walk.over:
            return walk_over.SIDES
        return walk_maps.SIDES if self.maps else self.walk.planes.shape[1:]  # type: ignore[return-value]

    def identity(self, name: str) -> int:
        """The id of the channel that is called so."""
        if self.maps:
            return walk_maps.target_of(self.walk, name)
        return int(name.split()[1])

    def report(self) -> dict[str, Any]:
        height, width = self.sides
        expected = {
            "layer": self.walk.layer,
            "step": f"step {self.walk.record.step}",
            "plane": {"width": width, "height": height},
            "parts": self.parts,
            "extra": self.extra,
            "answer": self.walk.run in zoo.KNOWN and not self.walk.pool_in(self.walk.record),
            "pixels": True,
        }
        sample = {
            "tiles": [self.random.random() for _ in range(3)],
            "pixel": [self.random.random(), self.random.random()],
        }
        return self.dashboard.frame.evaluate("(a) => walkReport(...a)", [expected, sample])

    def check(self) -> None:
        shown = self.report()
        channels = ("maps",) if self.maps else ("order", "tiles", "status")
        for part in ("view", *channels, "statistics", "chart", "film", "answer"):
            getattr(self, f"check_{part}")(shown)
        assert self.dashboard.problems == []

    def check_view(self, shown: dict[str, Any]) -> None:
        walk = self.walk
        assert shown["layer"] == walk.layer
        assert shown["step"] == f"step {walk.record.step}"
        assert shown["run"] == walk.run
        assert shown["example"] == str(walk.subject)
        sides = [*walk.record.stored.shape[1:-1], len(walk.record.table)]
        assert shown["shape"] == "×".join(map(str, sides))
        assert shown["said"] == list(walk.notices.values())
        assert shown["matrix"] == walk.record.dense
        assert shown["signal"] == walk.record.signal
        assert shown["lines"] == walk.lines
        assert shown["dark"] == self.dark
        if walk.target is not None:
            assert shown["compare"] != ""
            if walk.fitting and not walk.target.startswith("run:"):
                assert walk.fitting[2] in shown["compare"]
        picture = walk_model.pooled(
            record(walk.run, "input", walk.record.step).stored, walk.subject
        )
        lo, hi = (float(x) for x in NUMBER_PAIR.findall(shown["input"])[0])
        assert (lo, hi) == pytest.approx(spread(picture), abs=6e-3)

    def check_maps(self, shown: dict[str, Any]) -> None:
        """All examples and targets, in the colours of their values; the value under the cursor."""
        walk = self.walk
        self.held_key = ()
        named = {
            f"example {example}, {walk_maps.name_of(walk, example, target)}": (example, target)
            for example, target in walk_maps.cells(walk)
        }
        assert [name for _, name in shown["cells"]] == list(named)
        for tile in shown["tiles"]:
            example, target = named[tile["name"]]
            bound = walk_maps.reach(walk, example)
            sides = [walk_maps.shown_plane(walk, example, target)]
            if walk.fitting and len(tile["sides"]) > 1:
                there, other, _ = walk.fitting
                sides.append(walk_maps.enlarged(walk_maps.plane_of(there, other, target)))
            for side, plane in zip(tile["sides"], sides, strict=False):
                pixels = np.array(side, float).reshape(*plane.shape, 3)
                walk_maps.check_colours(pixels, plane, bound)
        heading = name_of(shown["heading"])
        wish = walk.wish[0] if walk.wish else 0
        wanted = walk_maps.name_of(walk, walk.shown_example, wish if wish in walk.record.ids else 0)
        assert heading == wanted
        assert shown["selected"] == [f"example {walk.shown_example}, {heading}"]

    def check_order(self, shown: dict[str, Any]) -> None:
        walk = self.walk
        kept, values = walk.kept_cells(), walk.sort_values()
        ids = walk.record.ids
        cells = {index: name for index, name in shown["cells"]}
        first = ["RGB"] if walk.coloured and len(kept) == 3 else []
        if walk.order_key() != self.held_key or (self.provisional and not walk.unsorted):
            self.held_key, self.held = walk.order_key(), {}
            self.provisional = walk.unsorted
            ranked = sorted(kept, key=lambda p: (np.isnan(values[p]), -np.nan_to_num(values[p])))
            pinned = self.walk.pinned()
            ranked = pinned + [p for p in ranked if p not in pinned]
            names = first + [f"{walk.noun} {ids[p]}" for p in ranked]
            assert max(cells, default=-1) < len(names) or not names
            by_name = {f"{walk.noun} {ids[p]}": values[p] for p in kept}
            for index, name in cells.items():
                assert name in names
                if name != "RGB":
                    same(by_name[name], by_name[names[index]])
            self.count = len(names)
            self.kept = {ids[p] for p in kept}
        for at, position in enumerate(walk.pinned(), start=len(first)):
            pinned = f"{walk.noun} {ids[position]}"
            assert cells.get(at, pinned) == pinned
        for index, name in cells.items():
            assert self.held.setdefault(index, name) == name, "a tile jumped"
        assert (not cells) == (self.count == 0)
        wish = walk.wish and self.wished(first)
        if self.count == 0:
            first_of_all = self.headed(f"{walk.noun} {ids[0]}")
            assert shown["heading"].lower() == first_of_all.lower()
        elif wish:
            assert shown["heading"].lower() == self.headed(wish).lower()
        elif 0 in cells:
            assert shown["heading"].lower() == self.headed(cells[0]).lower()
        assert shown["selected"] in ([], [name_of(shown["heading"])])

    def wished(self, first: list[str]) -> str | None:
        """The channel wished for, where it is among the tiles."""
        walk = self.walk
        identity, layer = walk.wish  # type: ignore[misc]
        if walk.coloured and layer != walk.layer:
            return None
        if identity == RGB:
            return "RGB" if first else None
        return f"{walk.noun} {identity}" if identity in self.kept else None

    def headed(self, name: str) -> str:
        """What heading and status call a channel: with its class, where the layer has one each."""
        known, there = zoo.KNOWN.get(self.walk.run), self.walk.record
        names = known and known.class_names
        if not names or not there.dense or len(there.ids) != len(names):
            return name
        return f"{name}, {names[int(name.split()[1])]}"

    def check_tiles(self, shown: dict[str, Any]) -> None:
        walk = self.walk
        for tile in shown["tiles"]:
            position = self.position(tile["name"])
            lo, hi = self.limits(position)
            if walk.lines:
                self.check_line(tile, position, lo, hi)
                continue
            for part, side in enumerate(tile["sides"]):
                values = self.side_values(position, part)
                if values is None:
                    continue
                pixels = np.array(side, float).reshape(*self.sides, 3)
                if walk_maps.is_signed(walk):
                    walk_maps.check_colours(pixels, values, hi)
                elif walk.over:
                    log = walk.log_from(position)
                    walk_over.check_look(walk, pixels, values, (lo, hi), log)
                elif walk.difference:
                    check_difference(pixels, values, hi)
                else:
                    check_grey(pixels, values, lo, hi, walk.log_from(position))

    def check_line(self, tile: dict[str, Any], position: int, lo: float, hi: float) -> None:
        """Ink at each finite value within the limits, and through the height at each NaN."""
        width, height = tile["size"]
        ink = np.array(tile["ink"]).reshape(height, width) > 100
        values = self.side_values(position, 0)[0]  # type: ignore[index]
        finite = values[np.isfinite(values)]
        if len(finite) and np.ptp(finite) == 0:  # which has no height of its own to stand at
            assert ink.any(0).all()
            return
        for i, value in enumerate(values):
            x = int((i + 0.5) / len(values) * width)
            if np.isnan(value):
                assert ink[:, x].all()
            elif np.isfinite(value):
                y = round(height - LINE_PAD - (value - lo) / (hi - lo) * (height - 2 * LINE_PAD))
                near = ink[max(0, y - 2) : y + 3, max(0, x - 1) : x + 2]
                assert y < -2 or y > height + 2 or near.any(), (i, value)

    @property
    def reach(self) -> float:
        """The largest finite magnitude of what is shown."""
        values = self.walk.planes
        return float(np.abs(values[np.isfinite(values)]).max(initial=0))

    def position(self, name: str) -> int:
        return RGB if name == "RGB" else self.walk.record.ids.index(self.identity(name))

    @property
    def extra(self) -> str | None:
        """What stands under the statistics: of an attribution, of a layer that one was taken at."""
        if walk_maps.is_signed(self.walk):
            return "score"
        taken = "attribution/gradient_x_input/narrow" in zoo.tags_of(self.walk.run)
        # What a channel adds is of one example.
        alone = self.walk.pool_in(self.walk.record) is None
        return "attribution" if taken and alone and self.walk.layer == "narrow" else None

    def limits(self, position: int) -> tuple[float, float]:
        if not walk_maps.is_signed(self.walk):
            return self.walk.limits(position)
        reach = walk_maps.reach(self.walk, self.walk.shown_example)
        return -reach, reach

    def side_values(self, position: int, part: int) -> np.ndarray | None:
        """`[h, w]`, or `[h, w, 3]` of the colours."""
        walk = self.walk
        if position == RGB:
            if part == 0:
                return np.moveaxis(walk.planes, 0, -1)
            planes = [walk.other_plane(p) for p in range(3)]
            return None if planes[0] is None else np.stack(planes, axis=-1)
        return walk.shown_values(position) if part == 0 else walk.other_plane(position)

    def check_status(self, shown: dict[str, Any]) -> None:
        status = shown["status"]
        if status is None:
            return
        walk = self.walk
        position = self.position(status["name"])
        x, y = status["x"], status["y"]
        if walk.over:
            x, y = walk_over.key_at(x, y), walk_over.query_of(walk)
        if walk_maps.is_signed(walk):
            self.check_signed_status(status, position)
            return
        called = re.escape(self.headed(status["name"]))
        said = re.fullmatch(rf"({called}), (.*?): (.*)", status["text"])
        assert said is not None, status
        if walk.record.matrix:
            word = "example" if walk.record.dense else "position"
            assert said[2] == f"{word} {x}"
        elif walk.noun == "head":
            assert said[2] == f"query {y}, key {x}"
        else:
            assert said[2] == f"x {x}, y {y}"
        lo, hi = walk.limits(position)
        reach = max(abs(lo), abs(hi))
        value = self.side_values(position, 0)[y, x]  # type: ignore[index]
        if walk.difference:
            check_difference_text(said[3], float(value), reach, walk.fitting[2])  # type: ignore[index]
            return
        own, _, beside = said[3].partition(" (")
        lost = walk.lost_zeros(position)
        for text, number in zip(own.split(", "), np.atleast_1d(value), strict=True):
            check_number(text, float(number), reach, lost)
        if walk.fitting:
            assert beside.startswith(f"{walk.fitting[2]}: ")
            there = self.side_values(position, 1)
            text = beside.split(": ", 1)[1].rstrip(")")
            if there is None:
                assert text == "none"
            else:
                lost = walk.lost_zeros(position, other=True)
                for part, number in zip(text.split(", "), np.atleast_1d(there[y, x]), strict=True):
                    check_number(part, float(number), reach, lost)

    def check_signed_status(self, status: dict[str, Any], position: int) -> None:
        """Of an attribution the example, too, and the share of the score."""
        walk, x, y = self.walk, status["x"], status["y"]
        where, _, text = status["text"].partition(": ")
        assert where == f"example {walk.shown_example}, {status['name']}, x {x}, y {y}"
        reach = walk_maps.reach(walk, walk.shown_example)
        value = float(self.side_values(position, 0)[y, x])  # type: ignore[index]
        if walk.difference:
            check_difference_text(text, value, reach, walk.fitting[2])  # type: ignore[index]
            return
        number, _, share = text.partition(" (")[0].partition(", ")
        check_number(number, value, reach)
        assert (share == "") == (walk.record.step == 0), "a score of 0 has no shares"

    def selected_rows(self, shown: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray | None]:
        """The six numbers of the selected channel out of the table of a step."""
        name = name_of(shown["heading"])
        if name != "RGB":
            identity = self.identity(name)
            return lambda table: table[identity] if identity < len(table) else None
        return lambda table: together(table) if len(table) == 3 else None

    def check_statistics(self, shown: dict[str, Any]) -> None:
        row = self.selected_rows(shown)(self.walk.record.table)
        reach = np.nanmax(np.abs([*row[:2], 0]))  # type: ignore[index]
        extras = [name for name, _ in shown["statistics"][6:]]
        assert extras[:1] == ([self.extra] if self.extra else [])
        for (name, text), value in zip(shown["statistics"][:6], row, strict=True):  # type: ignore[arg-type]
            if name == "zeros":
                check_share(text, value)
            elif name == "non-finite":
                assert int(text) == value
            else:
                check_number(text, value, reach)

    def check_chart(self, shown: dict[str, Any]) -> None:
        walk, chart = self.walk, shown["chart"]
        frames = self.frames(name_of(shown["heading"]))
        spread_out = walk.chart == "quantiles" and not walk.difference and len(frames) > 1
        if spread_out:
            self.check_quantiles(chart, frames)
            return
        assert chart["offers"] == (len(frames) > 1 and not walk.difference)
        name = "max" if walk.chart == "quantiles" else walk.chart
        pick, column = self.selected_rows(shown), walk_model.COLUMNS.index(name)
        rows = {s: pick(record(walk.run, walk.layer, s).table) for s in walk.steps}
        series = {s: float(row[column]) for s, row in rows.items() if row is not None}
        word = "step" if len(series) == 1 else "steps"
        assert chart["caption"][0] == f"{name}, {len(series)} {word}"
        if walk.record.step in series:
            where, _, text = chart["caption"][1].partition(": ")
            assert where == f"step {walk.record.step}"
            finite = [abs(v) for v in series.values() if np.isfinite(v)]
            check_number(text, series[walk.record.step], max(finite, default=0))
        lo, hi = spread(np.array(list(series.values())))
        points = [
            (x_of(s, series, chart["width"]), y_of(v, lo, hi))
            for s, v in series.items()
            if np.isfinite(v)
        ]
        assert np.array(chart["points"]).reshape(-1, 2) == pytest.approx(
            np.array(points).reshape(-1, 2), abs=0.6
        )
        assert len(chart["missing"]) == len(series) - len(points)

    def check_answer(self, shown: dict[str, Any]) -> None:
        walk_answer.check_answer(self.walk, shown["bars"], shown["answer"])
        position = self.position(name_of(shown["heading"]))
        walk_answer.check_firing(self.walk, position, shown["firing"], shown["unfired"])

    def check_quantiles(self, chart: dict[str, Any], frames: dict[int, np.ndarray]) -> None:
        """Points are the medians of the film's values, between the outermost quantiles of all."""
        assert chart["caption"][0] == f"quantiles, {len(frames)} steps"
        known = {step: finite_quantiles(values) for step, values in frames.items()}
        lo, hi = spread(np.array(list(known.values())))
        at = {step: q for step, q in known.items() if np.isfinite(q[2])}
        wanted = [
            (x_of(step, dict.fromkeys(known, 0.0), chart["width"]), y_of(q[2], lo, hi))
            for step, q in at.items()
        ]
        assert np.array(chart["points"]).reshape(-1, 2) == pytest.approx(
            np.array(wanted).reshape(-1, 2), abs=0.6
        )
        assert len(chart["missing"]) == len(known) - len(at)
        if self.walk.record.step in known:
            texts = chart["caption"][1].partition(": ")[2].split(" · ")
            reach = max(abs(lo), abs(hi))
            for text, value in zip(texts, known[self.walk.record.step][::2], strict=True):
                # To three digits.
                assert float(text) == pytest.approx(value, abs=1.1e-2 * reach, nan_ok=True)

    def check_runs(self, shown: dict[str, Any], name: str) -> None:
        """A row for the run shown, then the newest, with the steps that hold the channel."""
        walk = self.walk
        others = [run for run in reversed(zoo.RUNS) if run != walk.run]
        holding = [walk.run, *(r for r in others if walk.layer in zoo.tags_of(r))]
        assert [label for label, _ in shown["films"]] == [f"Film of {run}" for run in holding]
        for run, (_, steps) in zip(holding, shown["films"], strict=True):
            assert steps == list(self.frames(name, run))
        assert f"{len(holding)} of {len(holding)} runs" in shown["compare"]

    def frames(self, name: str, run: str | None = None) -> dict[int, np.ndarray]:
        """The planes of a channel at the steps of a run that hold it, by step."""
        walk, run = self.walk, run or self.walk.run
        frames = {}
        for step in zoo.RUNS[run]:
            there = record(run, walk.layer, step)
            if walk.shown_example >= len(there.stored):
                continue
            planes = there.planes(walk.pool_in(there) or walk.shown_example, walk.depth)
            if name == "RGB" and len(there.table) == 3:
                frames[step] = np.moveaxis(planes, 0, -1)
            elif name != "RGB" and self.identity(name) in there.ids:
                plane = planes[there.ids.index(self.identity(name))]
                frames[step] = walk_maps.enlarged(plane) if self.maps else plane
        return frames

    def check_film(self, shown: dict[str, Any]) -> None:
        walk, name = self.walk, name_of(shown["heading"])
        if walk.target == "runs":
            self.check_runs(shown, name)
            return
        frames = self.frames(name)
        if walk.difference or len(frames) < 2:
            assert shown["film"] == []
            return
        assert [frame["step"] for frame in shown["film"]] == list(frames)
        lo, hi = self.limits(self.position(name))
        for frame in shown["film"]:
            values = frames[frame["step"]]
            if walk.lines:
                assert np.array(frame["pixels"]).any() == np.isfinite(values).any()
                assert frame["current"] == (frame["step"] == walk.record.step)
                continue
            # A long signal is averaged to what the picture has room for.
            times = -(-values.shape[1] // frame["width"])
            if times > 1:
                values = values.reshape(len(values), -1, times).mean(axis=-1)
            assert (frame["height"], frame["width"]) == values.shape[:2]
            assert frame["current"] == (frame["step"] == walk.record.step)
            pixels = np.array(frame["pixels"], float).reshape(*values.shape[:2], 3)
            if walk_maps.is_signed(walk):
                walk_maps.check_colours(pixels, values, hi)
            else:
                check_grey(pixels, values, lo, hi, walk.log_from(self.position(name)))


MOVES = {
    "layer": 34,
    "run": 5,
    "step": 14,
    "next": 6,
    "follow": 2,
    "example": 7,
    "pool": 4,
    "depth": 5,
    "form": 6,
    "compare": 5,
    "target": 6,
    "mode": 4,
    "sort": 6,
    "resort": 2,
    "show": 3,
    "search": 3,
    "order": 2,
    "type": 4,
    "chip": 2,
    "pin": 5,
    "copy": 3,
    "lock": 4,
    "scope": 3,
    "log": 3,
    "click": 10,
    "colour": 3,
    "chart": 3,
    "theme": 1,
}
NUMBER_PAIR = re.compile(r"(-?[\d.]+(?:e[+-]\d+)?) … (-?[\d.]+(?:e[+-]\d+)?)")


def finite_quantiles(values: np.ndarray) -> np.ndarray:
    """At 5, 25, 50, 75 and 95 % of what is finite."""
    finite = values[np.isfinite(values)]
    return np.quantile(finite, [0.05, 0.25, 0.5, 0.75, 0.95]) if finite.size else np.full(5, np.nan)


def name_of(heading: str) -> str:
    """How a cell is called whose channel has this heading."""
    name = heading if heading == "RGB" else heading.lower()
    return name.partition(", ")[0] if name.startswith("channel ") else name


def same(a: float, b: float) -> None:
    assert (np.isnan(a) and np.isnan(b)) or a == pytest.approx(b, rel=1e-5, abs=1e-30), (a, b)


def check_grey(
    pixels: np.ndarray, values: np.ndarray, lo: float, hi: float, log: float | None = None
) -> None:
    """Grey levels (or those of three colours) between the limits; marks for what is not finite."""
    levels = values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (levels - lo) / (hi - lo)
        if log is not None:
            shares = np.log(np.maximum(levels, 0) / log) / np.log(hi / log)
        wanted = np.clip(shares, 0, 1) * 255
    finite = np.isfinite(levels).all(axis=-1)
    assert np.abs(pixels - wanted)[finite].max(initial=0) <= 1.6
    if values.ndim == 3:
        return
    for mark, where in (
        ("nan", np.isnan(values)),
        ("+inf", np.isposinf(values)),
        ("-inf", np.isneginf(values)),
    ):
        assert (pixels[where] == MARKS[mark]).all()


def check_difference(pixels: np.ndarray, values: np.ndarray, reach: float) -> None:
    """Blue above, red below, near white at zero."""
    finite = np.isfinite(values)
    balance = pixels[..., 2] - pixels[..., 0]
    strong = finite & (np.abs(np.nan_to_num(values)) > 0.3 * reach)
    assert (np.sign(balance[strong]) == np.sign(values[strong])).all()
    assert (pixels[finite & (values == 0)].min(initial=255)) > 230


def check_number(text: str, value: float, reach: float, lost: bool = False) -> None:
    """To four digits of the range it stands in; a zero that was none is within a bound."""
    text = re.sub(r"^(red|green|blue) ", "", text)
    if value == 0 and lost:
        assert re.match(r"(below|above|within) ", text), text
    elif np.isnan(value):
        assert text == "NaN"
    elif np.isinf(value):
        assert text == ("+Inf" if value > 0 else "-Inf")
    else:
        assert NUMBER.fullmatch(text), text
        assert float(text) == pytest.approx(value, rel=1.1e-3, abs=1.1e-3 * reach)


def check_share(text: str, share: float) -> None:
    if text.startswith("<"):
        assert 0 < share < 0.001
    elif text.startswith(">"):
        assert 0.99 < share < 1
    else:
        assert float(text.rstrip(" %")) == pytest.approx(100 * share, abs=0.51)


def check_difference_text(text: str, value: float, reach: float, name: str) -> None:
    assert text.endswith(f" at {name}")
    if value == 0:
        assert text.startswith("the same as")
    elif np.isnan(value):
        assert text.startswith("NaN beside")
    else:
        amount, word = text.split()[:2]
        assert word == ("more" if value > 0 else "less")
        check_number(amount, abs(value), reach)


def together(table: np.ndarray) -> np.ndarray:
    """Statistics of three channels of equally many values."""
    mean = table[:, 2].mean()
    variance = (table[:, 3] ** 2 + (table[:, 2] - mean) ** 2).mean()
    return np.array(
        [table[:, 0].min(), table[:, 1].max(), mean, np.sqrt(variance), table[:, 4].mean(),
         table[:, 5].sum()]
    )  # fmt: skip


def x_of(step: int, series: dict[int, float], width: float) -> float:
    steps = list(series)
    span = steps[-1] - steps[0]
    share = (step - steps[0]) / span if span else 0.5
    return CHART["pad"] + share * (width - 2 * CHART["pad"])


def y_of(value: float, lo: float, hi: float) -> float:
    share = (value - lo) / (hi - lo) if hi > lo else 0.5
    return CHART["height"] - CHART["pad"] - share * (CHART["height"] - 2 * CHART["pad"])


@pytest.fixture
def walker(browser: Browser, zoo_server: Server) -> Iterator[Walker]:
    seed = int(os.environ.get("TBA_WALK_SEED", random.randrange(2**32)))
    print(f"TBA_WALK_SEED={seed}")
    dashboard = new_dashboard(browser, zoo_server.url)
    walker = Walker(dashboard, seed)
    walker.start()
    yield walker
    dashboard.page.context.close()


def heap(session: CDPSession) -> int:
    """Bytes of JavaScript's heap after a forced collection."""
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"]


def test_whatever_the_move_all_that_is_shown_is_of_what_is_chosen(walker: Walker) -> None:
    """Tiles, title, status line, statistics, chart, film; no failure said, no memory kept."""
    moves = int(
        os.environ.get("TBA_WALK_MOVES", 3000 if os.environ.get("TBA_SOAK") == "1" else 300)
    )
    session = walker.dashboard.page.context.new_cdp_session(walker.dashboard.page)
    walker.check()
    early, started = 0, time.monotonic()
    for at in range(1, moves + 1):
        walker.move()
        try:
            walker.check()
        except Exception as error:
            walker.dashboard.screenshot("walk-failed")
            error.add_note(f"after move {at} of {walker.moves[-12:]}; {walker.walk}")
            raise
        if at == 100:
            early = heap(session)
    late = heap(session)
    kept = f"heap {late / 1e6:.1f} MB, {early / 1e6:.1f} after move 100"
    took = time.monotonic() - started
    report("walk", f"{moves} moves (seed {walker.seed}) in {took:.0f} s, each right; {kept}")
    assert moves < 200 or late <= 1.2 * early
