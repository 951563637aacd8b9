"""Questions to a worker thread: each answer comes to who asked, in the thread that asked."""

from __future__ import annotations

import threading

import pytest

from napari_medt.running.ordered_work import OrderedWork
from napari_medt.running.questions import Questions
from src_models.errors import UserError


@pytest.fixture
def work(qtbot):
    work = OrderedWork("test")
    yield work
    work.leave()


@pytest.fixture
def asked(work, qtbot):
    """Questions, the sentences that a person was told, and a function that waits for all answers."""
    told = []
    return Questions(work, told.append), told, lambda: qtbot.waitUntil(lambda: work.untold == 0)


def test_answers_come_in_order_to_who_asked_in_the_thread_that_asked(asked):
    questions, told, wait = asked
    heard, threads = [], []

    def answer(number):
        threads.append(threading.current_thread())
        return number

    for number in range(4):
        questions.ask(
            lambda number=number: answer(number),
            lambda result, number=number: heard.append((number, result, threading.current_thread())),
        )
    wait()
    assert heard == [(number, number, threading.main_thread()) for number in range(4)]
    assert len(set(threads)) == 1
    assert threading.main_thread() not in threads
    assert told == []


def refuse():
    raise UserError("no such thing")


def test_a_refusal_comes_to_who_asked_or_else_a_person_is_told(asked):
    questions, told, wait = asked
    heard, results = [], []
    questions.ask(refuse, results.append, refused=heard.append)
    questions.ask(refuse, results.append)
    wait()
    assert (heard, told, results) == (["no such thing"], ["no such thing"], [])


def test_steps_are_heard_and_what_is_interrupted_gives_none(asked):
    questions, _, wait = asked
    begun, steps, ends = threading.Event(), [], []

    def count(upto):
        for number in range(upto):
            yield number
            begun.set()
        return upto

    questions.ask_steps(lambda: count(3), ends.append, stepped=steps.append)
    wait()
    assert (steps, ends) == ([0, 1, 2], [3])
    begun.clear()

    def for_ever():
        while True:
            yield begun.set()

    questions.ask_steps(for_ever, ends.append, interruptible=True)
    questions.ask(lambda: "next", ends.append)
    wait()
    assert ends == [3, None, "next"]


def test_who_asks_the_work_without_questions_hears_for_himself(asked, work):
    _, told, wait = asked
    heard = []
    work.done.connect(lambda what, result: heard.append((what, result)))
    work.ask(("mine", None), lambda: 5)
    work.ask(("mine", None), refuse)
    wait()
    assert heard == [(("mine", None), 5)]
    assert told == ["no such thing"]
