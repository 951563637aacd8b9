"""Plain words for maps: each map of each network has its own, and only what means the same is a pair."""

import itertools

import pytest

from src_models.attention.words import (
    GATE_WORDS,
    contrast_sentence,
    head_words,
    like_pairs,
    likeness,
    map_words,
    view_words,
)
from src_models.models.architectures import attention_names

NETWORKS = {
    "attention-unet": {"widths": (4,) * 7},
    "medt": {},
    "logo": {},
    "gated-axial-unet": {},
    "guided-attention": {"refinements": 3},
}
TERMS = ("gate ", "global", "local", "block", "received", "similarity", "head")


@pytest.mark.parametrize("architecture", NETWORKS)
def test_every_map_has_a_plain_name_of_its_own_and_the_papers_term(architecture):
    names = attention_names(architecture, NETWORKS[architecture])
    words = [map_words(name) for name in names]
    assert len({each.name for each in words}) == len(names)
    for name, each in zip(names, words, strict=True):
        assert not any(term in each.name.lower() for term in TERMS), each.name
        known = ("attention gate", "axial attention", "positional terms", "position attention", "guided attention")
        assert any(term in each.term for term in (*known, "channel attention", "prediction"))
        assert each.meaning.endswith(".")
        assert name.split()[1] in each.term  # the level, or the stage


@pytest.mark.parametrize("architecture", ["med-former", "swin", "vit"])
def test_maps_of_networks_that_classify_have_plain_names_of_their_own_and_the_papers_term(architecture):
    names = attention_names(architecture, {})
    words = [map_words(name) for name in names]
    assert len({each.name for each in words}) == len(names)
    for name, each in zip(names, words, strict=True):
        assert not any(term in each.name.lower() for term in (*TERMS, "fusion", "attention")), each.name
        assert any(term in each.term for term in ("attention received", "spatial attention fusion"))
        assert next(part for part in name.split() if part[0].isdigit()) in each.term
        assert each.meaning.endswith(".")
        assert each.reading(0.0) != each.reading(0.9)


def test_relevance_and_where_a_cell_looks_have_words():
    relevance = map_words("class relevance", "class relevance")
    assert relevance.term == "gradient-weighted attention"
    assert [relevance.reading(value) for value in (0, 1, 2, 9)] == [
        "hardly speaks for it",
        "speaks for it as an average place does",
        "speaks for it",
        "speaks for it very much",
    ]
    assert map_words("attention at pointer", "window attention").term == "window attention"
    assert map_words("attention at pointer", "window attention").reading(0.5) == "looked at much from there"
    assert [view_words(view, "block") for view in ("large window 2.1", "window 1.2", "layer 3")] == [
        "Stage 2.1, large windows: where it looks from here",
        "Stage 1.2, windows: where it looks from here",
        "Layer 3, whole view: where it looks from here",
    ]


def test_a_value_is_read_as_the_map_means_it():
    gate, received = map_words("gate 2"), map_words("global 2.1 received")
    assert [gate.reading(value) for value in (0.0, 0.27, 0.5, 0.9, 1.0)] == [
        "mostly held back",
        "mostly held back",
        "half let through",
        "mostly let through",
        "mostly let through",
    ]
    assert [received.reading(value) for value in (0.1, 1, 3, 8)] == [
        "hardly looked at",
        "looked at as usual",
        "looked at much",
        "looked at very much",
    ]
    share = map_words("block 1.1 positions in output")
    assert [share.reading(value) for value in (0.1, 0.9)] == ["content counts more", "position counts more"]
    difference = map_words("gate 2: one - other", "difference")
    assert [difference.reading(value) for value in (-0.3, 0.0, 0.3)] == ["lower", "about the same", "higher"]
    assert difference.name == "Fine detail let through: one - other"


def test_scales_of_guided_attention_are_called_by_how_fine_they_are():
    assert map_words("scale 1 step 2 received").name == "Finest scale, step 2: looked-at places"
    assert map_words("scale 4 prediction").name == "Coarsest scale: what it finds by itself"
    before, after = map_words("scale 2 step 1 attended"), map_words("scale 2 step 1 guided")
    assert (before.name, after.name) == (
        "Fine scale, step 1: attention before guidance",
        "Fine scale, step 1: attention after guidance",
    )
    assert [after.reading(value) for value in (0.2, 1, 2, 5)] == [
        "weaker than usual",
        "as usual",
        "stronger than usual",
        "very strong",
    ]
    found = map_words("scale 3 prediction")
    assert [found.reading(value) for value in (0.1, 0.5, 0.9)] == ["nothing found", "unsure", "found"]
    assert "objects are bright, strong attention in them" in contrast_sentence("scale 1 step 2 guided", 3, 0.5, 2)
    assert view_words("scale 3 step 1", "block") == "Coarse scale, step 1: where it looks from here"
    assert map_words("anything", "position attention").reading(0.5) == "looked at much from there"


def test_a_gate_that_is_dark_on_objects_is_said_to_hold_detail_back_there():
    assert "objects are dark, detail is held back in them" in contrast_sentence("gate 2", 0.27, 0.57, -1.4)
    assert "objects are bright, detail is let through in them" in contrast_sentence("gate 3", 0.66, 0.47, 1.2)
    assert "do not stand out" in contrast_sentence("gate 4", 0.277, 0.258, 0.15)
    assert "objects are bright, looked at much in them" in contrast_sentence("global 2.1 received", 3, 0.5, 2)


def test_gates_are_compared_level_with_level_and_attention_with_the_same_of_the_same_stage():
    nuclei, deeper = (attention_names("attention-unet", {"widths": (4,) * depth}) for depth in (5, 6))
    assert like_pairs(nuclei, deeper) == [(name, name) for name in ("gate 2", "gate 3", "gate 4")]
    medt, axial = attention_names("medt", {}), attention_names("gated-axial-unet", {})
    assert like_pairs(nuclei, medt) == like_pairs(medt, nuclei) == []
    assert like_pairs(medt, medt) == [(name, name) for name in medt]
    pairs = like_pairs(medt, axial)
    assert pairs == [(name, name.replace("global", "block")) for name in medt if name.startswith("global")]
    for one, other in itertools.combinations(medt, 2):
        assert likeness(one, "") != likeness(other, ""), (one, other)


def test_ways_to_look_and_heads_and_gates_are_plain():
    said = [view_words("global 2.1", "block"), view_words("local", "rollout"), view_words("gate 3", "gate")]
    assert said == [
        "Stage 2.1, whole view: where it looks from here",
        "All stages, small patches: where it looks from here",
        "Medium detail let through",
    ]
    assert head_words("height", None, 8) == "up-down: all 8"
    assert head_words("width", 2, 8) == "left-right: way 3"
    assert head_words("", None, 8) == "all 8, their mean"
    assert head_words("", 2, 8) == "way 3"
    assert len(set(GATE_WORDS.values())) == 4
