"""The page of every network: what is counted, whom it compares, and that what is written by hand stays."""

import json

import pytest
import torch
from torch import nn

from benchmarks import networks as page
from benchmarks.named_networks import NETWORKS, NamedNetwork, known
from benchmarks.network_pictures import PICTURES
from benchmarks.networks import COLUMNS, SECTIONS, least_seconds, maps_in_words, operations, parts, write_page
from src_models.nets.axial.attention import AxialAttention

SHORT = ("unet", "attention-unet", "fcn", "medt")
MEASURED = {
    "machine": {"processor": "abacus", "gpu": None},
    "columns": list(COLUMNS),
    "rows": [[name, 1_500_000, 2.5, 128, 30.0 + number, 20.0] for number, name in enumerate(SHORT)],
}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Pictures go elsewhere."""
    draw = page.draw
    monkeypatch.setattr(page, "draw", lambda family: draw(family, tmp_path / "networks"))
    return tmp_path / "networks"


def test_a_multiplication_and_an_addition_are_two_operations():
    convolution = nn.Conv2d(3, 5, 3, padding=1)
    assert operations(convolution, torch.zeros(2, 3, 8, 10)) == 2 * 2 * 8 * 10 * 5 * 3 * 9


@pytest.mark.parametrize(("channels", "counted"), [(64, 4 + 4 + 4 + 8 + 8), (16, 2 + 2)])
def test_what_a_kernel_computes_is_counted_too(channels, counted):
    """Queries and keys with each other and with positions, and weights with values and with positions.

    Where queries have one channel a head, no matrices are multiplied for the first three.
    """
    layer = AxialAttention(channels, "height", length=12).eval()
    lines, length, heads = 7, 12, 8
    projected = 2 * lines * length * channels * 2 * channels
    attention = 2 * lines * heads * length**2 * counted
    assert operations(layer, torch.zeros(1, channels, length, lines)) == projected + attention


class Attention(nn.Module):
    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x)


def test_attention_that_torch_computes_at_once_is_counted_too():
    assert operations(Attention(), torch.zeros(1, 4, 30, 16)) == 2 * 2 * 4 * 30 * 30 * 16


def test_the_least_time_of_each_counts_and_they_take_turns():
    told, clock = [], iter([0, 5, 5, 8, 10, 12, 20, 29])
    passes = [lambda: told.append("a"), lambda: told.append("b")]
    assert least_seconds(passes, 2, clock=lambda: next(clock)) == [2, 3]
    assert told == ["a", "b"] * 3, "once before the clock runs"


def test_every_family_has_words_an_equation_and_a_picture():
    families = {network.family for network in NETWORKS.values()}
    assert families == PICTURES.keys() == {path.stem for path in SECTIONS.glob("*.md")}
    for family in families:
        text = (SECTIONS / f"{family}.md").read_text(encoding="utf-8")
        assert text.startswith("## ")
        assert "$$" in text, family
        assert "**What can be seen:**" in text, family


def test_the_page_has_a_row_for_what_was_measured_and_a_ratio_of_the_same_run(drawn, capsys):
    made = parts(known([*SHORT, "logo"]), MEASURED)
    rows = [line for line in made["costs"].splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(SHORT)
    assert "| 1.50 M | 128 x 128 | 2.50 | 31.0 ms | 1.55 |" in rows[1]
    assert "left out: logo, which was not measured yet" in capsys.readouterr().out
    assert made["costs"].endswith("Measured on: processor abacus.")
    titles = [line for line in made["sections"].splitlines() if line.startswith("## ")]
    assert titles == ["## U-Net", "## Attention U-Net", "## FCN", "## MedT and LoGo"]
    assert sorted(path.stem for path in drawn.iterdir()) == ["attention-unet", "fcn", "medt", "unet"]
    assert made["rows"] == "`unet`, `attention-unet`, `fcn`, `medt`"


def test_what_can_be_seen_is_what_the_records_say():
    assert maps_in_words(NETWORKS["attention-unet"]).startswith(
        "3 maps: `gate 2` (*Fine detail let through*), `gate 3`"
    )
    medt = maps_in_words(NETWORKS["medt"])
    assert medt.startswith("17 maps: `global 1.1 received`, ")
    assert "shown unless you choose: `global 2.1 received` (*Stage 2.1, whole view: looked-at places*)" in medt
    assert "told by 11 blocks: `global 1.1`, `global 2.1`, `local 1.1`, ..., `local 4.1`" in medt
    assert not page.has_maps(NETWORKS["fcn"])


def test_what_is_written_by_hand_stays(tmp_path):
    path = tmp_path / "page.md"
    before = "Mine.\n<!-- made: a -->\nold\n<!-- end: a -->\nMine, too: \\1.\n<!-- made: b --><!-- end: b -->\n"
    path.write_text(before.replace("--><!--", "-->\n<!--"))
    for part in ("new \\frac", "newer"):
        write_page(path, {"a": part})
    assert path.read_text() == (
        "Mine.\n<!-- made: a -->\n\nnewer\n\n<!-- end: a -->\nMine, too: \\1.\n<!-- made: b -->\n<!-- end: b -->\n"
    )


@pytest.mark.parametrize("text", ["", "<!-- made: a -->\n", 2 * "<!-- made: a -->\n<!-- end: a -->\n"])
def test_a_page_without_one_place_for_a_part_is_refused_and_stays(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="there must be one line <!-- made: a -->"):
        write_page(path, {"a": "b"})
    assert path.read_text() == text


def test_a_network_is_measured_beside_the_u_net(monkeypatch):
    """By a clock that counts weights, which does not depend on what else the machine does."""

    def weights(passes, repeats):
        for one in passes:
            one()
        return [repeats * sum(parameter.numel() for parameter in one.args[0].parameters()) for one in passes]

    monkeypatch.setattr(page, "least_seconds", weights)
    small = NamedNetwork("Small", "unet", "unet", {"widths": (2, 4)}, size=32)
    parameters, gflop, size, own, base = page.measure(small, repeats=1)
    assert size == 32
    assert 0 < own < 2000e3 < base
    assert parameters < 2000
    assert 0 <= gflop < 0.01


def test_the_page_that_there_is_has_what_was_measured_and_all_its_pictures(repository):
    text = (repository / "docs" / "networks.md").read_text(encoding="utf-8")
    measured = json.loads((repository / "benchmarks" / "results" / "networks.json").read_text())
    for row in measured["rows"]:
        assert f"| `{row[0]}` |" in text
    assert {path.stem for path in (repository / "docs" / "networks").iterdir()} == PICTURES.keys()
