"""Choose how sure a trained model of objects must be, and say what it is for: the last step before it ships.

    python -m benchmarks.finish_model MODEL.safetensors DATA OUT.safetensors --purpose TEXT --licence SPDX

DATA is the data set that it was trained on, whose name it keeps. The threshold on the probability of being an object
is the one with the best average precision (IoU 0.5 to 0.95; the mean over images, then over domains) on every
`EVERY`-th of the *training* images, so that validation images judge what they did not choose. Weights are copied as
they are.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from src_models.evaluating.evaluate import predict_sample
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample
from src_models.labels.metrics import match_objects
from src_models.models.checkpoint import Model, load, save

EVERY = 12
FOREGROUND = (0.4, 0.45, 0.5, 0.55, 0.6)


def main() -> None:
    """Try the thresholds, print them, and write the model with the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--purpose", required=True)
    parser.add_argument("--licence", required=True)
    parser.add_argument("--name", default="")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load(given.model)
    samples = chosen(DataSet.open(given.data))
    found = {threshold: precision(with_foreground(model, threshold), samples) for threshold in FOREGROUND}
    for threshold, value in found.items():
        print(f"foreground {threshold}: {value:.4f} on {len(samples)} training images", flush=True)
    best = with_foreground(model, max(found, key=lambda threshold: found[threshold]))
    name = given.name or model.header.name
    training = {**best.header.training, "data": given.data.resolve().name}
    header = replace(best.header, name=name, purpose=given.purpose, licence=given.licence, training=training)
    print(save(Model(best.network, header), given.out))


def chosen(data: DataSet) -> list[Sample]:
    """Return every so many of the training images of each domain, one at least."""
    by_domain: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in data.split("train"):
        by_domain[sample.domain or ""].append(sample)
    return [sample for samples in by_domain.values() for sample in samples[::EVERY]]


def with_foreground(model: Model, threshold: float) -> Model:
    """Return the model with another threshold."""
    instances = replace(model.header.instances, foreground=threshold)
    return Model(model.network, replace(model.header, instances=instances))


def precision(model: Model, samples: list[Sample]) -> float:
    """Return the mean over domains of the mean over images of the average precision at IoU 0.5 to 0.95."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        _, truth, prediction = predict_sample(sample, model, device="cpu")
        found[sample.domain or ""].append(float(match_objects(truth, prediction).average_precision.mean()))
    return float(np.mean([np.mean(values) for values in found.values()]))


if __name__ == "__main__":
    main()
