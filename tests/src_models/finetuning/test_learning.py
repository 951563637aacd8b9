"""Learning from corrections: it helps, it can be ended at any moment, and it never makes a network worse."""

from __future__ import annotations

import copy
import dataclasses
import errno
import itertools
import os
from typing import Any

import numpy as np
import pytest
import torch

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError, ImageError, OutputError, UserError
from src_models.finetuning import judging
from src_models.finetuning import learning as module
from src_models.finetuning.learning import Learning
from src_models.finetuning.replay import Replay
from src_models.finetuning.settings import FinetuneSettings
from src_models.images.grey.intensity import measure
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import InstanceSettings, ModelHeader
from src_models.prediction.segment import segment
from src_models.teaching.learner import finetune
from src_models.training.masked_loss import masked_dice_ce
from src_models.training.rounds import blends, judged_learning
from src_models.training.rounds.work import Clocks

QUICK = FinetuneSettings(steps=24, seconds=1e6, batch=3, patch=32, learning_rate=2e-2, validate_every=6, device="cpu")


def bright_and_dark(seed, size=72):
    """Discs on grey: bright ones above, which the network finds, and dark ones below, which it does not."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image, labels = rng.normal(110, 6, (size, size)), np.zeros((size, size), np.int32)
    step = size // 3
    for number in range(9):
        row, column = divmod(number, 3)
        centre = (np.array([row, column]) + 0.5) * step + rng.uniform(-2, 2, 2)
        disc = np.hypot(y - centre[0], x - centre[1]) < rng.uniform(6.5, 9.5)
        labels[disc] = number + 1
        image[disc] += 110 if row == 0 else -90
    return image.clip(0, 255).astype(np.uint8), labels


def correction(seed, found=None, **options):
    """All of a plane, corrected."""
    image, labels = bright_and_dark(seed)
    if found is None:
        found = np.where(labels <= 3, labels, 0)
    source = Source(layer=f"cells {seed}")
    return mark(image, labels, found, source=source, **options)


def taught(steps=50):
    """A model of cells that knows bright discs alone: dark ones are ground to it."""
    config = {"in_channels": 1, "classes": 2, "widths": (4, 8, 8), "norm": "group"}
    header = ModelHeader(
        name="bright cells",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(72, 72),
        overlap=(8, 8),
    )
    torch.manual_seed(0)
    network = create(header.architecture, **config)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    examples = [bright_and_dark(seed) for seed in range(100, 106)]
    images = torch.stack(
        [torch.from_numpy(measure(image[None], header.intensity, name="a")(image[None])) for image, _ in examples]
    )
    targets = torch.stack([torch.from_numpy(((labels > 0) & (labels <= 3)).astype(np.int64)) for _, labels in examples])
    for _ in range(steps):
        loss = masked_dice_ce(network(images.float()), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Model(network.eval(), header)


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    path = save(taught(), tmp_path_factory.mktemp("models") / "bright-cells.safetensors")
    torch.set_num_threads(threads)
    return load(path)


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Four corrected planes."""
    kept = CorrectionSet.open(tmp_path_factory.mktemp("corrections"))
    for seed in range(4):
        kept.add(correction(seed))
    return kept


def settings(**changes):
    return dataclasses.replace(QUICK, **changes)


def overlap(model, seed=99):
    """Dice of what a model finds in the part of an image that the tiny model does not know."""
    image, labels = bright_and_dark(seed)
    found = segment(image, model, device="cpu", diameter=None).labels > 0
    lower = np.s_[24:]
    truth = labels > 0
    return 2 * (found & truth)[lower].sum() / (found[lower].sum() + truth[lower].sum())


def equal(one, other):
    first, second = one.network.state_dict(), other.network.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def learn(model, corrections, **changes):
    learning = Learning(model, corrections, settings(**changes))
    return learning, list(learning.steps())


# It learns


@pytest.fixture(scope="module")
def learnt(parent, four):
    before = copy.deepcopy(parent.network.state_dict())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    learning, updates = learn(parent, four, steps=40)
    torch.set_num_threads(threads)
    unchanged = all(torch.equal(before[name], value) for name, value in parent.network.state_dict().items())
    return learning, updates, unchanged


def test_a_network_that_is_wrong_in_one_region_learns_it(parent, learnt):
    learning, _, _ = learnt
    result = learning.result()
    assert result.model is not None
    assert overlap(parent) < 0.3
    assert overlap(result.model) > 0.6
    assert result.best_dice > result.start_dice + 0.1
    assert result.sentence == (
        "Agreement with corrections that were held back (Dice) rose from "
        f"{result.start_dice:.2f} to {result.best_dice:.2f}."
    )
    assert result.steps == 40


def test_the_parent_stays_as_it_is(parent, learnt):
    learning, _, unchanged = learnt
    assert unchanged
    assert not parent.network.training
    assert all(parameter.requires_grad for parameter in parent.network.parameters())
    best = learning.result().model
    shared = {value.data_ptr() for value in parent.network.state_dict().values()}
    assert not shared & {value.data_ptr() for value in best.network.state_dict().values()}


def test_the_header_tells_where_the_network_comes_from(parent, four, learnt, tmp_path):
    result = learnt[0].result()
    again = load(save(result.model, tmp_path / "tuned.safetensors"))
    assert again.header == result.model.header
    assert equal(again, result.model)
    header, training = again.header, again.header.training
    assert header.parent_sha256 == parent.sha256
    assert training["corrections_sha256"] == four.sha256
    assert training["corrections"] == 4
    assert training["finetuned_from"] == "bright cells"
    assert training["settings"]["seed"] == 0
    assert training["validation_dice"] == pytest.approx(result.best_dice, abs=1e-4)
    assert training["validation_dice_before"] == pytest.approx(result.start_dice, abs=1e-4)
    assert training["versions"]["torch"]
    untouched = {"training", "parent_sha256", "diameter_range", "estimates_diameter"}
    fields = dataclasses.asdict(header)
    assert {name: value for name, value in fields.items() if name not in untouched} == {
        name: value for name, value in dataclasses.asdict(parent.header).items() if name not in untouched
    }


def test_each_step_tells_how_it_goes(learnt):
    learning, updates, _ = learnt
    assert [update.step for update in updates] == list(range(41))
    assert [update.step for update in updates if update.validation] == [0, *range(6, 37, 6), 40]
    assert np.isnan(updates[0].loss)
    assert updates[0].validation.dice == updates[0].start_dice == learning.result().start_dice
    best = updates[0].validation.dice
    for update in updates[1:]:
        assert np.isfinite(update.loss)
        if update.validation is not None:
            assert update.improved == (update.validation.dice > max(best, updates[0].start_dice + module.IMPROVED))
            best = max(best, update.validation.dice) if update.improved else best
        assert update.best_dice == best
    assert updates[-1].seconds_left == 0
    assert all(update.seconds_left > 0 for update in updates[1:-1])
    assert updates[-1].loss < updates[1].loss


def test_the_best_is_what_was_validated_best(parent, four):
    """The score of the network that is handed out is the one that it is said to have."""
    learning, updates = learn(parent, four, learning_rate=4e-2)
    best = max(update.validation.dice for update in updates if update.validation)
    result = learning.result()
    assert result.best_dice == best
    again = Learning(result.model, four, settings(steps=1, learning_rate=1e-30))
    assert next(again.steps()).validation.dice == pytest.approx(best, abs=1e-6)


def test_finetune_gives_the_model(parent, four):
    tuned = finetune(parent, four, settings())
    assert tuned.header.parent_sha256 == parent.sha256
    assert not tuned.network.training


def test_a_model_that_learnt_can_learn_again(parent, four, learnt):
    child = learnt[0].result().model
    second = Learning(child, four, settings(steps=1))
    list(second.steps())
    header = second.preview().header
    assert header.training["parent_training"]["finetuned_from"] == "bright cells"


@pytest.mark.parametrize("part", ["decoder", "gates"])
def test_what_is_not_to_learn_stays_to_the_bit(parent, four, part):
    learning, _ = learn(parent, four, part=part, steps=3)
    learns = {"decoder": ("gating", "gates", "ups", "decoder", "heads", "final"), "gates": ("gating", "gates")}[part]
    before, after = parent.network.state_dict(), learning.preview().network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert {name.split(".")[0] for name in changed} <= set(learns)


def test_norms_keep_the_statistics_that_they_were_trained_with(make_model, four):
    parent = make_model()
    learning, _ = learn(parent, four, steps=2)
    before, after = dict(parent.network.named_buffers()), dict(learning.preview().network.named_buffers())
    assert before
    assert all(torch.equal(before[name], after[name]) for name in before)
    changed = [
        name
        for name, value in learning.preview().network.named_parameters()
        if not torch.equal(value, parent.network.get_parameter(name))
    ]
    assert len(changed) > 0.9 * len(list(parent.network.parameters()))


def test_seed_and_steps_decide_the_weights(parent, four):
    one, two, other = (learn(parent, four, steps=4, seed=seed)[0].preview() for seed in (3, 3, 4))
    assert equal(one, two)
    assert not equal(one, other)


def test_a_preview_is_a_copy_of_the_network_as_it_is(parent, four):
    learning = Learning(parent, four, settings())
    steps = learning.steps()
    next(steps)
    first = learning.preview()
    assert equal(first, parent)
    next(steps)
    assert equal(first, parent)
    assert not equal(learning.preview(), parent)
    assert not learning.preview().network.training
    steps.close()


# It ends


def advance(steps, until):
    """Go on until an update fulfils a condition, and return it."""
    return next(update for update in steps if until(update))


def test_stopping_keeps_the_best(parent, four):
    learning = Learning(parent, four, settings(steps=1000))
    steps = learning.steps()
    update = advance(steps, lambda update: update.improved)
    learning.stop()
    assert list(steps) == []
    result = learning.result()
    assert result.steps == update.step
    assert result.best_dice == update.best_dice
    assert result.model is not None


def test_stopping_between_two_validations_validates_what_was_learnt(parent, four):
    learning = Learning(parent, four, settings(steps=30, validate_every=1000))
    steps = learning.steps()
    advance(steps, lambda update: update.step == 22)
    learning.stop()
    (last,) = steps
    assert last.validation is not None
    assert last.improved
    assert learning.result().model is not None


def test_closing_in_the_middle_keeps_the_best(parent, four):
    learning = Learning(parent, four, settings(steps=1000))
    steps = learning.steps()
    update = advance(steps, lambda update: update.improved)
    found = learning.preview()
    next(steps)
    steps.close()
    assert equal(learning.best(), found)
    assert learning.result().best_dice == update.best_dice
    assert learning.result().model is not None


def test_it_ends_when_its_time_is_over(parent, four):
    learning, updates = learn(parent, four, steps=100_000, seconds=0.4)
    assert 0 < learning.result().steps < 1000
    assert updates[-1].validation is not None
    assert updates[-1].seconds_left == 0


def machine(busy=1.0):
    """Clocks of a machine on which each step is a second of work, and takes `busy` seconds."""
    worked = itertools.count()
    last = [0]

    def work():
        last[0] = next(worked)
        return float(last[0])

    return Clocks(work, lambda: busy * last[0])


def test_a_busy_machine_learns_the_same_in_a_longer_time(parent, four, monkeypatch):
    learnt = []
    for busy in (1, 4):
        monkeypatch.setattr(judged_learning, "clocks_of", lambda device, busy=busy: machine(busy))
        learning, updates = learn(parent, four, steps=1000, seconds=10)
        learnt.append(learning.preview())
        *each, last = updates  # a step a second after the look before it; then what was learnt last is judged
        assert [update.step for update in each] == list(range(10))
        assert [update.seconds_idle for update in each] == list(range(9, -1, -1))
        assert [update.seconds_left for update in each] == [busy * left for left in range(9, -1, -1)]
        assert [update.done for update in each] == [0, *(pytest.approx(step / 10) for step in range(2, 11))]
        assert (last.step, last.done, last.validation is None) == (9, 1, False)
        assert "busy" not in learning.result().sentence
    assert equal(*learnt)


def test_a_machine_that_is_far_too_busy_ends_it_with_a_sentence(parent, four, monkeypatch):
    monkeypatch.setattr(judged_learning, "clocks_of", lambda device: machine(12))
    learning, updates = learn(parent, four, steps=1000, seconds=10)
    assert learning.result().steps == 4
    assert updates[-1].validation is not None
    assert learning.result().sentence.startswith(
        "This computer was so busy that learning ended after 60 s with 50% of its work done; "
    )


def test_a_pause_is_no_time_to_learn(parent, four, monkeypatch):
    clocks = machine()
    monkeypatch.setattr(judged_learning, "clocks_of", lambda device: clocks)
    steps = Learning(parent, four, settings(steps=100_000, seconds=1000)).steps()
    first = advance(steps, lambda update: update.step == 1)
    for _ in range(500):
        clocks.work()
    assert next(steps).seconds_left == first.seconds_left - 1
    steps.close()


def test_it_ends_when_nothing_is_gained_any_more(parent, four):
    learning, updates = learn(parent, four, steps=1000, learning_rate=1e-30, patience=3)
    assert len([update for update in updates if update.validation]) == 4
    assert learning.result().steps == 18


def test_without_gain_there_is_no_model_and_a_sentence_says_what_would_help(parent, four, tmp_path):
    result = learn(parent, four, steps=2, learning_rate=1e-30)[0].result()
    assert result.model is None
    assert result.sentence.startswith("Nothing was gained on the corrected planes that were held out (Dice 0.")
    assert "so the model stays." in result.sentence
    assert "Look whether the corrections agree" in result.sentence
    few = CorrectionSet.open(tmp_path)
    few.add(correction(0))
    result = learn(parent, few, steps=2, learning_rate=1e-30)[0].result()
    assert "on a part of each corrected plane" in result.sentence
    assert "Correct one or two more slices" in result.sentence
    with pytest.raises(UserError, match="Nothing was gained"):
        finetune(parent, few, settings(steps=2, learning_rate=1e-30))


def test_before_it_began_nothing_was_found(parent, four):
    learning = Learning(parent, four, settings())
    assert learning.best() is None
    assert learning.result().model is None


# What it learns from


def test_one_plane_is_enough(parent, tmp_path):
    one = CorrectionSet.open(tmp_path)
    one.add(correction(0))
    result = learn(parent, one)[0].result()
    assert result.model is not None
    assert overlap(result.model) > overlap(parent) + 0.1


def test_paint_alone_teaches_what_was_painted(parent, tmp_path):
    """Two dark discs were painted, and the ground around: nothing else counts, and others like them are found."""
    kept = CorrectionSet.open(tmp_path)
    for seed in range(2):
        image, labels = bright_and_dark(seed)
        painted = np.where(labels >= 6, labels, 0)
        ground = np.zeros(labels.shape, bool)
        ground[46:50] = labels[46:50] == 0
        source = Source(layer=f"cells {seed}")
        kept.add(mark(image, painted, None, source=source, mode="painted", background=ground))
    result = learn(parent, kept)[0].result()
    assert result.best_dice > result.start_dice + 0.05
    assert overlap(result.model) > overlap(parent) + 0.05


def semantic(make_model, classes=3, **options):
    names = ("background", *(f"class {index}" for index in range(1, classes)))
    return make_model(classes=names, result="semantic", **options)


def classes_of(seed, values=(1, 2)):
    image, labels = bright_and_dark(seed)
    return image, np.choose(labels > 3, [(labels > 0) * values[0], values[1]]) * (labels > 0)


def semantic_set(folder, values=(1, 2), count=4):
    kept = CorrectionSet.open(folder)
    for seed in range(count):
        image, labels = classes_of(seed, values)
        kept.add(mark(image, labels.astype(np.int32), source=Source(layer=f"cells {seed}")))
    return kept


@pytest.mark.parametrize("values", [(1, 2), (1, 0)], ids=["both", "one missing"])
def test_classes_are_learnt_also_where_one_of_them_is_missing(make_model, tmp_path, values):
    model = semantic(make_model, config={"norm": "group"})
    result = learn(model, semantic_set(tmp_path, values), steps=30)[0].result()
    assert result.model is not None
    image, labels = classes_of(99, values)
    found = segment(image, result.model, device="cpu").labels
    overlaps = [
        2 * ((found == value) & (labels == value)).sum() / ((found == value).sum() + (labels == value).sum())
        for value in sorted(set(values) - {0})
    ]
    assert np.mean(overlaps) > 0.3
    assert set(np.unique(found)) <= {0, *values}


def test_a_network_with_flows_learns_them_from_corrections(make_model, four):
    way = InstanceSettings(separation="flows")
    model = make_model("unet", result="instances", classes=("background", "object"), instances=way)
    learning = Learning(model, four, settings(steps=40, learning_rate=1e-2, validate_every=40))
    losses = [update.loss for update in learning.steps() if update.step]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert learning.preview().header.fields == ("flow y", "flow x")


def test_another_architecture_learns_at_the_size_of_its_window(make_model, four):
    model = semantic(make_model, 2, architecture="medt", config={"image_size": 64})
    learning, updates = learn(model, four, steps=1, batch=1, part="gates")
    assert np.isfinite(updates[-1].loss)
    before, after = model.network.state_dict(), learning.preview().network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[-1] for name in changed} <= {"g_q", "g_k", "g_v1", "g_v2"}


def test_the_sizes_of_objects_that_were_learnt_are_known(parent, four):
    sizes = {"object_diameter": 40.0, "diameter_range": (12.0, 20.0)}
    ranged = Model(parent.network, dataclasses.replace(parent.header, **sizes), parent.sha256)
    header = Learning(ranged, four, settings()).preview().header
    low, high = header.diameter_range
    assert low == pytest.approx(8, abs=1)
    assert high == pytest.approx(32, abs=3)
    assert header.object_diameter == pytest.approx(16, abs=2), "what a size that is given is resized to"
    assert Learning(parent, four, settings()).preview().header.object_diameter is None


class Brightness(torch.nn.Module):
    """Sees objects in what is bright, at any scale."""

    def __init__(self):
        super().__init__()
        self.sureness = torch.nn.Parameter(torch.tensor(12.0))

    def forward(self, x):
        return self.sureness * torch.cat([0.5 - x, x - 0.5, -torch.ones_like(x)], 1)


def test_what_was_learnt_holds_at_the_scale_that_it_was_learnt_at(make_model, tmp_path):
    """Else an image would be shrunk wherever the new network happens to be surer of a shrunken one."""
    header = make_model("unet", result="instances", classes=("background", "interior", "boundary")).header
    header = dataclasses.replace(header, object_diameter=6.0, diameter_range=(4.0, 9.0))
    image, labels = bright_and_dark(1, size=144)
    image = np.where(labels > 0, 220, 20).astype(np.uint8)
    shrinking = Model(Brightness(), header)
    assert segment(image, shrinking).provenance["settings"]["zoom"] < 0.5
    corrections = CorrectionSet.open(tmp_path)
    corrections.add(mark(image, labels, np.zeros_like(labels), source=Source(layer="cells"), model_name="bright"))
    learnt = Learning(shrinking, corrections, settings()).preview()
    assert 0.4 < learnt.header.image_zoom < 0.5, "as large as sqrt(6 * 9) px"
    for other in (image, image[::2, ::2], np.kron(image, np.ones((3, 3), np.uint8))):
        assert segment(other, learnt).provenance["settings"]["zoom"] == learnt.header.image_zoom
    nearby = dataclasses.replace(shrinking, header=dataclasses.replace(header, diameter_range=(4.0, 40.0)))
    assert Learning(nearby, corrections, settings()).preview().header.image_zoom == 1


def test_processes_that_learn_together_go_by_the_first_ones_clock(parent, four):
    class SecondOfTwo:
        world_size = 2

        def broadcast(self, own):
            assert own == 0
            return 0.5

    learning = Learning(parent, four, settings(learning_rate=0.01))
    optimizer = torch.optim.SGD(learning._learning, lr=1.0)
    learning._set_rate(optimizer, SecondOfTwo())
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * (1 + np.cos(np.pi / 2)) / 2)


def test_what_the_first_network_knew_is_handed_down(parent, four, monkeypatch):
    from src_models.finetuning.held_out import learning_images

    old = learning_images(four, parent.header).training[:1]
    monkeypatch.setattr(module, "replay_images", lambda header: Replay(tuple(old), tuple(old)))
    first, _ = learn(parent, four)
    knew = first.preview().header.training["known_dice"]
    assert knew == pytest.approx(judging.knowledge(parent.network, old, parent.header))
    second, _ = learn(first.preview(), four, steps=1)
    assert second.preview().header.training["known_dice"] == knew
    assert judging.knowledge(first.preview().network, old, parent.header) > knew + 0.01


def test_a_share_of_the_patches_is_replayed(parent, four, monkeypatch):
    from src_models.finetuning.held_out import learning_images

    old = learning_images(four, parent.header).training[:2]
    monkeypatch.setattr(module, "replay_images", lambda header: Replay(tuple(old)))
    learning = Learning(parent, four, settings(replay=0.4))
    patches = learning._patches()
    assert patches._weights[-2:].sum() == pytest.approx(0.4)
    assert patches._weights[:-2] == pytest.approx([0.6 / (len(patches.images) - 2)] * (len(patches.images) - 2))
    assert learning.preview().header.training["replayed"] == 2
    assert Learning(parent, four, settings(replay=0)).preview().header.training["replayed"] == 0


# What cannot be learnt from


def test_nothing_corrected_is_a_sentence(parent, tmp_path):
    with pytest.raises(UserError, match="nothing is marked as corrected yet"):
        Learning(parent, CorrectionSet.open(tmp_path), QUICK)


def test_what_is_as_the_network_found_it_is_nothing_to_learn(parent, tmp_path):
    kept = CorrectionSet.open(tmp_path)
    image, labels = bright_and_dark(0)
    kept.add(mark(image, labels, labels, source=Source(layer="a")))
    with pytest.raises(UserError, match="as the network found it, so there is nothing to learn"):
        Learning(parent, kept, QUICK)


def test_only_background_is_refused(parent, tmp_path):
    kept = CorrectionSet.open(tmp_path)
    image, labels = bright_and_dark(0)
    kept.add(mark(image, np.zeros_like(labels), labels, source=Source(layer="a")))
    with pytest.raises(UserError, match=r"only background is marked.*mark some objects too"):
        Learning(parent, kept, QUICK)


def test_a_class_that_the_model_does_not_have_is_named(make_model, tmp_path):
    kept = semantic_set(tmp_path, (1, 7), 1)
    with pytest.raises(DataSetError, match=r"cells_0\.tif has the class 7 and the model 'random' has 3"):
        Learning(semantic(make_model), kept, QUICK)


def test_images_of_other_channels_than_the_models_are_named(parent, tmp_path):
    kept = CorrectionSet.open(tmp_path)
    image, labels = bright_and_dark(0)
    kept.add(mark(np.stack([image] * 2, -1), labels, source=Source(layer="a")))
    with pytest.raises(ImageError, match=r"a\.tif has 2 channels and the model 'bright cells' takes 1"):
        Learning(parent, kept, QUICK)


def test_models_of_clicks_and_planes_for_models_of_volumes_are_refused(make_model, bright_model, four):
    with pytest.raises(UserError, match="the model 'bright' answers clicks"):
        Learning(bright_model, four, QUICK)
    volumes = make_model(dimensions=3, tile=(16, 32, 32), overlap=(2, 4, 4))
    with pytest.raises(DataSetError, match="was kept without the slices around it"):
        Learning(volumes, four, QUICK)


def test_a_network_without_gates_says_which_parts_it_has(make_model, four):
    with pytest.raises(UserError, match="no gates that could learn; choose from: full, decoder"):
        Learning(semantic(make_model, 2, architecture="unet"), four, settings(part="gates"))


def test_a_single_pixel_is_too_little(parent, tmp_path):
    kept = CorrectionSet.open(tmp_path)
    image, labels = bright_and_dark(0)
    region = ((40, 41), (40, 41))
    labels[40, 40] = 5
    kept.add(mark(image, labels, source=Source(layer="a"), mode="region", region=region))
    with pytest.raises(UserError, match="too little to learn from; mark more than a few pixels"):
        Learning(parent, kept, QUICK)


@pytest.mark.parametrize(
    "changes", [{"device": "abacus"}, {"device": "cuda", "devices": 64, "batch": 64}, {"strategy": "wishful"}]
)
def test_a_device_that_is_not_there_is_a_sentence(parent, four, changes):
    with pytest.raises(UserError, match=r"cannot be used here .*; the default, auto, works everywhere"):
        next(Learning(parent, four, settings(**changes)).steps())


# What goes wrong on the way


class Failing:
    """A fabric whose device is lost: a graphics card that says so when it is asked to compute."""

    def __init__(self, fabric: Any) -> None:
        self._fabric = fabric
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        if name == "device" and self.lost:
            return torch.device("cuda", 0)
        return getattr(self._fabric, name)


@pytest.fixture
def failing(monkeypatch):
    """Make the device fail in one of the module's functions, the first time after so many calls."""
    make = module.make_fabric
    fabrics = []

    def fabric(*args, **options):
        fabrics.append(Failing(make(*args, **options)))
        return fabrics[-1]

    monkeypatch.setattr(module, "make_fabric", fabric)

    def fail(where, calls, error=None, home=module):
        really, counter = getattr(home, where), itertools.count()

        def call(*args, **options):
            if next(counter) < calls:
                return really(*args, **options)
            if error is None:
                fabrics[-1].lost = True
            raise error or RuntimeError("CUDA error: device lost\nand forty lines more")

        monkeypatch.setattr(home, where, call)

    return fail


def test_a_device_that_is_lost_ends_learning_with_the_best(parent, four, failing):
    failing("_step", 28)
    learning, updates = learn(parent, four, steps=1000)
    assert updates[-1].step == 28
    result = learning.result()
    assert result.model is not None
    assert result.sentence.startswith(
        "The device cuda:0 failed while it learnt (CUDA error: device lost). Agreement with corrections"
    )


def test_a_device_that_is_lost_in_a_validation_ends_learning_too(parent, four, failing):
    failing("judge", 3, home=judging)
    result = learn(parent, four, steps=1000)[0].result()
    assert "The device cuda:0 failed" in result.sentence


def test_a_device_that_fails_at_once_is_a_sentence(parent, four, failing):
    failing("judge", 0, home=judging)
    with pytest.raises(UserError, match=r"The device cuda:0 failed .*\. Choose the device cpu to learn\."):
        next(Learning(parent, four, QUICK).steps())


def test_an_error_on_the_cpu_is_a_bug(parent, four, failing):
    failing("_step", 2, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        learn(parent, four)


def test_too_little_memory_for_a_step_takes_its_patches_one_by_one(parent, four, monkeypatch):
    sizes, really = [], module._step

    def step(fabric, network, optimizer, drawn, *rest):
        sizes.append(len(drawn))
        if len(drawn) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return really(fabric, network, optimizer, drawn, *rest)

    monkeypatch.setattr(module, "_step", step)
    _, updates = learn(parent, four, steps=2)
    assert sizes == [3, 1, 1, 1] * 2
    assert updates[-1].step == 2


def test_a_loss_that_is_no_number_is_a_sentence_and_the_best_stays(parent, four, monkeypatch):
    learning = Learning(parent, four, settings(steps=1000))
    steps = learning.steps()
    advance(steps, lambda update: update.improved)
    monkeypatch.setattr(module, "step_loss", lambda *_: torch.tensor(torch.nan))
    with pytest.raises(DataSetError, match=r"learning step \d+: the loss is not a number"):
        next(steps)
    assert learning.best() is not None


def test_what_forgets_nothing_is_kept_though_something_forgetful_is_better(parent, four, monkeypatch):
    found = iter([(0.9, 0.2), (0.7, 0.0), (0.95, 0.2)])

    def best(_, learnt):
        dice, forgot = next(found)
        return blends.Blend(judging.Validation(0.1, dice), dict(learnt), forgot)

    monkeypatch.setattr(judging.Blends, "best", best)
    learning, updates = learn(parent, four, steps=18)
    assert [update.improved for update in updates if update.validation] == [False, True, True, False]
    result = learning.result()
    assert result.best_dice == 0.7
    assert "forgot" not in result.sentence


def test_that_something_was_forgotten_is_said(parent, four, monkeypatch):
    really = judging.Blends.best
    forgetful = lambda blends, learnt: dataclasses.replace(really(blends, learnt), forgot=0.05)  # noqa: E731
    monkeypatch.setattr(judging.Blends, "best", forgetful)
    learning, _ = learn(parent, four)
    assert learning.result().sentence.endswith(
        "For that it forgot some of what it knew: keep the old version for the old images."
    )


def test_a_full_disk_leaves_no_half_of_a_model(learnt, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"tuned\.safetensors cannot be written: the disk is full"):
        save(learnt[0].result().model, tmp_path / "tuned.safetensors")
    assert list(tmp_path.iterdir()) == []
