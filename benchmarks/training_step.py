"""Where a training step goes, in CPU time on one thread, and whether a cheaper one learns the same.

    python -m benchmarks.training_step FOLDER_WITH_THE_SETS [--name training_step]
    python -m benchmarks.training_step FOLDER_WITH_THE_SETS --curves [--steps 90] [--patch 64] [--seeds 1]
    python -m benchmarks.training_step FOLDER_WITH_THE_SETS --losses FILE.json

FOLDER_WITH_THE_SETS holds dsb2018_fluo and dsb2018_histo. The first form measures the networks of `nuclei` (patches of
8 x 160 x 160), `click` (8 x 128 x 128, with its simulated people) and `nuclei-medt` (4 x 128 x 128). The second trains
the first of them in float32 and with bfloat16, from several seeds. The third writes the losses of 30 steps of
4 x 96 x 96, or, where the file is there, tells by how much they differ from those in it: so versions are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn

from benchmarks import train_click
from benchmarks.click_sets import LEARNT, object_images
from benchmarks.machine import report
from src_models.clicking.training.examples import ClickExamples
from src_models.clicking.training.simulated_person import SimulatedPerson
from src_models.computing.memory import reused_memory
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample
from src_models.models.architectures import create
from src_models.models.checkpoint import load
from src_models.training.masked_loss import masked_dice_ce
from src_models.training.patches import Patches, load_images
from src_models.training.settings import TrainSettings
from src_models.training.training import TrainingUpdate, train

SETS = {"dsb2018_fluo": 24, "dsb2018_histo": 8}  # and how many of their training images are read
STEPS = 4  # the first of which is not counted
ROUNDS = (1, 1, 1, 1, 1, 2)  # of answers before a click network learns: 1.2 on average
PARTS = ("patches", "people", "answers", "forward", "loss", "backward", "clip", "optimiser")
FORMS = ("float32, default layout", "float32, channels last", "bfloat16 where it may be, channels last")


class Times:
    """CPU seconds of the parts of each step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def begin(self) -> None:
        """Begin a step."""
        self.steps.append(defaultdict(float))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure the block as a part of the step."""
        start = time.process_time()
        yield
        self.steps[-1][name] += time.process_time() - start

    def row(self) -> list[str]:
        """Return the mean of each part over all steps but the first, and of whole steps, in ms."""
        kept = self.steps[1:]
        means = [statistics.mean(step[part] for step in kept) for part in PARTS]
        return [f"{1e3 * seconds:.0f}" if seconds else "" for seconds in (*means, sum(means))]


class Learner:
    """A network, its optimiser, and the arithmetic of one form."""

    def __init__(self, architecture: str, config: Any, form: str) -> None:
        torch.manual_seed(0)
        self.last, self.half = "channels last" in form, "bfloat16" in form
        self.network: nn.Module = create(architecture, **config)
        if self.last:
            self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-3)
        self.times = Times()

    def answer(self, batch: Tensor) -> Tensor:
        """Return logits."""
        if self.last:
            batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            logits: Tensor = self.network(batch)
        return logits.float()

    def learn(self, batch: Tensor, targets: Tensor, criterion: Callable[[Tensor, Tensor], Tensor]) -> None:
        """Make a step, part by part."""
        part = self.times.part
        self.network.train()
        with part("forward"):
            logits = self.answer(batch)
        with part("loss"):
            loss = criterion(logits, targets)
        with part("backward"):
            loss.backward()
        with part("clip"):
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        with part("optimiser"):
            self.optimizer.step()
            self.optimizer.zero_grad()


def samples(data: Path, split: str, share: float = 1.0) -> tuple[Sample, ...]:
    """Return the first samples of each set."""
    return tuple(
        sample
        for name, count in SETS.items()
        for sample in DataSet.open(data / name).split(split)[: max(1, round(count * share))]
    )


def patches_of(data: Path, model: str, size: int) -> Patches:
    """Return the patches that a shipped model is trained with."""
    header = load(model).header
    images = load_images(samples(data, "train"), header)
    return Patches(images, header, size=(size, size), recipe="microscopy", seed=0, start=0, stop=10**6)


def segmenting_steps(learner: Learner, patches: Patches, batch: int) -> None:
    """Make steps as the training of a segmenting model does."""
    for step in range(STEPS):
        learner.times.begin()
        with learner.times.part("patches"):
            drawn = [patches[step * batch + number] for number in range(batch)]
            images, targets = (torch.stack(part) for part in zip(*drawn, strict=True))
        learner.learn(images, targets, masked_dice_ce)


def click_steps(learner: Learner, examples: ClickExamples, batch: int) -> None:
    """Make steps as the training of clicks does."""
    criterion = DiceCELoss(include_background=False, softmax=True, to_onehot_y=True)
    for step, rounds in enumerate(ROUNDS):
        learner.times.begin()
        part = learner.times.part
        random = np.random.default_rng(step)
        with part("patches"):
            drawn = [examples[step * batch + number] for number in range(batch)]
            images = torch.from_numpy(np.stack([example.image for example in drawn]))
        with part("people"):
            people = [SimulatedPerson(example, random) for example in drawn]

        def batch_now(images: Tensor = images, people: Sequence[SimulatedPerson] = people) -> Tensor:
            return torch.cat([images, torch.from_numpy(np.stack([person.channels() for person in people]))], 1)

        for _ in range(rounds):
            learner.network.eval()
            with part("answers"), torch.no_grad():
                answers = torch.softmax(learner.answer(batch_now()), 1)[:, 1].numpy()
            with part("people"):
                for person, answer in zip(people, answers, strict=True):
                    person.react(answer)
        targets = torch.from_numpy(np.stack([person.truth for person in people]))[:, None].long()
        learner.learn(batch_now(), targets, criterion)


def steps(data: Path, name: str) -> None:
    """Measure the three networks in all forms."""
    rows = []
    nuclei, medt = patches_of(data, "nuclei", 160), patches_of(data, "nuclei-medt", 128)
    described = train_click.header()
    sets = [object_images(DataSet.open(data / of.folder).split("train")[:12], of, described) for of in LEARNT[:2]]
    examples = ClickExamples(sets, made_up=train_click.MADE_UP, size=train_click.SIZE, seed=0)
    for form in FORMS:
        for title, header in (("nuclei", nuclei.header), ("click", described), ("nuclei-medt", medt.header)):
            learner = Learner(header.architecture, header.config, form)
            if title == "click":
                click_steps(learner, examples, 8)
            else:
                segmenting_steps(learner, *((nuclei, 8) if title == "nuclei" else (medt, 4)))
            rows.append([title, form, *learner.times.row()])
            print(*rows[-1], sep=" | ", flush=True)
    report(name, ("network", "form", *(f"{part}, ms" for part in PARTS), "together, ms"), sorted(rows))


@dataclass
class Few:
    """A data set of a few images of each set."""

    data: Path
    root: Path = field(default=Path("few"))

    def split(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of a split."""
        return samples(self.data, name, 1.0 if name == "train" else 0.5)


def trained(data: Path, settings: TrainSettings) -> tuple[list[float], list[float]]:
    """Train the network of `nuclei` from nothing; return the losses of its steps, and the Dice of its validations."""
    means, dice = [0.0], []

    def tell(update: TrainingUpdate) -> None:
        means.append(update.loss)
        if update.validation_dice is not None:
            dice.append(update.validation_dice)

    with tempfile.TemporaryDirectory() as folder:
        few: Any = Few(data)
        train(few, load("nuclei").header, Path(folder, "m.safetensors"), settings, on_update=tell)
    number = [step % settings.validate_every for step in range(settings.steps)]  # of the losses in the mean before
    losses = [
        (n + 1) * now - n * (before if n else 0) for n, (before, now) in zip(number, pairwise(means), strict=True)
    ]
    return losses, dice


def curves(data: Path, count: int, patch: int, seeds: int) -> None:
    """Compare what is learnt in float32 and with bfloat16."""
    rows = []
    for seed in range(seeds):
        for precision in ("32-true", "bf16-mixed"):
            settings = TrainSettings(
                steps=count, patch=patch, seed=seed, validate_every=count // 3, device="cpu", precision=precision
            )
            start = time.process_time()
            losses, dice = trained(data, settings)
            thirds = [f"{statistics.mean(part):.3f}" for part in np.array_split(losses, 3)]
            taken = f"{time.process_time() - start:.0f}"
            rows.append([seed, precision, *thirds, *(f"{value:.3f}" for value in dice), taken])
            print(*rows[-1], sep=" | ", flush=True)
    parts = ("first", "second", "last")
    columns = (
        "seed",
        "precision",
        *(f"loss, {part} third" for part in parts),
        *(f"val Dice after the {part} third" for part in parts),
        "CPU s",
    )
    report("training_curves", columns, rows, {"steps": count, "batch": 8, "patch": patch})


def losses_of(data: Path, file: Path) -> None:
    """Write the losses of some steps, or compare with those written before."""
    settings = TrainSettings(steps=30, batch=4, patch=96, validate_every=30, device="cpu")
    losses, _ = trained(data, settings)
    if not file.exists():
        file.write_text(json.dumps(losses))
        return
    before = json.loads(file.read_text())
    apart = [abs(one - other) for one, other in zip(losses, before, strict=True)]
    print(f"losses {losses[0]:.4f} to {losses[-1]:.4f}; they differ by up to {max(apart):.2g}, at first {apart[0]:.2g}")


def main() -> None:
    """Measure, print and write the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--name", default="training_step")
    arguments.add_argument("--curves", action="store_true")
    arguments.add_argument("--steps", type=int, default=90)
    arguments.add_argument("--patch", type=int, default=64)
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--losses", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    if given.losses:
        losses_of(given.data, given.losses)
    elif given.curves:
        curves(given.data, given.steps, given.patch, given.seeds)
    else:
        with reused_memory():
            steps(given.data, given.name)


if __name__ == "__main__":
    main()
