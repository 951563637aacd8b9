"""Learning step by step, judged as it goes: a person can look at it, pause it and end it at any moment with the best.

The network's own norms keep the statistics they were trained with: a handful of examples would give worse ones, and
what a person gave would be answered otherwise when it is learnt from than afterwards.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric

from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.training.fabric import fastest_order, make_fabric
from src_models.training.rounds.blends import Blend, Judge
from src_models.training.rounds.progress import RoundResult, RoundUpdate
from src_models.training.rounds.settings import RoundSettings
from src_models.training.rounds.work import WorkBudget, clocks_of

__all__ = ["JudgedLearning"]

WARM_UP = 0.05  # share of the learning time

Score = TypeVar("Score")


class JudgedLearning(ABC, Generic[Score]):
    """One round of learning; nothing is computed before :meth:`steps`.

    What teaches, what judges, and what is worth another model is up to who inherits it.

    Parameters
    ----------
    model
        What learning begins with; it stays as it is.
    settings
        How to learn.
    unjudged
        What is told for a score before the network was judged.

    Attributes
    ----------
    settings
        How it learns.
    """

    update_type: ClassVar[type[RoundUpdate[Any]]] = RoundUpdate
    result_type: ClassVar[type[RoundResult[Any]]] = RoundResult

    def __init__(self, model: Model, settings: RoundSettings, unjudged: Score) -> None:
        self.settings = settings
        self._parent = model
        self._network = copy.deepcopy(model.network).eval()
        self._learning: Sequence[Any] = list(self._network.parameters())  # or groups of them
        self._judge: Judge[Score] | None = None
        self._kept: Blend[Score] | None = None  # the best
        self._shown: Blend[Score] | None = None  # that was judged last
        self._start = unjudged
        self._step = self._best_step = 0
        self._budget = WorkBudget(settings.steps, settings.seconds)
        self._stopping = self._forgot = False
        self._trouble = ""
        self._leads = True

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes, where several learn together."""
        return self._leads

    def stop(self) -> None:
        """End after the present step and a validation, with the best found; may be called from another thread."""
        self._stopping = True

    def steps(self) -> Generator[RoundUpdate[Score], None, RoundResult[Score]]:
        """Learn, one step after each other; closing the generator ends it, and the best stays in :meth:`result`.

        Time is counted in work (:mod:`src_models.training.rounds.work`), and none goes by between steps: to pause, do
        not ask for the next step.

        Yields
        ------
        RoundUpdate
            At once, and after each step.

        Returns
        -------
        RoundResult
            When the generator is exhausted.

        Raises
        ------
        DataSetError
            If the loss is not a number any more.
        UserError
            If this machine does not have the device.
        """
        fabric = self._make_fabric()
        self._leads = bool(fabric.is_global_zero)
        self._budget.clocks = clocks_of(fabric.device.type)
        with reused_memory():
            yield from self._learn(fabric)
        return self.result()

    def preview(self) -> Model:
        """Return a copy of the network as it was last judged; to be called between two steps."""
        network = copy.deepcopy(self._network).cpu().requires_grad_(False)
        if self._shown is not None:
            network.load_state_dict(self._shown.weights)
        return Model(network.eval(), self._header())

    def best(self) -> Model | None:
        """Return the best network found so far, if it is better than the one that learning began with."""
        if self._kept is None:
            return None
        network = copy.deepcopy(self._parent.network)
        network.load_state_dict(self._kept.weights)
        return Model(network.eval(), self._header())

    def result(self) -> RoundResult[Score]:
        """Return how it ended, or how it stands."""
        gained = self._sentence(None if self._kept is None else self._kept.validation)
        sentence = self._trouble + self._budget.cut_short(self._step) + gained
        return self.result_type(self.best(), self._start, self._best, self._step, sentence)

    @property
    def _best(self) -> Score:
        return self._start if self._kept is None else self._kept.validation

    @abstractmethod
    def _begin(self) -> None:
        """Make ready what teaches."""

    @abstractmethod
    def _make_judge(self, device: torch.device) -> Judge[Score]:
        """Return what judges, with the network as it was judged."""

    @abstractmethod
    def _teach(self, fabric: Fabric, network: Any, optimizer: Any) -> float:
        """Make a step, and return its loss."""

    @abstractmethod
    def _is_gain(self, blend: Blend[Score]) -> bool:
        """Whether a network is better than the best so far, and enough better than the first to be worth a model."""

    @abstractmethod
    def _header(self) -> ModelHeader:
        """Return the header of the best network."""

    @abstractmethod
    def _sentence(self, best: Score | None) -> str:
        """Return how it ended in words for people; None where no network is better than the first."""

    def _make_fabric(self) -> Fabric:
        return make_fabric(self.settings.device, 1)

    def _rate_of(self, group: Mapping[str, Any], rate: float, done: float) -> float:
        """Return the learning rate of a group of parameters, given the usual one and the share that is done."""
        return rate

    def _training(self, knew: str, **facts: Any) -> dict[str, Any]:
        """Return what a header tells of the round; `knew` names how well the first network knew what it was taught."""
        known = {} if self._judge is None or self._judge.knew is None else {knew: self._judge.knew}
        return {
            **known,
            "finetuned_from": self._parent.header.name,
            "parent_training": dict(self._parent.header.training),
            "settings": self.settings.as_dict(),
            "step": self._best_step or self._step,
            "versions": package_versions("torch", "monai"),
            **facts,
        }

    def _learn(self, fabric: Fabric) -> Generator[RoundUpdate[Score], None, None]:
        with self._budget.working():
            torch.manual_seed(self.settings.seed)
            order = fastest_order(self._parent.header.dimensions)
            network: Any = self._network.to(memory_format=order)  # type: ignore[call-overload]
            optimizer: Any = torch.optim.AdamW(self._learning, lr=self.settings.learning_rate, weight_decay=0.0)
            network, optimizer = fabric.setup(network, optimizer)
            self._begin()
            self._start = self._judge_first(fabric)
        losses: list[float] = []
        misses = 0
        yield self._update(losses, self._start, improved=False)
        while self._goes_on(fabric) and misses < self.settings.patience:
            validation, improved = None, False
            with self._budget.working(), self._noting_failure(fabric):
                self._set_rate(optimizer, fabric)
                losses.append(self._teach(fabric, network, optimizer))
                self._step += 1
                if self._step % self.settings.validate_every == 0 or not self._goes_on(fabric):
                    validation, improved = self._validate(network)
                    misses = 0 if improved else misses + 1
            if self._trouble:
                return
            yield self._update(losses, validation, improved=improved)
            if validation is not None:
                losses = []
        if losses:  # it was stopped between two validations
            with self._noting_failure(fabric):
                validation, improved = self._validate(network)
                yield self._update(losses, validation, improved=improved)

    @contextmanager
    def _noting_failure(self, fabric: Fabric) -> Iterator[None]:
        """Note that a device failed, which ends learning; what fails on a CPU is a bug."""
        try:
            yield
        except RuntimeError as error:
            if fabric.device.type == "cpu":
                raise
            self._trouble = f"The device {fabric.device} failed while it learnt ({str(error).splitlines()[0]}). "

    def _judge_first(self, fabric: Fabric) -> Score:
        with self._noting_failure(fabric):
            self._judge = self._make_judge(fabric.device)
            return self._judge.first
        raise UserError(f"{self._trouble}Choose the device cpu to learn.")

    def _goes_on(self, fabric: Fabric) -> bool:
        over = self._stopping or self._budget.progress(self._step) >= 1
        return not (fabric.all_reduce(torch.tensor(float(over)), reduce_op="sum") if fabric.world_size > 1 else over)

    def _set_rate(self, optimizer: Any, fabric: Fabric) -> None:
        """Set the learning rate, the same in all processes: by their own clocks, their weights would drift apart."""
        done = self._budget.progress(self._step)
        done = float(fabric.broadcast(done)) if fabric.world_size > 1 else done
        factor = min((done + 1e-3) / WARM_UP, 1.0) * 0.5 * (1 + np.cos(np.pi * min(done, 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = self._rate_of(group, self.settings.learning_rate * float(factor), done)

    def _validate(self, network: Any) -> tuple[Score, bool]:
        """Judge the best blend, and tell whether it is the best network so far, which is kept."""
        assert self._judge is not None
        blend = self._judge.best(network.module.state_dict())
        self._forgot = blend is None and self._kept is None
        if blend is None:
            return self._start, False
        self._shown = blend
        gained = self._is_gain(blend)
        if gained:
            self._kept, self._best_step = blend, self._step
        return blend.validation, gained

    def _update(self, losses: Sequence[float], validation: Score | None, *, improved: bool) -> RoundUpdate[Score]:
        done = min(1.0, self._budget.progress(self._step))
        return self.update_type(
            step=self._step,
            loss=float(np.mean(losses)) if losses else float("nan"),
            validation=validation,
            start=self._start,
            best=self._best,
            improved=improved,
            done=done,
            seconds_left=self._budget.left(self._step) if done < 1 else 0.0,
            seconds_idle=self._budget.idle_left(self._step) if done < 1 else 0.0,
        )
