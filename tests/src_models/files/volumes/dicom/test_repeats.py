"""Series whose places are there several times, written with pydicom: volumes in the order of their tags, or refused."""

import numpy as np
import pydicom
import pytest
from dicom_files import change

from src_models.errors import ImageError
from src_models.files.images import read_image
from src_models.files.volumes.dicom_preview.series_preview import preview_series
from src_models.files.volumes.dicom_volume import read_dicom

TIMES, SHAPE = 3, (4, 3, 5)  # volumes; slices, rows, columns
VALUES = np.arange(TIMES * 60, dtype="uint16").reshape(TIMES, *SHAPE)


@pytest.fixture
def written(tmp_path, write_series):
    """Write volumes of one series, files and slices in another order than their names; `tags` of (volume, slice)."""

    def write(tags, *, volumes=VALUES, modality="MR", **fields):
        folder = tmp_path / "scan"
        names = np.random.default_rng(0).permutation(volumes[..., 0, 0].size)
        for time, volume in enumerate(volumes):
            more = {"Modality": modality, **fields}
            paths = write_series(folder, volume, series="1.2.3", prefix=f"made{time}_", rescaling=((1, time),), **more)
            for number, path in enumerate(paths):
                change(path, **tags(time, number))
                path.rename(folder / f"IM{names[time * len(volume) + number]:03d}.dcm")
        return folder

    return write


def check(folder, order=(0, 1, 2), seconds=1.0, told=""):
    """Compare each voxel with what was written, by its volume's own rescaling."""
    volume = read_dicom(folder)
    assert volume.reading.axes == "TZYX"
    wanted = np.stack([VALUES[time] + time for time in order])
    assert volume.data.chunks[0] == (1,) * len(order), "each slice is read when it is looked at"
    np.testing.assert_array_equal(np.asarray(volume.data), wanted)
    np.testing.assert_array_equal(np.asarray(volume.data[1, 2, 1:, ::2]), wanted[1, 2, 1:, ::2])
    assert volume.frame_seconds == pytest.approx(seconds)
    assert told in " ".join(volume.notes)
    place = volume.geometry.affine @ [1, 2, 3, 1]
    np.testing.assert_allclose(place[:3], (40 + 2.5, -90.25 + 2 * 0.75, -120.5 + 3 * 0.5))


def clock(seconds):
    return f"2359{seconds:09.6f}" if seconds < 60 else f"0000{seconds - 60:09.6f}"


def test_times_by_their_number_whatever_the_files_are_called(written):
    folder = written(lambda t, z: {"TemporalPositionIdentifier": (2, 3, 1)[t], "TemporalResolution": 1500})
    check(folder, (2, 0, 1), 1.5, "its 3 volumes along time are in the order of their temporal position")


def test_times_by_the_clock_each_slice_at_its_own_and_over_midnight(written):
    def tags(t, z):
        seconds = 55 + 4 * t + (0, 2, 1, 3)[z] * 0.9  # interleaved
        return {"AcquisitionDate": "20240101" if seconds < 60 else "20240102", "AcquisitionTime": clock(seconds)}

    check(written(tags), seconds=4, told="in the order of their time of acquisition")


def test_phases_of_the_heart_by_their_trigger_times_which_differ_a_little_from_slice_to_slice(written):
    folder = written(lambda t, z: {"TriggerTime": f"{(40, 80, 0)[t] + 0.3 * z:.1f}"})
    check(folder, (2, 0, 1), 0.04, "trigger time")


@pytest.mark.parametrize(
    ("tag", "values", "order", "told"),
    [
        ("EchoTime", (30, 10, 20), (1, 2, 0), "of echo time 10, 20, 30 ms"),
        ("InversionTime", (50, 100, 2500), (0, 1, 2), "of inversion time 50, 100, 2500 ms"),
        ("DiffusionBValue", (1000.0, 0.0, 500.0), (1, 2, 0), "of b-value 0, 500, 1000 s/mm²"),
    ],
)
def test_echoes_inversions_and_b_values_in_their_order(written, tag, values, order, told):
    folder = written(lambda t, z: {tag: values[t], "AcquisitionTime": clock(t)})
    check(folder, order, told=told)


def test_directions_of_diffusion_in_the_order_of_the_scan(written):
    turns = ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.6, 0.8])

    def tags(t, z):
        told = {"DiffusionBValue": 1000.0 if t else 0.0, "DiffusionGradientOrientation": turns[t]}
        return {**told, "InstanceNumber": 1 + (1, 2, 0)[t] * SHAPE[0] + z}

    check(written(tags), (2, 0, 1), told="of diffusion in different directions")


def test_repeated_directions_by_the_number_of_their_acquisition(written):
    folder = written(lambda t, z: {"DiffusionBValue": (0.0, 800.0, 0.0)[t], "AcquisitionNumber": (1, 2, 3)[t]})
    check(folder, told="number of acquisition (of diffusion, in the order of the scan)")


def test_a_localizer_beside_them_is_left_out_and_said(written, write_series):
    folder = written(lambda t, z: {"TemporalPositionIdentifier": t + 1})
    fields = {"orientation": (0, 1, 0, 0, 0, -1), "series": "1.2.3", "Modality": "MR"}
    write_series(folder, VALUES[0, :1], prefix="scout", **fields)
    check(folder, told="left out: scout0000.dcm, which is of another orientation")


def test_previews_and_readers_know_of_the_times(written):
    folder = written(lambda t, z: {"EchoTime": 10 + t})
    (preview,) = preview_series(folder)
    assert "4 slices at 3 times" in preview.facts()[0]
    assert preview.opens
    assert any("of echo time 10, 11, 12 ms" in note for note in preview.notes)
    assert read_image(next(folder.iterdir())).data.shape == (TIMES, *SHAPE)


KINDS = (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"], ["ORIGINAL", "PRIMARY", "R"])


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param(lambda t, z: {}, id="copies"),
        pytest.param(lambda t, z: {"TriggerTime": 40 * min(t, 1)}, id="two alike"),
        pytest.param(lambda t, z: {"AcquisitionTime": "no time"}, id="nonsense"),
        pytest.param(lambda t, z: {"ImageType": KINDS[t], "AcquisitionTime": clock(t)}, id="kinds"),
        pytest.param(lambda t, z: {"EchoTime": 10 + t // 2, "InversionTime": 50 + t % 2}, id="two of them"),
        pytest.param(
            lambda t, z: {"TemporalPositionIdentifier": t + 1 + (z == 3 and t == 2)}, id="numbers that differ"
        ),
    ],
)
def test_what_no_tag_orders_clearly_is_refused(written, tags):
    with pytest.raises(ImageError, match="are at the same place"):
        read_dicom(written(tags))


def test_a_volume_that_lacks_a_slice_is_refused(written):
    folder = written(lambda t, z: {"TemporalPositionIdentifier": t + 1})
    next(one for one in folder.iterdir() if pydicom.dcmread(one).TemporalPositionIdentifier == 2).unlink()
    with pytest.raises(ImageError, match="are at the same place"):
        read_dicom(folder)


def test_what_differs_only_between_places_divides_nothing(tmp_path, write_series):
    paths = write_series(tmp_path / "scan", VALUES[0])
    for number, path in enumerate(paths):
        change(path, EchoTime=10 + number, AcquisitionTime=clock(number))
    np.testing.assert_array_equal(np.asarray(read_dicom(tmp_path / "scan").data), VALUES[0].astype(int) - 1024)
