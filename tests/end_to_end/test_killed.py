"""Nothing that was done is lost when the process is killed, at whatever moment: 100 real processes are.

They paint, mark planes as corrected, save models, and learn. Each says what it has done; what is on disk after its
death is held against it.
"""

from __future__ import annotations

import csv
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.finetuning.versions import ModelVersions
from src_models.journal.journal import read_journal, unfinished
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied, which only Linux does safely")

SCRIPT = Path(__file__).with_name("victims.py")
victims: Any = ModuleType("victims")
SourceFileLoader("victims", str(SCRIPT)).exec_module(victims)

KINDS = ("painting", "marking", "saving", "learning")
PROCESSES = 100
AT_ONCE = 4
# s after it began to work; painting is on disk within half a second, and on a busy machine within two.
LATEST = {"painting": 3.0, "marking": 0.6, "saving": 0.6, "learning": 2.0}
EARLIEST = 0.05
ALLOWED = 2.0


@dataclass
class Victim:
    """A process that is killed, and what it said."""

    kind: str
    folder: Path
    pid: int = 0
    due: float = np.inf
    killed: float | None = None
    ended: int | None = None
    begun: bool = False
    done: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Lost:
    """What was found missing."""

    done: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    oldest: float = 0.0
    problems: list[str] = field(default_factory=list)
    leftovers: int = 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and a set of corrections."""
    root = tmp_path_factory.mktemp("killed")
    config = {"in_channels": 1, "classes": 2, "widths": (4, 8), "norm": "group", "deep_supervision": False}
    header = ModelHeader(
        name="model",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(48, 48),
        overlap=(8, 8),
    )
    torch.manual_seed(0)
    network = create(header.architecture, **config)
    with torch.no_grad():
        network.heads[0].bias[0] += 1.0  # it finds nothing, so that little is needed to be better
    save(Model(network, header), root / "model.safetensors")
    corrections = CorrectionSet.open(root / "corrections")
    y, x = np.mgrid[:48, :48]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        labels = (np.hypot(y - rng.uniform(14, 34), x - rng.uniform(14, 34)) < 11).astype(np.uint8)
        image = (rng.normal(60, 5, labels.shape) + 120 * labels).clip(0, 255).astype(np.uint8)
        corrections.add(mark(image, labels, source=Source(layer=f"cell {seed}")))
    return root


def kill_all(folder: Path) -> list[Victim]:
    """Start processes, a few at once, and kill each at a random moment of its work."""
    chance = random.Random(0)
    those = [Victim(KINDS[number % len(KINDS)], folder / str(number)) for number in range(PROCESSES)]
    delays = [EARLIEST + chance.random() * (LATEST[victim.kind] - EARLIEST) for victim in those]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with (
        (folder / "stderr").open("wb") as errors,
        subprocess.Popen([sys.executable, SCRIPT], **{**pipes, "stderr": errors}, env=environment) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        waiting, running, said = list(enumerate(those)), 0, b""
        limit = time.monotonic() + 300
        while any(victim.ended is None for victim in those):
            assert time.monotonic() < limit, "the processes do not end"
            due = min((victim.due for victim in those if victim.killed is None), default=np.inf)
            pause = min(max(due - time.monotonic(), 0), 1.0)
            if select.select([process.stdout], [], [], pause)[0]:
                read = os.read(process.stdout.fileno(), 65536)
                assert read, (folder / "stderr").read_text()
                *lines, said = (said + read).split(b"\n")
                for line in lines:
                    word = json.loads(line)
                    if "ready" in word:
                        running = 0
                    else:
                        _hear(those[word["number"]], word, delays[word["number"]])
                        running -= "ended" in word
                while waiting and running < AT_ONCE:
                    number, victim = waiting.pop(0)
                    victim.folder.mkdir()
                    process.stdin.write(f"{number} {victim.kind} {victim.folder}\n".encode())
                    process.stdin.flush()
                    running += 1
            for victim in those:
                if victim.killed is None and victim.due <= time.monotonic():
                    victim.killed = time.monotonic()
                    os.kill(victim.pid, signal.SIGKILL)
        process.stdin.close()
    return those


def _hear(victim: Victim, word: dict[str, Any], delay: float) -> None:
    if word.get("begun"):
        victim.begun, victim.due = True, time.monotonic() + delay
        victim.pid = word["pid"]
    elif "ended" in word:
        victim.ended = word["ended"]
        victim.due = np.inf
    else:
        victim.done.append(word)


@pytest.fixture(scope="module")
def killed(folder: Path) -> list[Victim]:
    """All processes after their death."""
    return kill_all(folder)


def test_every_process_was_killed_at_its_work(killed: list[Victim], folder: Path) -> None:
    assert {victim.ended for victim in killed} == {-signal.SIGKILL}, (folder / "stderr").read_text()[-3000:]
    done = Counter(dict.fromkeys(KINDS, 0))
    for victim in killed:
        done[victim.kind] += len(victim.done)
    assert min(done.values()) > 0, f"too little was done to be lost: {done}"


def test_nothing_is_lost(killed: list[Victim], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = Lost()
    checks = {
        "painting": _check_paint,
        "marking": _check_corrections,
        "saving": _check_saved,
        "learning": _check_learnt,
    }
    for victim in killed:
        try:
            checks[victim.kind](victim, lost)
        except Exception as error:  # whatever cannot be read is what this looks for
            lost.problems.append(f"{victim.kind} in {victim.folder}: {type(error).__name__}: {error}")
        lost.leftovers += sum(".part" in path.name for path in victim.folder.rglob("*"))
    with capsys.disabled():
        print(f"\n{len(killed)} processes were killed")
        for kind in KINDS:
            those = [victim for victim in killed if victim.kind == kind]
            done = sum(len(victim.done) for victim in those)
            print(
                f"  {kind:<9} {len(those)} processes, {done} done, {lost.done[kind]} lost, "
                f"{lost.late[kind]} of them older than {ALLOWED:g} s"
            )
        print(f"  the oldest of what was lost was done {lost.oldest:.2f} s before")
        print(f"  {len(lost.problems)} files cannot be read; {lost.leftovers} hidden ones, never read, are left")
    assert lost.problems == []
    assert not lost.late.total()
    assert {kind for kind in KINDS if lost.done[kind]} <= {"painting"}
    # What they worked from is as it was.
    assert len(CorrectionSet.open(folder / "corrections")) == 4
    assert load(folder / "model.safetensors").header.name == "model"


def _lose(lost: Lost, victim: Victim, word: dict[str, Any]) -> None:
    assert victim.killed is not None
    age = victim.killed - word["at"]
    lost.done[victim.kind] += 1
    lost.oldest = max(lost.oldest, age)
    if age > ALLOWED or victim.kind != "painting":
        lost.late[victim.kind] += 1


def _check_paint(victim: Victim, lost: Lost) -> None:
    """Hold the dabs against the journal: those lost are the last; where it has no labels yet, all of them are."""
    found = unfinished(victim.folder / "journals")
    labels = np.zeros(victims.SHAPE, np.uint16)
    if found:
        recovered = read_journal(found[0].folder)
        labels = recovered.labels
        assert labels.shape == victims.SHAPE
        assert recovered.notes["image"] == "cells.tif"
    missing = [word for word in victim.done if labels[victims.place(word["done"])] != word["done"] + 1]
    assert missing == victim.done[len(victim.done) - len(missing) :], "something older than what is there is lost"
    assert labels.max() <= len(victim.done) + 1
    for word in missing:
        _lose(lost, victim, word)


def _check_corrections(victim: Victim, lost: Lost) -> None:
    root = victim.folder / "set"
    corrections = CorrectionSet.open(root)
    there = {item.name: item for item in corrections.history}
    for word in victim.done:
        if word["name"] not in there:
            _lose(lost, victim, word)
    assert len(there) - len(victim.done) in (0, 1), "what was under way is there or not"
    for value, name in enumerate(there, start=1):
        correction = corrections.read(name)
        for array, marked in ((correction.image, value % 3), (correction.labels, value)):
            assert (array == marked).all(), f"{name} is not what was marked"
    newest = list(there)[-3:]
    assert [item.name for item in corrections.items] == newest
    assert len(corrections.sha256) == 64
    if there:
        samples = [sample for sample in DataSet.open(root).samples if sample.split == "train"]
        assert {sample.name for sample in samples} == set(newest)
        for sample in samples:
            read_sample(sample)
        with (root / "manifest.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == len(there)
    # And it goes on.
    corrections.add(victims.marked(len(there) + 1))
    assert len(CorrectionSet.open(root).history) == len(there) + 1


def _models(victim: Victim) -> dict[str, Model]:
    """Load all model files, which raises for any that is not whole."""
    paths = [path for path in (victim.folder / "models").glob("*.safetensors") if not path.name.startswith(".")]
    models = {path.name: load(path) for path in paths}
    versions = ModelVersions(victim.folder / "models")
    assert {version.path.name for version in versions.list()} == models.keys()
    assert versions.active in (None, *(version.name for version in versions.list()))
    return models


def _check_saved(victim: Victim, lost: Lost) -> None:
    models = _models(victim)
    newest = {word["file"]: word for word in victim.done}
    for file, word in newest.items():
        if file not in models:
            _lose(lost, victim, word)
            continue
        weights = torch.cat([parameter.detach().flatten() for parameter in models[file].network.parameters()])
        values = set(weights.tolist())
        assert len(values) == 1, f"{file} is half of one and half of another"
        last = word is victim.done[-1]
        if values - {word["done"], *([word["done"] + 1] if last else [])}:
            _lose(lost, victim, word)
    assert len(models) - len(newest) in (0, 1)


def _check_learnt(victim: Victim, lost: Lost) -> None:
    models = _models(victim)
    if not victim.done:
        assert len(models) <= 1
        return
    word = victim.done[-1]
    if word["file"] not in models:
        _lose(lost, victim, word)
        return
    model = models[word["file"]]
    assert model.header.parent_sha256 == load(victim.folder.parent / "model.safetensors").sha256
    if model.header.training["validation_dice"] < round(word["dice"], 4):
        _lose(lost, victim, word)
    with torch.inference_mode():
        assert torch.isfinite(model.network(torch.zeros(1, 1, 48, 48))).all()
