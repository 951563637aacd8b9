"""The page of every network, ``docs/networks.md``: what each is, costs and found, and what can be seen of it.

    python -m benchmarks.networks [--repeats 7] [--networks NAME ...] [--only-page]

Measured are the numbers that learn, the floating-point operations of one image (a multiplication and an addition are
two; those of convolutions and matrix products are counted, and of attention as its plain form has them), and the time
of one image: one thread, made ready for prediction as in use, its CPU time, which other programs do not lengthen, the
least of several passes. Each network takes turns with the plain U-Net on images of the same size.

Scores are those in ``benchmarks/results``; what was not measured is not there. What stands between the markers of the
page is made here; all else is written by hand, and stays. Sections are in ``benchmarks/network_sections``. Networks
that this version of the package does not have are left out with a word, and so are their sections.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import RESULTS, report
from benchmarks.named_networks import NETWORKS, NamedNetwork, known, made
from benchmarks.network_pictures import draw
from benchmarks.network_scores import scores_of
from src_models.attention.words import map_words
from src_models.computing.execution import choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.disk.atomic import atomic_path
from src_models.models.architectures import find_architecture
from src_models.nets.kernels import axial_cpu

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "networks.md"
SECTIONS = Path(__file__).parent / "network_sections"
COLUMNS = ("name", "parameters", "GFLOP", "size, px", "ms", "U-Net, ms")
CHANNELS = 3
BASE = "unet"
NAMED = 4  # maps that are named; of more, the first and the last


def main() -> None:
    """Measure what there is, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--networks", nargs="+", metavar="NAME", choices=NETWORKS, help="measure these alone")
    parser.add_argument("--only-page", action="store_true", help="take what was measured before")
    options = parser.parse_args()
    torch.set_num_threads(1)
    networks, results = known(NETWORKS), RESULTS / "networks.json"
    if not options.only_page:
        before = json.loads(results.read_text())["rows"] if options.networks else []
        rows = {row[0]: row for row in before}
        for name in options.networks or networks:
            rows[name] = [name, *measure(networks[name], options.repeats)]
            print(rows[name], flush=True)
        report("networks", COLUMNS, [rows[name] for name in NETWORKS if name in rows])
    measured = json.loads(results.read_text())
    write_page(PAGE, parts(networks, measured))


def measure(network: NamedNetwork, repeats: int) -> tuple[int, float, int, float, float]:
    """Return parameters, GFLOP, size (px), and the milliseconds of the network and of the plain U-Net."""
    torch.manual_seed(0)
    image = torch.rand(1, CHANNELS, network.size, network.size)
    own = made(network, channels=CHANNELS).eval()
    execution = choose_execution("cpu")
    passes = [partial(execution, prepare(each, execution), image) for each in (own, made(NETWORKS[BASE]).eval())]
    with reused_memory():
        own_time, base_time = (round(1e3 * least, 2) for least in least_seconds(passes, repeats))
    count = sum(parameter.numel() for parameter in own.parameters())
    return count, round(operations(own, image) / 1e9, 3), network.size, own_time, base_time


def operations(network: nn.Module, image: Tensor) -> int:
    """Return the floating-point operations of a pass, for one image or more.

    Attention is computed in its plain form, since what a kernel does is not seen. Where queries have one channel a
    head, as in the finest stage of axial networks, their products with keys are no matrix products and not counted.
    """
    plain = patch.object(axial_cpu, "available_for", return_value=False)
    with torch.no_grad(), plain, sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        network(image)
    return int(counter.get_total_flops())


def least_seconds(
    passes: Sequence[Callable[[], Any]], repeats: int, clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Return the least time of each; they take turns, so that a disturbance meets all alike."""
    for one in passes:
        one()
    least = [float("inf")] * len(passes)
    for _ in range(repeats):
        for number, one in enumerate(passes):
            start = clock()
            one()
            least[number] = min(least[number], clock() - start)
    return least


def parts(networks: dict[str, NamedNetwork], measured: dict[str, Any]) -> dict[str, str]:
    """Return what stands between the markers of the page, by their names."""
    rows = {row[0]: dict(zip(measured["columns"], row, strict=True)) for row in measured["rows"]}
    networks = {name: network for name, network in networks.items() if _was_measured(name, rows)}
    where = ", ".join(f"{key} {value}" for key, value in measured["machine"].items() if value is not None)
    families = dict.fromkeys(network.family for network in networks.values())
    return {
        "costs": _table(_costs(networks, rows)) + f"\n\nMeasured on: {where}.",
        "sections": "\n\n".join(_section(family, networks) for family in families),
        "accuracy": _accuracy(networks),
        "rows": ", ".join(f"`{name}`" for name, network in networks.items() if network.segments),
    }


def _was_measured(name: str, rows: dict[str, Any]) -> bool:
    if name not in rows:
        print(f"left out: {name}, which was not measured yet; run this without --only-page")
    return name in rows


def _costs(networks: dict[str, NamedNetwork], rows: dict[str, dict[str, Any]]) -> Iterator[Sequence[str]]:
    yield "Name", "Network", "Parameters", "Image, px", "GFLOP", "Time", "Times the U-Net's", "Maps"
    for name, network in networks.items():
        row = rows[name]
        record, config = find_architecture(network.architecture), network.config
        own, base = row["ms"], row["U-Net, ms"]
        yield (
            f"`{name}`",
            network.title,
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['size, px']} x {row['size, px']}",
            f"{row['GFLOP']:.2f}",
            f"{own:.1f} ms",
            f"{own / base:.2f}",
            str(len(record.maps(config)) or "-"),
        )


def _section(family: str, networks: dict[str, NamedNetwork]) -> str:
    """Return a family's words with its picture, and a list of what can be seen of each of its networks."""
    title, _, words = (SECTIONS / f"{family}.md").read_text(encoding="utf-8").strip().partition("\n")
    picture = draw(family)
    seen = "\n".join(
        f"* `{name}`: {maps_in_words(network)}"
        for name, network in networks.items()
        if network.family == family and has_maps(network)
    )
    alt = title.removeprefix("## ")
    return f"{title}\n\n![{alt}]({picture.parent.name}/{picture.name})\n\n{words.strip()}\n\n{seen}".strip()


def has_maps(network: NamedNetwork) -> bool:
    """Whether there is attention of it to see."""
    record = find_architecture(network.architecture)
    return bool(record.maps(network.config) or record.blocks(network.config))


def maps_in_words(network: NamedNetwork) -> str:
    """Return which maps a network has, and which of its blocks tell where a pixel looks."""
    record = find_architecture(network.architecture)
    maps, blocks, usual = (given(network.config) for given in (record.maps, record.blocks, record.usual_maps))
    shown = ", ".join(_with_words(name) for name in usual)
    told = [shown] if usual == maps else [_few(maps), f"shown unless you choose: {shown}"]
    count = "1 map" if len(maps) == 1 else f"{len(maps)} maps"
    asked = [f"where a pixel looks is told by {len(blocks)} blocks: {_few(blocks)}"] if blocks else []
    return "; ".join([f"{count}: {told[0]}", *told[1:], *asked]) + "."


def _with_words(name: str) -> str:
    """Return a map's name with what it is called in the window, where that is another."""
    words = map_words(name).name
    return f"`{name}`" if words == name else f"`{name}` (*{words}*)"


def _few(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names]
    return ", ".join(shown if len(shown) <= NAMED else [*shown[: NAMED - 1], "...", shown[-1]])


def _accuracy(networks: dict[str, NamedNetwork]) -> str:
    tables = []
    for measure_, scores in scores_of(RESULTS):
        found = [(name, *scores[name]) for name in networks if name in scores]
        if found:
            header = ("Name", *measure_.columns)
            rows = [(f"`{name}`", *cells) for name, *cells in found]
            tables.append(f"**{measure_.title}** (`{measure_.command}`)\n\n{_table([header, *rows])}")
    return "\n\n".join(tables) or "Nothing is measured yet."


def _table(rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    header, *others = rows
    lines = [header, ["---"] * len(header), *others]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_page(page: Path, made_parts: dict[str, str]) -> None:
    """Put parts in the place of what is between their markers; all else stays.

    Raises
    ------
    ValueError
        If a part has not one pair of markers.
    """
    text = page.read_text(encoding="utf-8")
    for name, part in made_parts.items():
        pattern = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end: {name} -->)", flags=re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(
                f"{page}: there must be one line <!-- made: {name} --> and after it one <!-- end: {name} -->"
            )
        text = pattern.sub(lambda found, part=part: f"{found[1]}\n{part}\n\n{found[2]}", text)
    with atomic_path(page, overwrite=True) as beside:
        beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
