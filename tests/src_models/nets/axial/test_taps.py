"""What can be read of an axial block, against its product map written out."""

import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.nets.axial.attention import AxialBlock
from src_models.nets.tap import AttentionTap


def block(length=6, seed=0):
    torch.manual_seed(seed)
    made = AxialBlock(
        4, 16, stride=1, length=length, gated=length is not None, compatible=False, name="global 2.1", cell=1, patches=1
    )
    for name, parameter in made.named_parameters():
        if name.split(".")[-1].startswith("g_"):
            parameter.data.fill_(0.7)
    return made.double().eval()


def test_what_a_pixel_receives_is_the_sum_of_the_product_maps_of_all_others():
    made = block()
    with torch.inference_mode(), record_attention(made) as record:
        made(torch.randn(1, 4, 6, 6, dtype=torch.float64))
    rows, columns = (record[f"global 2.1 {axis}"].tensor[0].mean(1) for axis in ("width", "height"))
    product = torch.einsum("yxa,aby->yxba", rows, columns.transpose(1, 2))  # y, x, y', x'
    torch.testing.assert_close(product.sum((2, 3)), torch.ones(6, 6, dtype=torch.float64))
    received = record["global 2.1 received"].tensor[0, 0]
    torch.testing.assert_close(received.mean(), torch.ones((), dtype=torch.float64))
    torch.testing.assert_close(received, product.sum((0, 1)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("length", [6, None])
def test_without_positions_nothing_is_said_of_their_share(length):
    made = block(length)
    names = {module.name for module in made.modules() if isinstance(module, AttentionTap)}
    shares = {"global 2.1 positions in similarity", "global 2.1 positions in output"}
    assert names - shares == {"global 2.1 height", "global 2.1 width", "global 2.1 received"}
    assert shares <= names or length is None
    assert made.taps.name == "global 2.1"


def test_each_tap_is_told_what_it_is_called():
    """Heard one by one, each says the same as all together."""
    made, image = block(), torch.randn(1, 4, 6, 6, dtype=torch.float64)
    with torch.inference_mode(), record_attention(made) as together:
        made(image)
    for name in together.names():
        with torch.inference_mode(), record_attention(made, [name]) as alone:
            made(image)
        assert alone.names() == [name]
        torch.testing.assert_close(alone[name].tensor, together[name].tensor)


def test_nobody_listens_and_nothing_is_told(monkeypatch):
    made = block()
    monkeypatch.setattr(made.taps, "tell", lambda *_: pytest.fail("nobody listens"))
    assert not made.taps.heard()
    made(torch.randn(1, 4, 6, 6, dtype=torch.float64))
