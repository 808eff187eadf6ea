"""What the dashboard must show after any moves, worked out with NumPy from what `zoo.py` logged.

`Walk` keeps what was chosen, by the rules that the page follows, and says what follows: planes
and limits, statistics and order.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from browser import zoo

RGB = -1
LOOKS, SKIPPED = "vision/attention_scores", 1  # of an image's patches; positions before them
COLUMNS = ("min", "max", "mean", "std", "zeros", "nonfinite")


@dataclass(frozen=True)
class Record:
    """A layer at a step: `stored` `[n, …, c]` as float16 keeps it, `table` `[channels, 6]`."""

    run: str
    tag: str
    step: int
    stored: np.ndarray
    ids: tuple[int, ...]
    table: np.ndarray

    @property
    def dense(self) -> bool:
        """Whether there is one value for each example and channel."""
        return all(side == 1 for side in self.stored.shape[1:-1])

    @property
    def spatial(self) -> tuple[int, ...]:
        """Sizes of what is shown: of a dense layer the examples."""
        return (len(self.stored),) if self.dense else self.stored.shape[1:-1]

    @property
    def matrix(self) -> bool:
        return len(self.spatial) < 2

    @property
    def signal(self) -> bool:
        """Whether each channel has a course over positions."""
        return self.matrix and not self.dense

    @property
    def pools(self) -> bool:
        """Whether its examples can be shown as one."""
        return not self.dense and len(self.stored) > 1 and self.tag not in zoo.EXPLAINED

    def planes(self, example: int | str, depth: int | None) -> np.ndarray:
        """`[c, h, w]` of one example, or of all as one ("mean", "largest"); of a volume a slice."""
        if self.dense:
            return self.stored.reshape(len(self.stored), -1).T[:, None, :]
        values = np.moveaxis(pooled(self.stored, example), -1, 0)
        if values.ndim == 2:
            values = values[:, None, :]
        if values.ndim == 4:
            slices = values.shape[1]
            values = values[:, slices // 2 if depth is None else min(depth, slices - 1)]
        return values


def pooled(stored: np.ndarray, example: int | str) -> np.ndarray:
    """One example, or all as one."""
    if isinstance(example, int):
        return stored[example]
    with np.errstate(invalid="ignore"):
        return stored.mean(axis=0) if example == "mean" else stored.max(axis=0)


def scale_of(values: np.ndarray) -> float:
    """The power of two with which half precision keeps these values."""
    finite = np.abs(values[np.isfinite(values)]).astype(np.float64)
    if finite.size == 0 or finite.max() == 0:
        return 1.0
    scale = 2.0 ** (np.floor(np.log2(finite.max())) - 15)
    # Half precision ends at 65,504, and rounds to infinity from 65,520 on.
    return float(scale if np.float32(finite.max() / scale) < 65520 else 2 * scale)


def halved(values: np.ndarray) -> np.ndarray:
    """The values after half precision under the layer's power of two, float64."""
    scale = scale_of(values)
    stored = (values.astype(np.float64) / scale).astype(np.float32).astype(np.float16)
    return stored.astype(np.float64) * scale


def statistics(values: np.ndarray) -> np.ndarray:
    """`[channels, 6]` over the whole batch, in float32; subnormal numbers count as zeros."""
    rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
    rows[np.abs(rows) < np.finfo(np.float32).tiny] = 0
    finite = np.isfinite(rows)
    some = finite.any(axis=0)
    kept = np.where(finite, rows, np.nan)
    table = np.full((rows.shape[1], 6), np.nan)
    for column, reduce in enumerate((np.nanmin, np.nanmax, np.nanmean, np.nanstd)):
        table[some, column] = reduce(kept[:, some], axis=0)
    table[:, 4] = (rows == 0).mean(axis=0)
    table[:, 5] = (~finite).sum(axis=0)
    return table.astype(np.float32).astype(np.float64)


@functools.cache
def record(run: str, tag: str, step: int) -> Record:
    values = zoo.values(run, tag, step)
    options = zoo.LAYERS[tag].options
    channels, kept = values.shape[-1], options.get("max_channels", 1 << 30)
    ids = tuple(range(channels))
    if kept < channels:
        ids = tuple(round(Fraction(i * (channels - 1), kept - 1)) for i in range(kept))
    stored = halved(values[: options.get("max_outputs", 4)][..., list(ids)])
    return Record(run, tag, step, stored, ids, statistics(values))


def record_at(run: str, tag: str, step: int | None) -> Record:
    """At the last step not after the one wished for, else at the first."""
    steps = zoo.RUNS[run]
    before = [s for s in steps if step is None or s <= step]
    return record(run, tag, before[-1] if before else steps[0])


def spread(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest finite value; NaN where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)


def union(spans: Iterable[tuple[float, float]]) -> tuple[float, float]:
    known = [(lo, hi) for lo, hi in spans if lo <= hi]
    if not known:
        return np.nan, np.nan
    return min(lo for lo, _ in known), max(hi for _, hi in known)


def outward(value: float, to: np.ufunc) -> float:
    """To the 11 bits of half precision, so that the largest stored value is within."""
    if value == 0:
        return 0.0
    unit = 2.0 ** (np.floor(np.log2(abs(value))) - 10)
    return float(to(value / unit) * unit)


def widened(lo: float, hi: float) -> tuple[float, float]:
    """Some width for any span: of one value from zero to it, of none from 0 to 1."""
    if not lo <= hi or lo == hi == 0:
        return 0.0, 1.0
    if lo < hi:
        return lo, hi
    return (0.0, hi) if lo > 0 else (lo, 0.0)


@dataclass
class Walk:
    """What was chosen. A wish stays as it was made; what is in force is in the properties."""

    run: str = "main"
    layer: str = "wide"
    step: int | None = None
    example: int = 0
    pool: str | None = None
    depth: int | None = None
    sort: str | None = None
    show: str = "all"
    search: str = ""
    wish: tuple[int, str] | None = None
    pins: dict[str, list[int]] = field(default_factory=dict)
    pixel: tuple[int, int] | None = None
    target: str | None = None
    mode: str = "beside"
    lock: bool = False
    scope: str = "channel"
    colour: bool = False
    chart: str = "max"
    form: str | None = None
    log: bool = False
    notices: dict[str, str] = field(default_factory=dict)

    @property
    def record(self) -> Record:
        return record_at(self.run, self.layer, self.step)

    @property
    def steps(self) -> tuple[int, ...]:
        return zoo.RUNS[self.run]

    @property
    def shown_example(self) -> int:
        return min(self.example, len(self.record.stored) - 1)

    @property
    def subject(self) -> int | str:
        """The example that is shown, or what all of them are made into."""
        return self.pool_in(self.record) or self.shown_example

    def pool_in(self, there: Record) -> str | None:
        return self.pool if there.pools else None

    @property
    def coloured(self) -> bool:
        shown = self.record
        three = len(shown.ids) == 3 == len(shown.table) and len(shown.spatial) >= 2
        return self.colour and three and not self.difference

    @property
    def planes(self) -> np.ndarray:
        return self.record.planes(self.subject, self.depth)

    @property
    def lines(self) -> bool:
        """Whether channels are lines: signals of 32 positions and more, or where it was chosen."""
        shown = self.record
        by_length = "lines" if shown.spatial[0] >= 32 else "matrix"
        form = self.form if self.form in ("lines", "matrix") else by_length
        return shown.signal and form == "lines"

    @property
    def patches(self) -> bool:
        """Whether what is shown can lie over the input."""
        return self.layer == LOOKS and self.pool_in(self.record) is None

    @property
    def over(self) -> bool:
        """Whether attention lies over the input, and has the limits of what is seen there."""
        return self.form == "over" and self.patches

    def _seen(self, planes: np.ndarray) -> np.ndarray:
        return planes[..., SKIPPED:] if self.over else planes

    @property
    def noun(self) -> str:
        """What a channel is called."""
        return "head" if self.layer.endswith("attention_scores") else "channel"

    # What it is compared with.

    @property
    def other(self) -> tuple[Record, int | str, str] | None:
        """The record, the example and the name of the other side; None where there is none."""
        shown, example = self.record, self.subject
        what, _, value = (self.target or "").partition(":")
        if what == "run":
            if self.layer not in zoo.tags_of(value):
                return None
            step = min(zoo.RUNS[value], key=lambda s: (abs(s - shown.step), s))
            there = record(value, self.layer, step)
            example = self.pool_in(there) or self.shown_example
            return (there, example, f"step {step} of run {value}")
        if what == "example":
            at = int(value)
            return (shown, at, f"example {at}") if at < len(shown.stored) else None
        at = self.steps.index(shown.step)
        if what == "previous" and at > 0:
            step = self.steps[at - 1]
        elif what == "first":
            step = self.steps[0]
        elif what == "step":
            step = record_at(self.run, self.layer, int(value)).step
        else:
            return None
        return record(self.run, self.layer, step), example, f"step {step}"

    @property
    def fitting(self) -> tuple[Record, int | str, str] | None:
        """The other side, where the mode can show it."""
        other, shown = self.other, self.record
        if other is None or other[0].spatial != shown.spatial:
            return None
        beside = self.mode == "beside" and not shown.matrix
        same = other[0].ids == shown.ids and len(other[0].ids) == len(shown.ids)
        return other if beside or same else None

    @property
    def difference(self) -> bool:
        return self.mode == "difference" and self.fitting is not None

    def other_plane(self, position: int) -> np.ndarray | None:
        """The same channel on the other side."""
        if self.fitting is None or self.mode == "difference":
            return None
        there, example, _ = self.fitting
        identity = self.record.ids[position]
        if identity not in there.ids:
            return None
        return there.planes(example, self.depth)[there.ids.index(identity)]

    def lost_zeros(self, position: int, other: bool = False) -> bool:
        """Whether more zeros are stored of a channel than the statistics of all values count."""
        shown, planes = self.record, self.planes
        if self.difference:
            return False
        if other:
            there, example, _ = self.fitting  # type: ignore[misc]
            # Of another run there are no statistics here.
            if there.run != self.run:
                return False
            planes = there.planes(example, self.depth)
        else:
            there = shown
        chosen = range(3) if position == RGB else [position]
        at = [there.ids.index(shown.ids[p]) for p in chosen]
        stored = (planes[at] == 0).sum()
        counted = sum(there.table[there.ids[p], 4] for p in at) * 4 * there.stored[0, ..., 0].size
        return stored > counted * (1 + 1e-6) + 0.5

    # Limits.

    def limits(self, position: int) -> tuple[float, float]:
        """Min–max of the channel or the layer, over both sides, or over all steps where locked."""
        if self.difference:
            values = self._seen(self.shown_values(None if self._joint else position))
            reach = np.abs(spread(values)).max()
            return (-reach, reach) if reach > 0 else (0.0, 1.0)
        scope = None if self._joint or position == RGB else position
        own = spread(self._seen(self.planes if scope is None else self.planes[scope]))
        if self.lock:
            own = self._locked(scope) or own
        return widened(*union([own, *self._other_spans(scope)]))

    def log_from(self, position: int) -> float | None:
        """The value from which on a log scale begins; None where the scale is linear."""
        scope = None if self._joint or position == RGB else position
        own = self.planes if scope is None else self.planes[scope]
        lowest = union([spread(self._seen(own)), *self._other_spans(scope)])[0]
        lo, hi = self.limits(position)
        if not self.log or self.lines or self.difference or lowest < 0:
            return None
        return max(lo, hi * 1e-6)

    @property
    def _joint(self) -> bool:
        return self.scope == "layer" or self.record.matrix or self.coloured

    def _other_spans(self, scope: int | None) -> list[tuple[float, float]]:
        if scope is not None:
            plane = self.other_plane(scope)
            return [] if plane is None else [spread(self._seen(plane))]
        if self.fitting is None or self.mode == "difference":
            return []
        there, example, _ = self.fitting
        return [spread(self._seen(there.planes(example, self.depth)))]

    def _locked(self, scope: int | None) -> tuple[float, float] | None:
        tables = [record(self.run, self.layer, step).table for step in self.steps]
        if scope is None:
            spans = [(row[0], row[1]) for table in tables for row in table]
        else:
            identity = self.record.ids[scope]
            spans = [tuple(t[identity, :2]) for t in tables if identity < len(t)]
        lo, hi = union(spans)
        return (outward(lo, np.floor), outward(hi, np.ceil)) if lo <= hi else None

    def shown_values(self, position: int | None) -> np.ndarray:
        """`[h, w]` of a channel (None: all planes) as on the screen: a difference where that is."""
        planes = self.planes
        if self.difference:
            there, example, _ = self.fitting  # type: ignore[misc]
            with np.errstate(invalid="ignore"):
                planes = planes - there.planes(example, self.depth)
        return planes if position is None else planes[position]

    # Order.

    @property
    def sort_key(self) -> str:
        return self.sort or ("index" if len(self.record.ids) <= 256 else "max")

    def order_key(self) -> tuple:
        """What makes a new order at once."""
        pixel = self.pixel if self.sort_key == "pixel" else None
        shown = self.record
        return (self.run, self.layer, shown.ids, self.coloured, self.sort_key, self.show,
                self.search, pixel)  # fmt: skip

    @property
    def unsorted(self) -> bool:
        """Whether there is nothing to sort by: no step before the first, no attribution."""
        unexplained = self.sort_key == "attribution" and self.added() is None
        return unexplained or (self.sort_key == "change" and self.record.step == self.steps[0])

    def added(self) -> np.ndarray | None:
        """What each channel adds to the score of the shown example, where that is known."""
        taken = f"attribution/gradient_x_input/{self.layer}"
        if taken not in zoo.tags_of(self.run):
            return None
        stored = record(self.run, taken, self.record.step).stored[self.shown_example]
        return stored.reshape(-1, stored.shape[-1]).sum(axis=0)[list(self.record.ids)]

    def sort_values(self) -> np.ndarray:
        """By position, largest first; NaN goes last."""
        shown, key = self.record, self.sort_key
        if key == "index":
            return -np.arange(len(shown.ids), dtype=float)
        if key == "pixel":
            return self._at_pixel()
        if key == "change":
            return self._change()
        if key == "growth":
            return self._growth()
        if key == "attribution":
            added = self.added()
            return np.full(len(shown.ids), np.nan) if added is None else added
        name, *every = key.split("-")
        if every:
            return shown.table[list(shown.ids), COLUMNS.index(name)].astype(np.float32)
        return self._own(name)

    def _own(self, name: str) -> np.ndarray:
        """A statistic of what is shown of each channel, of what is finite."""
        planes = self.planes.reshape(len(self.planes), -1).astype(np.float64)
        if self.record.dense:
            planes = planes[:, [self.shown_example]]
        finite = [plane[np.isfinite(plane)] for plane in planes]
        take = {"max": np.max, "mean": np.mean, "std": np.std}
        if name == "zeros":
            return (planes == 0).mean(axis=1)
        return np.array([take[name](plane) if plane.size else np.nan for plane in finite])

    def _growth(self) -> np.ndarray:
        """Of the RMS over all examples since the first step; NaN where it was not there then."""
        now, first = self.record, record(self.run, self.layer, self.steps[0])
        ids = list(now.ids)
        then = np.full((max(ids) + 1, 6), np.nan)
        then[: len(first.table)] = first.table[: len(then)]
        rms = [np.hypot(table[ids, 2], table[ids, 3]) for table in (now.table, then)]
        return rms[0] - rms[1]

    def _at_pixel(self) -> np.ndarray:
        planes = self.planes
        x, y = self.pixel or (-1, -1)
        inside = 0 <= x < planes.shape[2] and 0 <= y < planes.shape[1]
        return planes[:, y, x] if inside else np.full(len(planes), np.nan)

    def _change(self) -> np.ndarray:
        shown, planes = self.record, self.planes
        nothing = np.full(len(planes), np.nan)
        at = self.steps.index(shown.step)
        if at == 0:
            return nothing
        before = record(self.run, self.layer, self.steps[at - 1])
        if self.shown_example >= len(before.stored):
            return nothing
        there = before.planes(self.pool_in(before) or self.shown_example, self.depth)
        if there.shape[1:] != planes.shape[1:]:
            return nothing
        for position, identity in enumerate(shown.ids):
            if identity in before.ids:
                with np.errstate(invalid="ignore"):
                    delta = planes[position] - there[before.ids.index(identity)]
                delta = delta[np.isfinite(delta)]
                if delta.size:
                    nothing[position] = np.sqrt((delta**2).mean())
        return nothing

    def kept_cells(self) -> list[int]:
        """The positions that pass filter and search."""
        shown = self.record
        rows = shown.table[list(shown.ids)]
        lo, hi, zeros, bad = rows[:, 0], rows[:, 1], rows[:, 4], rows[:, 5]
        tests = {
            "all": np.ones(len(rows), bool),
            "active": lo < hi,
            "dead": zeros == 1,
            "constant": (lo == hi) & (bad == 0) & (zeros != 1),
            "nonfinite": bad > 0,
        }
        wanted = self._wanted()
        return [
            position
            for position in np.flatnonzero(tests[self.show]).tolist()
            if wanted is None or shown.ids[position] in wanted
        ]

    def pinned(self) -> list[int]:
        """The positions that stand first, as they were pinned."""
        shown, kept = self.record, self.kept_cells()
        ids = [i for i in self.pins.get(self.layer, []) if i in shown.ids]
        return [p for i in ids if (p := shown.ids.index(i)) in kept]

    def _wanted(self) -> set[int] | None:
        """Ids that the search names; None where it names none that are there."""
        parts = [part.split("-") for part in self.search.replace(" ", "").split(",") if part]
        if not parts:
            return None
        found: set[int] = set()
        for part in parts:
            first, last = int(part[0]), int(part[-1])
            if first >= len(self.record.table):
                return None
            found |= set(range(first, min(last, len(self.record.table) - 1) + 1))
        return found if found & set(self.record.ids) else None
