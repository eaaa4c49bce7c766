"""From pair to pair: which is worked on, and which of its points is looked at."""

from __future__ import annotations

import pytest

from clem_retrace.plugin.landmarks.pairing import Past
from clem_retrace.plugin.landmarks.tour import Tour


class Looked:
    """A canvas that notes what is looked at."""

    def __init__(self):
        self.at = []

    def look(self, pair, which):
        self.at.append((pair, which))


@pytest.fixture
def looked():
    return Looked()


@pytest.fixture
def tour(desk, looked, pairing, facts):
    """Five pairs, in the order 3, 1, 4, 0, 2 as the table might show them."""
    desk.take_up(Past(pairing), *facts)
    return Tour(desk, looked, lambda: (3, 1, 4, 0, 2))


def test_steps_follow_the_order_that_is_shown_and_come_round(tour, desk, looked):
    for _ in range(6):
        tour.step(1)
    assert [pair for pair, _ in looked.at] == [3, 1, 4, 0, 2, 3]
    assert desk.chosen == 3
    tour.step(-1)
    assert looked.at[-1] == (2, "lm")


def test_the_first_step_back_is_to_the_last(tour, desk):
    tour.step(-1)
    assert desk.chosen == 2


def test_a_pair_that_is_no_longer_shown_is_left_for_the_first(desk, looked, pairing, facts):
    desk.take_up(Past(pairing), *facts)
    desk.choose(4)
    Tour(desk, looked, lambda: (2, 0)).step(1)
    assert desk.chosen == 2


def test_without_pairs_there_is_nothing_to_go_to(desk, looked):
    tour = Tour(desk, looked, tuple)
    tour.step(1)
    tour.hop()
    tour.confirm()
    assert (desk.chosen, looked.at) == (None, [])


def test_hopping_goes_to_the_partner_and_back(tour, looked):
    tour.go(1)
    tour.hop()
    tour.hop()
    assert looked.at == [(1, "lm"), (1, "em"), (1, "lm")]


def test_of_a_pair_to_be_checked_the_prediction_is_looked_at(tour, desk, looked):
    desk.add_to_check([(60, 70)])
    tour.go(5)
    assert looked.at[-1] == (5, "em")
    tour.hop()
    assert looked.at[-1] == (5, "lm")


def test_where_nothing_is_predicted_the_point_that_is_there_is_looked_at(desk, looked):
    tour = Tour(desk, looked, lambda: (0,))
    desk.click("em", (300, 400))
    tour.go(0)
    assert looked.at == [(0, "em")]


def test_confirming_goes_on_to_the_next_that_is_to_be_checked(tour, desk, looked):
    desk.add_to_check([(60, 70), (70, 90)])
    tour = Tour(desk, looked, lambda: (6, 5, 0, 1, 2, 3, 4))
    tour.go(5)
    tour.confirm()
    assert desk.pairing.unconfirmed == (6,)
    assert desk.chosen == 6
    assert looked.at[-1] == (6, "em")
    tour.confirm()
    assert not desk.pairing.unconfirmed
    # There is none left to go to.
    assert looked.at[-1] == (6, "em")


def test_confirming_what_cannot_be_leads_nowhere(desk, looked, qtbot):
    desk.click("lm", (40, 50))
    tour = Tour(desk, looked, lambda: (0,))
    tour.go(0)
    with qtbot.waitSignal(desk.told) as told:
        tour.confirm()
    assert "Nothing is predicted yet" in told.args[0]
    assert looked.at == [(0, "lm")]
