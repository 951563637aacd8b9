"""What the "omero" metadata of an OME-Zarr say of its channels."""

import zarr

from src_models.files.ngff.channel_looks import ChannelLook, channel_looks


def image(path, **attributes):
    group = zarr.open_group(path, mode="w")
    group.create_array("0", shape=(2, 8, 8), dtype="uint8")
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}], **attributes}
    return path


def test_names_colours_and_limits_are_read(tmp_path):
    channels = [
        {"label": "DAPI", "color": "0000FF", "window": {"start": 10, "end": 90, "min": 0, "max": 255}, "active": True},
        {"label": " GFP ", "color": "00ff00", "active": False},
    ]
    assert channel_looks(image(tmp_path / "a.zarr", omero={"channels": channels})) == (
        ChannelLook("DAPI", "#0000ff", (10.0, 90.0)),
        ChannelLook("GFP", "#00ff00", None, shown=False),
    )


def test_what_makes_no_sense_says_nothing(tmp_path):
    windows = [{"start": 90, "end": 10}, {"start": "low", "end": 3}, {"start": 0, "end": float("inf")}, {}, [1]]
    channels = [{"window": window, "color": "green"} for window in windows]
    assert set(channel_looks(image(tmp_path / "a.zarr", omero={"channels": channels}))) == {ChannelLook()}
    for number, omero in enumerate((None, {}, {"channels": {}})):
        assert channel_looks(image(tmp_path / f"{number}.zarr", omero=omero)) == ()
