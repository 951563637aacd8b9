"""Questions that come faster than they are answered: the latest counts, and after leaving there is silence."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from napari_medt.running.latest_question import LatestQuestion
from src_models.errors import UserError


@pytest.fixture
def questions(qtbot):
    """What answers, and the lists that answers and refusals go to."""
    asked = LatestQuestion()
    answers, refusals = [], []
    asked.answered.connect(lambda answer: answers.append((answer, threading.get_ident())))
    asked.refused.connect(refusals.append)
    yield asked, answers, refusals
    asked.leave()


class Held:
    """A question that takes until it is let go."""

    def __init__(self, answer):
        self.answer = answer
        self.begun, self.release, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.release.wait(20)
        self.ended.set()
        return self.answer


def answered(answers):
    return [answer for answer, _ in answers]


def test_of_ten_questions_asked_meanwhile_only_the_last_is_answered(questions, qtbot):
    asked, answers, refusals = questions
    called = []

    def question(number):
        called.append(number)
        return number

    held = Held("first")
    asked.ask(held)
    assert held.begun.wait(10)
    for number in range(10):
        asked.ask(partial(question, number))
    assert asked.busy
    held.release.set()
    qtbot.waitUntil(lambda: len(answers) == 2)
    assert answered(answers) == ["first", 9]
    assert called == [9]
    qtbot.waitUntil(lambda: not asked.busy)
    qtbot.wait(50)
    assert (len(answers), refusals) == (2, [])


def test_questions_are_worked_out_beside_the_gui_and_told_in_it(questions, qtbot):
    asked, answers, _ = questions
    asked.ask(threading.get_ident)
    qtbot.waitUntil(lambda: len(answers) == 1)
    [(worker, told)] = answers
    assert told == threading.get_ident() != worker


def test_questions_at_rest_are_all_answered_in_their_order(questions, qtbot):
    asked, answers, _ = questions
    for number in range(3):
        asked.ask(partial(int, number))
        qtbot.waitUntil(lambda wanted=number: answered(answers) == list(range(wanted + 1)))


def test_what_a_person_can_act_on_is_told_as_it_is(questions, qtbot):
    asked, answers, refusals = questions

    def question():
        raise UserError("the place (9, 9) lies outside of the image")

    asked.ask(question)
    qtbot.waitUntil(lambda: len(refusals) == 1)
    assert (answers, refusals) == ([], ["the place (9, 9) lies outside of the image"])


def test_what_was_not_foreseen_is_told_and_logged_and_later_questions_are_answered(questions, qtbot, caplog):
    asked, answers, refusals = questions

    def question():
        raise ZeroDivisionError("by nought")

    held = Held("first")
    asked.ask(held)
    assert held.begun.wait(10)
    asked.ask(question)
    held.release.set()
    qtbot.waitUntil(lambda: len(refusals) == 1)
    [sentence] = refusals
    assert sentence == (
        "This failed in a way that was not foreseen (ZeroDivisionError: by nought). Nothing was changed; the log has "
        "the details for a bug report."
    )
    assert caplog.records[0].exc_info[0] is ZeroDivisionError
    asked.ask(lambda: "later")
    qtbot.waitUntil(lambda: len(answers) == 2)
    assert answered(answers) == ["first", "later"]


def test_a_dropped_question_is_never_asked_and_the_one_under_way_is_answered(questions, qtbot):
    asked, answers, _ = questions
    held, called = Held("first"), []
    asked.ask(held)
    assert held.begun.wait(10)
    asked.ask(lambda: called.append("dropped"))
    asked.drop()
    held.release.set()
    qtbot.waitUntil(lambda: len(answers) == 1 and not asked.busy)
    assert (answered(answers), called) == (["first"], [])


def test_leaving_waits_for_the_question_under_way_and_tells_nothing_more(questions, qtbot):
    asked, answers, refusals = questions
    held, called = Held("first"), []
    asked.ask(held)
    assert held.begun.wait(10)
    asked.ask(lambda: called.append("waiting"))
    timer = threading.Timer(0.2, held.release.set)
    timer.start()
    asked.leave()
    assert held.ended.is_set()
    asked.ask(lambda: called.append("after"))
    qtbot.wait(100)
    assert (answers, refusals, called) == ([], [], [])


def test_an_answer_that_is_on_its_way_when_one_leaves_is_not_told(questions, qtbot):
    """The answer was worked out, but the GUI thread has been busy since: who listens may be gone by now."""
    asked, answers, refusals = questions
    asked.ask(lambda: "answer")
    end = time.monotonic() + 10
    while asked.busy and time.monotonic() < end:  # without the event loop
        time.sleep(0.01)
    assert not asked.busy
    asked.leave()
    qtbot.wait(100)
    assert (answers, refusals) == ([], [])
    asked.leave()  # twice does no harm
