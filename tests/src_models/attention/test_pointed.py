"""What is said of an answer: of a gate its value, of what looks where it looks."""

import numpy as np

from src_models.attention.placed_map import PlacedMap
from src_models.attention.pointed import Pointed, View

MAP = PlacedMap("attention at pointer", "", "", 1, np.ones((2, 2), np.float32), (1.0, 1.0), (0.0, 0.0))


def test_a_gate_tells_its_value_and_a_block_where_it_looks():
    gate = Pointed(MAP, (0.0, 0.0), {"gate 2": 0.271}, View("gate 2", "gate", ""))
    assert gate.sentence == "0.27 here: mostly held back."
    block = Pointed(MAP, (0.0, 0.0), {"gate 2": 0.271}, View("large window 1.1", "block", "", heads=2))
    assert block.sentence == "Bright: where it looks most from the cross."
