"""What updates take of a training's time, and when that is said."""

from __future__ import annotations

import re

import pytest

from tb_activations.training.cost import Cost


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def trained(updates: int, update: float, between: float, first: float = 20) -> list[str]:
    """What is said over a training of so many updates after the first."""
    clock = Clock()
    cost = Cost(clock)
    said = []
    for i in range(updates + 1):
        cost.measure(lambda i=i: clock.pass_by(update if i else first))
        said.append(cost.complaint())
        clock.pass_by(between)
    return [one for one in said if one]


def test_the_cost_so_far_is_of_the_update_that_is_under_way():
    """Its seconds, and what all but the first took of the time since that one ended."""
    clock = Clock()
    cost = Cost(clock)
    found = []

    def update(seconds: float) -> None:
        clock.pass_by(seconds)
        found.append(cost.so_far())

    for seconds in (7, 1, 2):
        cost.measure(lambda seconds=seconds: update(seconds))
        clock.pass_by(8)
    assert found == [(7, None), (1, 1 / 9), (2, 3 / 19)]


@pytest.mark.parametrize(
    ("updates", "update", "between", "said"),
    [
        (40, 1.0, 9.0, 1),  # a tenth
        (40, 0.4, 9.6, 0),  # 4 %
        (2, 10.0, 10.0, 0),  # too few to tell
        (100, 0.02, 0.1, 0),  # over in 12 seconds
        (1000, 0.02, 0.1, 1),
    ],
)
def test_much_is_said_once(updates, update, between, said):
    """More than 5 % over half a minute and three updates; what the first took does not count."""
    assert len(trained(updates, update, between)) == said


def test_the_sentence_says_what_makes_it_less():
    """The share, what an update takes, and an update_freq with which it takes a twentieth."""
    (sentence,) = trained(400, 1.0, 4.0)
    assert "20% of the time" in sentence.replace("21%", "20%") and "1.0 s an update" in sentence
    rarer = int(re.search(r"1 time in (\d+)", sentence)[1])
    assert rarer in (4, 5, 6) and not trained(400 // rarer, 1.0, 4.0 * (rarer + 1))


def test_an_update_that_fails_counts():
    """What was raised is raised, and its time stands."""
    clock = Clock()
    cost = Cost(clock)

    def fail() -> None:
        clock.pass_by(5)
        raise OSError("full")

    for _ in range(12):
        with pytest.raises(OSError):
            cost.measure(fail)
    assert cost.complaint() is not None
