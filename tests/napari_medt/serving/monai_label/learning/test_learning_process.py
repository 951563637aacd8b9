"""What a process tells of its learning, line by line."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from napari_medt.serving.monai_label.learning import learning_process as module
from napari_medt.serving.monai_label.learning.learning_process import Order, told_of
from src_models.errors import OutputError
from src_models.finetuning.round import Learnt, Trouble


class Round:
    """A round whose disk is full for a while."""

    def __init__(self, full):
        self.full, self.stopped, self.resumed = full, False, 0

    def steps(self):
        yield SimpleNamespace(step=1, done=0.5, best_dice=0.25, seconds_left=2.0)
        for _ in range(self.full):
            yield Trouble("the disk is full")
            if self.stopped:
                raise OutputError("the disk is full")
        yield SimpleNamespace(step=2, done=1.0, best=(0.2, 0.4, 0.6), seconds_left=0.0)
        return Learnt(None, "Nothing was gained.")

    def resume(self):
        self.resumed += 1

    def stop(self):
        self.stopped = True


def run(monkeypatch, learning, orders=None):
    waited = []
    monkeypatch.setattr(module, "_round", lambda _order: learning)
    orders = orders if orders is not None else SimpleNamespace(__iter__=None)
    told = list(told_of(Order(model="m", folder="f"), orders, wait=waited.append))
    return told, waited


class Silence(io.StringIO):
    """A server that says nothing, and stays."""

    def __iter__(self):
        from threading import Event

        Event().wait()
        yield ""


def test_steps_are_told_with_the_best_of_either_kind_and_so_is_the_end(monkeypatch):
    told, waited = run(monkeypatch, Round(full=0), Silence())
    assert told == [
        {"step": 1, "done": 0.5, "best": 0.25, "left": 2.0},
        {"step": 2, "done": 1.0, "best": pytest.approx(0.4), "left": 0.0},
        {"ended": "Nothing was gained.", "version": None},
    ]
    assert not waited


def test_a_full_disk_is_waited_for_and_not_for_ever(monkeypatch):
    learning = Round(full=3)
    told, waited = run(monkeypatch, learning, Silence())
    assert [each for each in told if "trouble" in each] == [{"trouble": "the disk is full"}] * 3
    assert (learning.resumed, len(waited)) == (3, 3)
    assert "ended" in told[-1]
    learning = Round(full=10_000)
    told, waited = run(monkeypatch, learning, Silence())
    assert told[-1] == {"refused": "the disk is full"}
    assert sum(waited) <= 120


@pytest.mark.parametrize("orders", ["", "stop\n"])
def test_it_stops_when_told_to_and_when_the_server_is_gone(monkeypatch, orders):
    learning = Round(full=0)
    run(monkeypatch, learning, io.StringIO(orders))
    for _ in range(200):
        if learning.stopped:
            break
        import time

        time.sleep(0.01)
    assert learning.stopped


def test_what_nobody_foresaw_is_told_without_its_message(monkeypatch):
    patient = "Jane Doe"

    def broken(_order):
        raise RuntimeError(patient)

    monkeypatch.setattr(module, "_round", broken)
    (told,) = told_of(Order(model="m", folder="f"), Silence())
    assert told["failed"].startswith("RuntimeError")
    assert patient not in told["failed"]


def test_an_order_travels_as_one_line():
    order = Order(model="m", folder="f", settings={"steps": 3}, meaning="classes", names=("a\n", "ä"))
    assert "\n" not in order.to_json()
    assert Order.from_json(order.to_json()) == order
