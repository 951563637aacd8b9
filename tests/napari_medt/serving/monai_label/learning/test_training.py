"""One order at a time; what cannot be learnt is said in the task, and ends it."""

from __future__ import annotations

from threading import Event

import pytest
from served_scans import wait_for

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.learning_process import Order
from napari_medt.serving.monai_label.learning.training import Trainer
from src_models.errors import UserError


def ended(trainer):
    wait_for(lambda: not trainer.running)
    return trainer.task


def test_two_orders_at_once_are_one_too_many_and_after_a_stop_the_next_waits_its_turn():
    go_on, asked = Event(), []

    def prepare(model, chosen):
        asked.append((model, dict(chosen)))
        go_on.wait(60)
        raise Refusal(400, "nothing to learn")

    trainer = Trainer(prepare, lambda *_: None)
    assert trainer.task is None
    with pytest.raises(Refusal) as refused:
        trainer.stop()
    assert refused.value.status == 404
    trainer.start(["a", "b"], {"a": {"steps": 1}})
    with pytest.raises(Refusal) as refused:
        trainer.start(["a"], {})
    assert refused.value.status == 429
    wait_for(lambda: asked)
    assert trainer.stop()["status"] == "STOPPED"
    assert trainer.start(["c"], {"steps": 2})["status"] == "RUNNING"
    go_on.set()
    task = ended(trainer)
    assert (task["status"], task["details"][-1]) == ("ERROR", "c: nothing to learn")
    assert asked == [("a", {"steps": 1}), ("c", {"steps": 2})]  # b was not begun after the stop


def test_of_several_models_one_that_cannot_learn_does_not_end_the_others(caplog):
    patient = "Jane Doe"

    def prepare(model, _chosen):
        raise {"a": UserError("too little"), "b": RuntimeError(patient)}[model]

    trainer = Trainer(prepare, lambda *_: None)
    trainer.start(["a", "b"], {})
    task = ended(trainer)
    assert [line.partition(":")[0] for line in task["details"][1:]] == ["a", "b"]
    assert "RuntimeError" in task["details"][-1]
    assert patient not in caplog.text + str(task)
    with pytest.raises(Refusal):
        trainer.start([], {})


def test_a_model_that_is_gone_is_said_by_its_process(tmp_path):
    order = Order(model=str(tmp_path / "gone.safetensors"), folder=str(tmp_path / "set"))
    trainer = Trainer(lambda *_: order, lambda *_: None)
    trainer.start(["gone"], {})
    task = ended(trainer)
    assert task["status"] == "ERROR"
    assert task["details"][-1].startswith("gone: ")
    trainer.close()
