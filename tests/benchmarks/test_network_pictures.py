"""The pictures: whole SVG files, in which all words are and nothing lies over anything else."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks.network_pictures import PICTURES, draw
from benchmarks.schematics import CARD

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("family", PICTURES)
def test_a_picture_has_a_title_a_light_card_and_a_legend_of_what_is_in_it(family, tmp_path):
    root = ET.parse(draw(family, tmp_path)).getroot()
    assert root.find(f"{SVG}title").text
    card, *boxes = root.findall(f"{SVG}rect")
    assert card.get("fill") == CARD
    colours = {box.get("fill") for box in boxes}
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert len(colours) >= 3
    assert ("attention" in words) == (family not in ("unet", "fcn", "resnet", "efficientnet"))


@pytest.mark.parametrize("family", PICTURES)
def test_no_words_lie_beyond_the_card(family, tmp_path):
    root = ET.parse(draw(family, tmp_path)).getroot()
    left, _, width, _ = (float(part) for part in root.get("viewBox").split())
    for text in root.iter(f"{SVG}text"):
        half = len(text.text) * float(text.get("font-size")) * 0.52 / 2
        if text.get("text-anchor") != "start":
            assert left + 4 < float(text.get("x")) - half, text.text
            assert float(text.get("x")) + half < left + width - 4, text.text
