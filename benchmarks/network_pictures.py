"""A picture of each family of networks, drawn from what its networks do.

Run as ``python -m benchmarks.network_pictures``; ``benchmarks/networks.py`` draws them as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from benchmarks.schematics import Box, Schematic
from src_models.disk.atomic import atomic_path

__all__ = ["FOLDER", "PICTURES", "draw"]

FOLDER = Path(__file__).parents[1] / "docs" / "networks"


def _unet(title: str, *, gated: bool) -> Schematic:
    """Levels of half the size from left to right and down; skips across, through gates or not."""
    drawing = Schematic(title, 820, 300)
    image = drawing.box("image", 35, 40, "image", width=56)
    down = [
        drawing.box("convolution", 135 + 70 * level, 40 + 70 * level, f"level {level + 1}", width=100)
        for level in range(3)
    ]
    bottom = drawing.box("convolution", 410, 250, "coarsest level", width=130)
    up = [
        drawing.box("convolution", 685 - 70 * level, 40 + 70 * level, f"decoder {level + 1}", width=100)
        for level in range(3)
    ]
    result = drawing.box("result", 785, 40, "logits", width=56)
    drawing.arrow(image, down[0])
    drawing.arrow(up[0], result)
    for fine, coarse in zip(down, [*down[1:], bottom], strict=True):
        drawing.arrow(fine, coarse, (fine.x, coarse.y))
    for fine, coarse in zip(up, [*up[1:], bottom], strict=True):
        drawing.arrow(coarse, fine, (fine.x, coarse.y))
    for level, (left, right) in enumerate(zip(down, up, strict=True)):
        if not gated or level == 0:
            drawing.arrow(left, right, words="" if level else "skip")
            continue
        gate = drawing.box("attention", 410, left.y, f"gate {level + 1}", width=80, height=34)
        drawing.arrow(left, gate, words="x" if level == 1 else "")
        drawing.arrow(gate, right, words="α x" if level == 1 else "")
        drawing.arrow([*up, bottom][level + 1], gate, dashed=True)
    drawing.text(130, 270, "dashed: what steers a gate" if gated else "halved going down, doubled up", quiet=True)
    return drawing


def unet() -> Schematic:
    """The plain U-Net."""
    return _unet(
        "U-Net: an encoder whose levels are halved, a decoder that joins each with what is doubled", gated=False
    )


def attention_unet() -> Schematic:
    """The same with gates."""
    return _unet(
        "Attention U-Net: what a skip passes on is weighed by a gate that the coarser level steers", gated=True
    )


def fcn() -> Schematic:
    """Scores of three levels are added while they are doubled."""
    drawing = Schematic("FCN-8s: class scores of strides 32, 16 and 8 px are added while they are doubled", 760, 270)
    image = drawing.box("image", 45, 40, "image", width=70)
    names = (
        "pools 1, 2",
        "pool 3, 8 px",
        "pool 4, 16 px",
        "pool 5, fc6, fc7",
    )
    xs = (150, 280, 420, 575)
    widths = (100, 110, 115, 135)
    blocks = [drawing.box("convolution", x, 40, name, width=w) for x, name, w in zip(xs, names, widths, strict=True)]
    drawing.arrow(image, blocks[0])
    for left, right in itertools.pairwise(blocks):
        drawing.arrow(left, right)
    scores = [drawing.box("convolution", block.x, 120, "1 x 1: scores", width=110, height=32) for block in blocks[1:]]
    for block, score in zip(blocks[1:], scores, strict=True):
        drawing.arrow(block, score)
    sums = [drawing.box("merge", score.x, 200, "+", width=34, height=34) for score in scores[:2]]
    drawing.arrow(scores[2], sums[1], (scores[2].x, 200))
    drawing.text(500, 191, "doubled", quiet=True)
    drawing.arrow(sums[1], sums[0], words="doubled")
    for score, total in zip(scores, sums, strict=False):
        drawing.arrow(score, total)
    result = drawing.box("result", 95, 200, "logits", width=70)
    drawing.arrow(sums[0], result, words="interpolated x 8")
    drawing.text(380, 250, "no attention: what a pixel is told by is what its convolutions reach", quiet=True)
    return drawing


def axial() -> Schematic:
    """A block of axial attention."""
    drawing = Schematic("A block of axial attention: along the height, then along the width", 780, 250)
    x = drawing.box("image", 55, 60, "features", width=80)
    reduce = drawing.box("convolution", 165, 60, "1 x 1", width=70)
    height = drawing.box("attention", 305, 60, "attention\nalong the height", width=135)
    width = drawing.box("attention", 475, 60, "attention\nalong the width", width=135)
    widen = drawing.box("convolution", 610, 60, "1 x 1", width=70)
    total = drawing.box("merge", 690, 60, "+", width=34, height=34)
    for left, right in ((x, reduce), (reduce, height), (height, width), (width, widen), (widen, total)):
        drawing.arrow(left, right)
    drawing.arrow(x, total, (55, 15), (690, 15))
    content = drawing.box("convolution", 240, 150, "content: q, k, v", width=130)
    positions = drawing.box("convolution", 475, 150, "relative positions", width=140)
    gates = drawing.box("attention", 640, 150, "gates G", width=80)
    drawing.arrow(content, height)
    drawing.arrow(positions, height, (370, 110))
    drawing.arrow(positions, width)
    drawing.arrow(gates, positions, words="weigh")
    drawing.arrow(content, width, (400, 110))
    drawing.text(390, 210, "axial attention U-Net: no gates. Gated: four numbers a layer weigh positions", quiet=True)
    drawing.text(390, 230, "1 + 2 + 4 + 1 such blocks are the encoder of a U-Net", quiet=True)
    return drawing


def medt() -> Schematic:
    """Two branches."""
    drawing = Schematic(
        "MedT and LoGo: a global branch over the whole image, a local one over each of 4 x 4 patches", 780, 230
    )
    image = drawing.box("image", 55, 110, "image", width=80)
    glob = drawing.box("attention", 290, 50, "global branch: 2 stages\nof axial attention", width=190)
    cut = drawing.box("convolution", 185, 170, "cut into\n4 x 4 patches", width=110)
    local = drawing.box("attention", 375, 170, "local branch: 4 stages\nof axial attention", width=175)
    back = drawing.box("convolution", 550, 170, "put back\nin place", width=90)
    total = drawing.box("merge", 590, 50, "+", width=34, height=34)
    result = drawing.box("result", 710, 50, "3 x 3, 1 x 1:\nlogits", width=110)
    drawing.arrow(image, glob, (55, 50))
    drawing.arrow(image, cut, (55, 170))
    drawing.arrow(cut, local)
    drawing.arrow(local, back)
    drawing.arrow(glob, total)
    drawing.arrow(back, total)
    drawing.arrow(total, result)
    drawing.text(
        390,
        215,
        "MedT: gates in the global branch, no positions in the local one. LoGo: positions in both, no gates",
        quiet=True,
    )
    return drawing


def guided_attention() -> Schematic:
    """One scale of four."""
    drawing = Schematic(
        "Guided attention: at each of four scales, position and channel attention guided by meaning", 800, 300
    )
    image = drawing.box("image", 50, 80, "image", width=70)
    encoder = drawing.box("convolution", 160, 80, "residual\nencoder", width=90)
    scales = drawing.box("convolution", 290, 40, "scale s of 4", width=105)
    joined = drawing.box("merge", 290, 120, "all four\njoined", width=105)
    both = drawing.box("merge", 405, 80, "F", width=34, height=34)
    position = drawing.box("attention", 520, 40, "position\nattention", width=105)
    channel = drawing.box("attention", 520, 120, "channel\nattention", width=105)
    meaning = drawing.box("convolution", 520, 200, "encoder, decoder\nof meaning", width=140)
    total = drawing.box("merge", 625, 80, "+", width=34, height=34)
    product = drawing.box("merge", 690, 140, "x", width=34, height=34)
    result = drawing.box("result", 690, 230, "a: weighs what\nis joined", width=120)
    drawing.arrow(image, encoder)
    drawing.arrow(encoder, scales)
    drawing.arrow(encoder, joined)
    drawing.arrow(scales, both)
    drawing.arrow(joined, both)
    drawing.arrow(both, position)
    drawing.arrow(both, channel)
    drawing.arrow(both, meaning, (405, 200))
    drawing.arrow(position, total)
    drawing.arrow(channel, total)
    drawing.arrow(total, product)
    drawing.arrow(meaning, product)
    drawing.arrow(product, result)
    drawing.text(400, 262, "repeated: the next refinement begins with what a left of the joined scales;", quiet=True)
    drawing.text(400, 280, "each scale predicts, and the result is the mean of the four", quiet=True)
    return drawing


def med_former() -> Schematic:
    """Stages of LGT, fused by SAF."""
    drawing = Schematic(
        "Med-Former: stages of local and global windows (LGT), fused with the stage before (SAF)", 800, 260
    )
    image = drawing.box("image", 50, 50, "image", width=70)
    patches = drawing.box("convolution", 155, 50, "patches of\n4 x 4 px", width=95)
    first = drawing.box("attention", 265, 50, "LGT", width=70)
    halved = drawing.box("convolution", 375, 50, "patches\nmerged", width=90)
    second = drawing.box("attention", 485, 50, "LGT", width=70)
    fused = drawing.box("merge", 590, 50, "SAF", width=70)
    result = drawing.box("result", 720, 50, "mean over places,\nclass", width=135)
    for left, right in zip(
        (image, patches, first, halved, second, fused), (patches, first, halved, second, fused, result), strict=True
    ):
        drawing.arrow(left, right)
    drawing.arrow(first, fused, (265, 105), (590, 105), words="stage before")
    norm = drawing.box("convolution", 130, 180, "norm", width=70)
    wide = drawing.box("attention", 270, 150, "attention in\nlarge windows", width=120)
    narrow = drawing.box("attention", 270, 210, "attention in\nsmall windows", width=120)
    total = drawing.box("merge", 390, 180, "+", width=34, height=34)
    mlp = drawing.box("convolution", 490, 180, "norm, MLP", width=90)
    drawing.arrow(norm, wide)
    drawing.arrow(norm, narrow)
    drawing.arrow(wide, total)
    drawing.arrow(narrow, total)
    drawing.arrow(total, mlp)
    drawing.text(665, 172, "one block of LGT; every other one", quiet=True)
    drawing.text(665, 188, "with windows that are shifted by half", quiet=True)
    return drawing


def vit() -> Schematic:
    """Tokens through equal blocks."""
    drawing = Schematic("ViT: patches are tokens, and in each block every token attends to all", 760, 145)
    image = drawing.box("image", 50, 50, "image", width=70)
    tokens = drawing.box("convolution", 165, 50, "patches,\npositions", width=90)
    attention = drawing.box("attention", 310, 50, "attention of all\ntokens to all", width=125)
    mlp = drawing.box("convolution", 450, 50, "norm, MLP", width=90)
    again = drawing.box("attention", 570, 50, "... again", width=90)
    result = drawing.box("result", 690, 50, "class", width=80)
    for left, right in zip(
        (image, tokens, attention, mlp, again), (tokens, attention, mlp, again, result), strict=True
    ):
        drawing.arrow(left, right)
    drawing.text(
        380, 120, "from one patch to any other in one step: the whole image is seen from the first block on", quiet=True
    )
    return drawing


def resnet() -> Schematic:
    """Residual blocks."""
    drawing = Schematic("ResNet-18: residual blocks at four scales, then the mean over all places", 760, 190)
    image = drawing.box("image", 50, 50, "image", width=70)
    stem = drawing.box("convolution", 155, 50, "7 x 7,\npooled", width=80)
    stages: list[Box] = [
        drawing.box("convolution", 260 + 100 * number, 50, f"stage {number + 1}\n{4 * 2**number} px", width=80)
        for number in range(4)
    ]
    result = drawing.box("result", 680, 50, "mean, class", width=110)
    for left, right in zip((image, stem, *stages), (stem, *stages, result), strict=True):
        drawing.arrow(left, right)
    before = drawing.box("image", 175, 130, "x", width=34, height=34)
    first = drawing.box("convolution", 260, 130, "3 x 3", width=70)
    second = drawing.box("convolution", 370, 130, "3 x 3", width=70)
    total = drawing.box("merge", 460, 130, "+", width=34, height=34)
    drawing.arrow(first, second)
    drawing.arrow(second, total)
    drawing.arrow(before, first)
    drawing.arrow(before, total, (175, 175), (460, 175))
    drawing.text(610, 130, "one block; two in each stage", quiet=True)
    return drawing


def efficientnet() -> Schematic:
    """Mobile inverted bottlenecks."""
    drawing = Schematic("EfficientNet-Lite0: inverted bottlenecks at five scales, then the mean", 760, 190)
    image = drawing.box("image", 50, 50, "image", width=70)
    levels: list[Box] = [
        drawing.box("convolution", 155 + 105 * number, 50, f"level {number + 1}\n{2 ** (number + 1)} px", width=80)
        for number in range(5)
    ]
    result = drawing.box("result", 690, 50, "mean, class", width=110)
    for left, right in zip((image, *levels), (*levels, result), strict=True):
        drawing.arrow(left, right)
    before = drawing.box("image", 60, 130, "x", width=34, height=34)
    wide = drawing.box("convolution", 150, 130, "1 x 1: wider", width=100)
    each = drawing.box("convolution", 275, 130, "each channel\nby itself", width=100)
    narrow = drawing.box("convolution", 405, 130, "1 x 1: narrower", width=115)
    total = drawing.box("merge", 500, 130, "+", width=34, height=34)
    for left, right in zip((before, wide, each, narrow), (wide, each, narrow, total), strict=True):
        drawing.arrow(left, right)
    drawing.arrow(before, total, (60, 175), (500, 175))
    drawing.text(635, 130, "one block; 16 in all", quiet=True)
    return drawing


PICTURES: dict[str, Callable[[], Schematic]] = {
    "unet": unet,
    "attention-unet": attention_unet,
    "fcn": fcn,
    "axial": axial,
    "medt": medt,
    "guided-attention": guided_attention,
    "med-former": med_former,
    "vit": vit,
    "resnet": resnet,
    "efficientnet": efficientnet,
}


def draw(family: str, folder: Path = FOLDER) -> Path:
    """Write the picture of a family, and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{family}.svg"
    with atomic_path(path, overwrite=True) as beside:
        beside.write_text(PICTURES[family]().svg(), encoding="utf-8")
    return path


def main() -> None:
    """Draw all."""
    for family in PICTURES:
        print(draw(family))


if __name__ == "__main__":
    main()
