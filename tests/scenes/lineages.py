"""Time series of moving and dividing discs, whose lineage is known."""

from __future__ import annotations

import numpy as np

RADIUS = 6


def dividing_discs(frames=9, seed=0):
    """Return labels (t, y, x), numbered anew in each frame, and the truth: {(frame, number): name}, {child: parent}.

    Disc a moves, b stands and is missed in frame 3, and c divides after frame 4 into d and e.
    """
    generator = np.random.default_rng(seed)
    labels = np.zeros((frames, 90, 120), np.int32)
    truth = {}
    y, x = np.mgrid[:90, :120]
    for frame in range(frames):
        there = {"a": (15, 15 + 4 * frame), "b": (70, 20)}
        if frame == 3:
            del there["b"]
        if frame <= 4:
            there["c"] = (30 + 3 * frame, 90)
        else:
            there["d"], there["e"] = (44, 90 - 3 - 3 * (frame - 4)), (46, 90 + 3 + 3 * (frame - 4))
        for number, name in zip(generator.permutation(range(3, 3 + len(there))), there, strict=True):
            middle = there[name]
            labels[frame][(y - middle[0]) ** 2 + (x - middle[1]) ** 2 < RADIUS**2] = number
            truth[frame, int(number)] = name
    return labels, truth, {"d": "c", "e": "c"}
