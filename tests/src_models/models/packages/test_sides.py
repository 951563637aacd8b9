"""Which images a network of a package takes."""

import pytest

from src_models.errors import ModelFileError
from src_models.models.packages.sides import Sides, sides_of

form = pytest.importorskip("bioimageio.spec.model.v0_5")


def described(sizes, results, *, order="bcyx", halo=None):
    def axes(of, space):
        made = {"b": form.BatchAxis(), "c": form.ChannelAxis(channel_names=["a"])}
        return [made[letter] if letter in "bc" else space(letter, of[letter]) for letter in order]

    def result(letter, size):
        kind = form.SpaceOutputAxisWithHalo if halo else form.SpaceOutputAxis
        return kind(id=form.AxisId(letter), size=size, **({"halo": halo} if halo else {}))

    class Tensor:
        def __init__(self, made):
            self.axes = made

    image = Tensor(axes(sizes, lambda letter, size: form.SpaceInputAxis(id=form.AxisId(letter), size=size)))
    return image, Tensor(axes(results, result))


def same(letter, offset=0):
    return form.SizeReference(tensor_id=form.TensorId("a"), axis_id=form.AxisId(letter), offset=offset)


def test_sizes_steps_and_order_are_read():
    ranges = {"y": form.ParameterizedSize(min=48, step=16), "x": form.ParameterizedSize(min=32, step=8)}
    found = sides_of(*described(ranges, {letter: same(letter) for letter in "yx"}, order="byxc"))
    assert found == Sides("byxc", "byxc", (48, 32), (16, 8), (0, 0), (0, 0))
    assert found.tile == (512, 512)


def test_a_volume_of_one_size_lacks_its_margins():
    sizes = {"z": 20, "y": 64, "x": 64}
    found = sides_of(*described(sizes, {"z": 16, "y": 56, "x": 56}, order="bczyx"))
    assert (found.step, found.margin, found.tile) == ((0, 0, 0), (2, 4, 4), (16, 56, 56))
    assert all(2 * overlap < tile for overlap, tile in zip(found.overlap, found.tile, strict=True))


def test_offsets_are_margins_and_halos_overlap():
    sizes = {letter: form.ParameterizedSize(min=256, step=16) for letter in "yx"}
    found = sides_of(*described(sizes, {letter: same(letter, -8) for letter in "yx"}, halo=24))
    assert (found.margin, found.halo) == ((4, 4), (24, 24))
    assert found.tile == (504, 504), "with 4 px on each side, 512, which the network takes"
    assert found.overlap == (64, 64)


def test_sides_that_depend_on_each_other_are_tied():
    sizes = {"y": form.ParameterizedSize(min=32, step=16), "x": same("y")}
    found = sides_of(*described(sizes, {letter: same(letter) for letter in "yx"}))
    assert (found.least, found.step, found.tied) == ((32, 32), (16, 16), True)


@pytest.mark.parametrize(
    ("results", "why"),
    [({"y": 30, "x": 32}, None), ({"y": 31, "x": 32}, "pixel on pixel"), ({"y": 64, "x": 64}, "pixel on pixel")],
)
def test_an_output_that_does_not_lie_over_the_input_is_refused(results, why):
    image, output = described({"y": 32, "x": 32}, results)
    if why is None:
        assert sides_of(image, output).margin == (1, 0)
        return
    with pytest.raises(ModelFileError, match=why):
        sides_of(image, output)


def test_time_and_lines_are_no_images():
    image, output = described({"y": 32, "x": 32}, {"y": 32, "x": 32})
    with pytest.raises(ModelFileError, match="does not give each pixel a value"):
        sides_of(image, type(image)([axis for axis in output.axes if str(axis.id) != "x"]))
    with pytest.raises(ModelFileError, match="networks of planes"):
        sides_of(type(image)([axis for axis in image.axes if str(axis.id) != "x"]), output)
    time = form.TimeInputAxis(size=3)
    with pytest.raises(ModelFileError, match="the axis time"):
        sides_of(type(image)([*image.axes, time]), output)
