"""A round of learning goes on while something is gained, keeps the best, and can be ended at any moment."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from toy_classes import toy_header

from src_models.errors import DataSetError, UserError
from src_models.models.checkpoint import Model
from src_models.training.fabric import descend
from src_models.training.rounds import judged_learning as module
from src_models.training.rounds.blends import Blend
from src_models.training.rounds.judged_learning import JudgedLearning
from src_models.training.rounds.settings import RoundSettings
from src_models.training.rounds.work import Clocks


class Level(torch.nn.Module):
    """A number that learns to be another."""

    def __init__(self, level: float = 0.0) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(level))

    def forward(self, wanted: torch.Tensor) -> torch.Tensor:
        return (self.level - wanted) ** 2


class Scores:
    """Gives scores that are told beforehand, and nothing for those that are None."""

    def __init__(self, scores):
        self.first, self.knew, self._scores = 0.0, 0.7, iter(scores)

    def best(self, learnt):
        score = next(self._scores)
        return None if score is None else Blend(score, {"level": torch.tensor(float(score))})


class Round(JudgedLearning[float]):
    def __init__(self, scores=(), loss=lambda loss: loss, **settings):
        told = {"steps": 100, "batch": 1, "learning_rate": 0.1, "replay": 0.0, "validate_every": 2, "patience": 3}
        super().__init__(
            Model(Level(), toy_header(name="level")),
            RoundSettings(**{**told, "seconds": 1e6, "device": "cpu", **settings}),
            -1.0,
        )
        self._scores, self._loss, self.rates, self.begun = scores, loss, [], 0

    def _begin(self):
        self.begun += 1

    def _make_judge(self, device):
        return Scores(self._scores)

    def _teach(self, fabric, network, optimizer):
        self.rates.append(optimizer.param_groups[0]["lr"])
        loss = self._loss(network(torch.tensor(5.0)))
        return float(descend(fabric, network, optimizer, loss, step=f"learning step {self._step + 1}", examples="toys"))

    def _is_gain(self, blend):
        return blend.validation > self._best

    def _header(self):
        return toy_header(training=self._training("knew_level", best=self._best))

    def _sentence(self, best):
        return f"{best}, forgot: {self._forgot}."


def learn(*scores, **settings):
    learning = Round(scores or itertools.repeat(0.0), **settings)
    return learning, list(learning.steps())


def test_the_best_of_all_that_was_judged_is_kept():
    learning, updates = learn(0.3, 0.5, 0.4, 0.6, 0.1, steps=10)
    judged = {update.step: update for update in updates if update.validation is not None}
    assert {step: update.validation for step, update in judged.items()} == {
        0: 0.0, 2: 0.3, 4: 0.5, 6: 0.4, 8: 0.6, 10: 0.1,
    }  # fmt: skip
    assert [step for step, update in judged.items() if update.improved] == [2, 4, 8]
    assert [update.best for update in judged.values()] == [0, 0.3, 0.5, 0.5, 0.6, 0.6]
    result = learning.result()
    assert (result.start, result.best, result.steps, result.sentence) == (0.0, 0.6, 10, "0.6, forgot: False.")
    assert float(result.model.network.level) == pytest.approx(0.6)
    training = result.model.header.training
    assert (training["step"], training["knew_level"], training["finetuned_from"]) == (8, 0.7, "level")


def test_it_ends_when_nothing_was_gained_so_often():
    learning, updates = learn(0.3, 0.3, 0.2, 0.1, 0.9)
    assert learning.result().steps == 2 * 4, "the three validations after the first gained nothing"
    assert updates[-1].best == 0.3


def test_what_forgets_at_each_validation_is_told():
    learning, _ = learn(None, None, None)
    assert learning.result().model is None
    assert learning.result().sentence == "None, forgot: True."
    assert "True" not in learn(0.3, None, None, None)[0].result().sentence, "what was kept forgot nothing"


def test_stopped_between_two_validations_it_judges_once_more():
    learning = Round([0.4], validate_every=50)
    steps = learning.steps()
    for update in steps:
        if update.step == 3:
            learning.stop()
    assert (update.step, update.validation, update.improved) == (3, 0.4, True)
    assert learning.begun == 1


def test_closed_at_any_moment_it_has_the_best():
    learning = Round([0.4, 0.5])
    steps = learning.steps()
    while next(steps).step < 3:
        pass
    steps.close()
    assert float(learning.best().network.level) == pytest.approx(0.4)
    assert float(learning.preview().network.level) == pytest.approx(0.4)


def test_the_rate_rises_and_goes_down_along_a_cosine():
    learning, updates = learn(steps=40, validate_every=40)
    done = np.arange(40) / 40
    expected = [0.1 * min((each + 0.001) / 0.05, 1) * 0.5 * (1 + math.cos(math.pi * each)) for each in done]
    assert learning.rates == pytest.approx(expected)
    assert [update.done for update in updates] == pytest.approx([*done, 1.0])


def test_the_loss_is_the_mean_since_the_last_validation():
    _, updates = learn(*range(9), steps=4, loss=lambda loss: loss * 0 + 3)
    assert [update.loss for update in updates[1:]] == [3, 3, 3, 3]
    assert math.isnan(updates[0].loss)
    numbers = itertools.count(1)
    _, updates = learn(*range(9), steps=4, loss=lambda loss: loss * 0 + next(numbers))
    assert [update.loss for update in updates[1:]] == [1, 1.5, 3, 3.5]


def test_the_time_that_is_left_is_that_of_a_busy_machine(monkeypatch):
    worked = itertools.count()
    last = [0]

    def work():
        last[0] = next(worked)
        return float(last[0])

    monkeypatch.setattr(module, "clocks_of", lambda device: Clocks(work, lambda: 3.0 * last[0]))
    _, updates = learn(seconds=10, validate_every=50)
    assert [update.step for update in updates[:-1]] == list(range(10)), "beginning takes a second, and so does a step"
    assert [update.seconds_idle for update in updates[:-1]] == list(range(9, -1, -1))
    assert [update.seconds_left for update in updates[:-1]] == [3 * left for left in range(9, -1, -1)]


def test_a_loss_that_is_no_number_is_a_sentence_and_the_best_stays():
    losses = iter([1.0, 1.0, math.nan])
    learning = Round([0.5], loss=lambda loss: loss * next(losses))
    with pytest.raises(DataSetError, match=r"learning step 3: the loss is not a number; .* values in the toys"):
        list(learning.steps())
    assert float(learning.best().network.level) == 0.5


def test_the_model_it_began_with_stays():
    learning, _ = learn(0.9, steps=2)
    assert float(learning._parent.network.level) == 0
    assert float(learning._network.level) > 0


def test_a_device_that_is_not_there_is_a_sentence():
    with pytest.raises(UserError, match="device 'abacus'"):
        next(Round(device="abacus").steps())
