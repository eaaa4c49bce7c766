"""Work on several threads: in order, none left behind."""

from __future__ import annotations

import threading
import time

import pytest

from clem_retrace.parallel import in_order, threads, with_threads


@pytest.mark.parametrize("number", [1, 2, 5])
def test_values_come_in_the_order_of_the_items(number: int) -> None:
    def later_the_smaller(item: int) -> int:
        time.sleep(0.002 * (10 - item))
        return item * item

    with with_threads(number):
        assert list(in_order(later_the_smaller, range(10))) == [n * n for n in range(10)]


def test_so_many_threads_as_asked_for_compute_at_once() -> None:
    both = threading.Barrier(2, timeout=10)
    with with_threads(2):
        # Each waits for the other: with one thread the barrier would break.
        assert len(list(in_order(lambda _: both.wait(), range(2)))) == 2


def test_only_a_few_items_are_taken_ahead() -> None:
    taken = []

    def items():  # type: ignore[no-untyped-def]
        for number in range(100):
            taken.append(number)
            yield number

    with with_threads(2):
        values = in_order(abs, items())
        assert next(values) == 0
        assert len(taken) <= 4
        values.close()  # type: ignore[attr-defined]


def test_an_error_comes_out_and_no_thread_is_left() -> None:
    before = threading.active_count()

    def fails(item: int) -> int:
        if item == 3:
            raise ValueError("the third")
        return item

    with with_threads(2), pytest.raises(ValueError, match="the third"):
        list(in_order(fails, range(10)))
    assert threading.active_count() == before


def test_closing_leaves_no_thread() -> None:
    before = threading.active_count()
    with with_threads(3):
        values = in_order(lambda item: time.sleep(0.01) or item, range(50))
        next(values)
        values.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_the_number_of_threads_holds_for_the_body_only() -> None:
    usual = threads()
    assert usual >= 1
    with with_threads(usual + 3):
        assert threads() == usual + 3
    assert threads() == usual
