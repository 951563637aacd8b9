"""Time counted in work: a busy machine makes learning longer, not less; clocks are given, so that nothing is timed."""

from __future__ import annotations

import time

import pytest

from src_models.training.rounds.work import Clocks, WorkBudget, clocks_of, is_busy, words_of_time_left


class Machine:
    """A machine on which work takes `busy` times as long as on an idle one."""

    def __init__(self, busy: float = 1.0) -> None:
        self.busy = busy
        self.worked = self.waited = 0.0
        self.clocks = Clocks(lambda: self.worked, lambda: self.waited)

    def work(self, budget: WorkBudget, seconds: float) -> None:
        with budget.working():
            self.worked += seconds
            self.waited += seconds * self.busy

    def idle(self, seconds: float) -> None:
        self.waited += seconds


def steps_made(busy: float, **options: float) -> int:
    """Return how many steps of 0.5 s of work a budget of 20 s gives."""
    machine, step = Machine(busy), 0
    budget = WorkBudget(**{"steps": 1000, "seconds": 20, **options}, clocks=machine.clocks)
    while budget.progress(step) < 1:
        machine.work(budget, 0.5)
        step += 1
    return step


@pytest.mark.parametrize("busy", [1, 1.7, 5.9])
def test_a_busy_machine_gives_as_many_steps_as_an_idle_one(busy):
    assert steps_made(busy) == 40
    assert steps_made(busy, steps=30) == 30


def test_after_six_times_the_time_it_ends_and_says_why():
    assert steps_made(12) == 20
    machine = Machine(12)
    budget = WorkBudget(1000, 20, machine.clocks)
    for _ in range(20):
        machine.work(budget, 0.5)
    assert budget.left(20) == 0
    assert budget.cut_short(20) == (
        "This computer was so busy that learning ended after 2 min with 50% of its work done; it gains more when less "
        "runs beside it. "
    )


@pytest.mark.parametrize("busy", [1, 5.9])
def test_what_came_to_its_end_was_not_cut_short(busy):
    machine = Machine(busy)
    budget = WorkBudget(1000, 20, machine.clocks)
    machine.work(budget, 20)
    assert budget.progress(7) == 1
    assert budget.cut_short(7) == ""


def test_the_time_left_is_that_of_a_persons_clock():
    machine = Machine()
    budget = WorkBudget(1000, 100, machine.clocks)
    for _ in range(40):
        machine.work(budget, 1)
    assert budget.left(40) == budget.idle_left(40) == 60
    machine.busy = 3  # another program begins; what went by before it began says nothing of what is left
    for _ in range(20):
        machine.work(budget, 1)
    assert budget.idle_left(60) == 40
    assert budget.left(60) == pytest.approx(120)
    machine.busy = 1  # and ends
    for _ in range(20):
        machine.work(budget, 1)
    assert budget.left(80) == pytest.approx(20)


def test_the_steps_that_are_left_may_take_less_than_the_time_that_is():
    machine = Machine(2)
    budget = WorkBudget(10, 100, machine.clocks)
    for _ in range(4):
        machine.work(budget, 1.5)
    assert budget.idle_left(4) == pytest.approx(9)
    assert budget.left(4) == pytest.approx(18)


def test_nothing_of_a_pause_counts():
    machine = Machine()
    budget = WorkBudget(1000, 20, machine.clocks)
    machine.work(budget, 5)
    machine.idle(3600)
    machine.work(budget, 5)
    assert budget.progress(2) == 0.5
    assert budget.left(2) == 10


def test_what_it_took_to_begin_does_not_decide_the_first_step():
    machine = Machine()
    budget = WorkBudget(1000, 20, machine.clocks)
    machine.work(budget, 15)
    assert budget.progress(0) == 0
    assert budget.progress(1) == 0.75


def test_a_person_is_told_only_of_what_makes_a_difference():
    assert words_of_time_left(55, 50) == "At most 55 s left."
    assert words_of_time_left(8, 4) == "At most 8 s left."
    assert words_of_time_left(130, 50) == "This computer is busy: about 2 min 10 s more instead of 50 s."
    assert is_busy(130, 50)
    assert not is_busy(55, 50)


def test_a_processor_counts_what_the_thread_computed_and_a_graphics_card_the_time():
    cpu, card = clocks_of("cpu"), clocks_of("cuda")
    assert cpu.work is time.thread_time
    assert card.work is card.wall is cpu.wall is time.monotonic
