"""What channels mean, by their names and by what is known of their values."""

import pytest

from src_models.errors import ModelFileError
from src_models.models.packages.meaning import meaning_of


@pytest.mark.parametrize(
    ("channels", "activation", "said", "wanted"),
    [
        (("background", "cell"), "softmax", (), ("classes", (0, 1), ("background", "cell"), "semantic")),
        (("cell", "Background"), "softmax", (), ("classes", (1, 0), ("background", "cell"), "semantic")),
        (("channel0", "channel1"), "softmax", (), ("classes", (0, 1), ("background", "class 1"), "semantic")),
        (("c0", "c1", "c2"), "softmax", ("edge", "bg", "in"),
         ("classes", (1, 2, 0), ("background", "interior", "boundary"), "instances")),
        (("output",), "sigmoid", (), ("each", (0,), ("background", "foreground"), "semantic")),
        (("nucleus",), "sigmoid", (), ("each", (0,), ("background", "nucleus"), "semantic")),
        (("boundaries", "foreground"), "sigmoid", (),
         ("boundary", (1, 0), ("background", "interior", "boundary"), "instances")),
        (("0", "1"), "sigmoid", ("background", "a", "b"), ("each", (0, 1), ("background", "a", "b"), "semantic")),
        (("0", "1"), "none", ("background", "cell"), ("logits", (0, 1), ("background", "cell"), "semantic")),
        (("x",), "none", ("cell",), ("logit of each", (0,), ("background", "cell"), "semantic")),
    ],
)  # fmt: skip
def test_names_and_values_tell(channels, activation, said, wanted):
    found = meaning_of(channels, activation, said)
    assert (found.meaning, found.order, found.classes, found.result) == wanted


@pytest.mark.parametrize(
    ("channels", "activation", "said", "why"),
    [
        (("nucleus", "cytoplasm"), "softmax", (), "which of its channels .nucleus, cytoplasm. is the background"),
        (("channel0", "channel1"), "sigmoid", (), "what its 2 channels are"),
        (("background", "cell"), "sigmoid", (), "do not exclude each other"),
        (("cell",), "none", (), "does not say that its output is probabilities"),
        (("flow_y", "flow_x"), "sigmoid", (), "'flow_y', which is no class"),
        (("a", "b"), "sigmoid", ("a", "b", "c"), "2 channels, and 3 names"),
    ],
)
def test_what_is_not_known_is_asked_for(channels, activation, said, why):
    with pytest.raises(ModelFileError, match=why):
        meaning_of(channels, activation, said)
