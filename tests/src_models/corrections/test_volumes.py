"""Volumes and slices as a 3D network learns from them: where they lie, and what of them counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.corrections.correction import CorrectionRecord, Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.corrections.volumes import check_planes, in_slices, in_volume, slices_around, span_around, whole_volume
from src_models.errors import DataSetError, UserError

STACK = np.arange(9 * 12 * 10, dtype=np.uint16).reshape(9, 12, 10)
LABELS = np.zeros((12, 10), np.int32)
LABELS[3:7, 2:6] = 2


@given(st.integers(1, 40), st.integers(1, 60), st.data())
def test_slices_lie_around_the_one_and_are_as_many_as_there_can_be(depth, deep, data):
    place = data.draw(st.integers(0, depth - 1))
    span = span_around(place, depth, deep)
    assert 0 <= span.start <= place < span.stop <= depth
    assert span.stop - span.start == min(deep, depth)


def marked(place, **options):
    around = slices_around(STACK, place, 4)
    return mark(STACK[place], LABELS, source=Source(layer="a", axes="ZYX", plane=(place,)), around=around, **options)


@pytest.mark.parametrize("place", [0, 4, 8])
def test_of_a_slice_in_its_volume_it_alone_counts(place):
    correction, counts = in_volume("a", marked(place), marked(place).counts)
    at = correction.image.tolist().index(STACK[place].tolist())
    assert (correction.counts.any(axis=(1, 2)) == (np.arange(4) == at)).all()
    assert (counts == correction.counts).all()
    assert correction.counts[at].all()
    assert (correction.labels == LABELS).all(), "an object does not end where nobody looked"


def test_a_slice_without_those_around_it_is_refused():
    alone = mark(STACK[4], LABELS, source=Source(layer="a"))
    with pytest.raises(DataSetError, match=r"a was kept without the slices around it.*3D model"):
        in_volume("a", alone, alone.counts)


def test_a_slice_is_found_again_in_its_set_with_those_around_it(tmp_path):
    colours = np.stack([STACK, STACK + 1, STACK + 2], -1)
    for folder, stack in (("grey", STACK), ("colours", colours)):
        around = slices_around(stack, 7, 4)
        kept = CorrectionSet.open(tmp_path / folder)
        source = Source(layer="a", axes="ZYX", plane=(7,))
        kept.add(mark(stack[7], LABELS, source=source, around=around))
        ((_, back),) = CorrectionSet.open(tmp_path / folder).corrections()
        assert (back.around.image == stack[5:9]).all()
        assert back.around.place == 2
        assert (back.image == stack[7]).all()
        assert back.record.slice_at == 2


def test_records_of_planes_are_as_earlier_versions_read_them():
    plain = mark(STACK[4], LABELS, source=Source(layer="a")).record.to_json()
    assert "slice_at" not in plain
    assert "clicked" not in plain
    deep = marked(4).record
    assert CorrectionRecord.from_json(deep.to_json(), "a") == deep


def test_a_whole_volume_counts_where_it_is_said_to():
    labels = np.repeat(LABELS[None], 9, axis=0)
    whole = whole_volume(STACK, labels, Source(layer="v"))
    assert whole.counts.all()
    assert (whole.changed == (labels > 0)).all()
    part = whole_volume(STACK, labels, Source(layer="v"), np.arange(9)[:, None, None] * np.ones((9, 12, 10)) > 6)
    assert (part.counts.any(axis=(1, 2)) == (np.arange(9) > 6)).all()
    assert part.record.made_by == {"network": 2 * (120 - 16), "click": 0, "brush": 2 * 16}
    with pytest.raises(UserError, match="nothing is marked that counts"):
        whole_volume(STACK, labels, Source(layer="v"), np.zeros(STACK.shape, bool))


def test_planes_and_volumes_are_told_apart(tmp_path):
    volume = whole_volume(STACK, np.repeat(LABELS[None], 9, axis=0), Source(layer="v", file="v.nii"))
    check_planes([("a", marked(4))])
    with pytest.raises(DataSetError, match=r"v\.nii is a stack or a volume"):
        check_planes([("a", marked(4)), ("v", volume)])
    assert in_volume("v", volume, volume.counts)[0] is volume

    class Other:
        def corrections(self):
            yield "v", volume

    with pytest.raises(DataSetError, match="a volume cannot be added to corrected planes"):
        CorrectionSet.open(tmp_path / "set").merge(Other())


def test_a_volume_in_slices_is_what_its_slices_are_each_with_its_neighbours(monkeypatch):
    labels = np.repeat(LABELS[None], 9, axis=0)
    counts = np.zeros(STACK.shape, bool)
    counts[2:] = True
    volume = whole_volume(STACK, labels, Source(layer="v", axes="ZYX"), counts)
    slices = in_slices("v", volume, 3)
    assert [name for name, _ in slices] == [f"v_z{place}" for place in range(2, 9)]
    for place, (_, one) in enumerate(slices, 2):
        np.testing.assert_array_equal(one.image, STACK[place])
        np.testing.assert_array_equal(one.around.image[one.around.place], STACK[place])
        np.testing.assert_array_equal(one.around.image, STACK[min(place - 1, 6) : min(place + 2, 9)])
        assert one.record.source.plane == (place,)
        assert one.counts.all()
    assert in_slices("a", marked(4), 3)[0][0] == "a"
    monkeypatch.setattr("src_models.corrections.volumes.MOST_SLICES", 3)
    assert [name for name, _ in in_slices("v", volume, 3)] == ["v_z2", "v_z4", "v_z6"]
