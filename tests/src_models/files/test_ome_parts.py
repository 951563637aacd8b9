"""An OME-TIFF that is one file of several: what is missing is named."""

import numpy as np
import pytest
import tifffile

from src_models.errors import ImageError
from src_models.files.images import read_image
from src_models.files.ome_parts import check_parts, companion

OME = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'


def write(folder, name, names, value=None):
    """Write one of the files of an image over time, each of which holds a frame of its own value."""
    own = names.index(name)
    data = "".join(
        f'<TiffData IFD="0" FirstT="{t}" PlaneCount="1"><UUID FileName="{other}">urn:uuid:{t}</UUID></TiffData>'
        for t, other in enumerate(names)
    )
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?><OME {OME} UUID="urn:uuid:{own}"><Image ID="Image:0"><Pixels '
        'ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" PhysicalSizeX="0,5" PhysicalSizeY="0,5" SizeX="50" '
        f'SizeY="40" SizeZ="1" SizeC="1" SizeT="{len(names)}"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}'
        "</Pixels></Image></OME>"
    )
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / name, np.full((40, 50), own + 1, "u1"), description=xml.encode(), metadata=None)
    return folder / name


NAMES = ["first.ome.tif", "second.ome.tif", "third.ome.tif"]


def test_files_that_are_all_there_are_one_image(tmp_path):
    paths = [write(tmp_path, name, NAMES) for name in NAMES]
    image = read_image(paths[1])
    assert image.reading.axes == "TYX"
    assert image.data[:, 0, 0].tolist() == [1, 2, 3]
    assert image.reading.spacing == {"Y": 0.5, "X": 0.5}, "sizes with a decimal comma"


def test_files_that_are_missing_are_named(tmp_path):
    path = write(tmp_path, "second.ome.tif", NAMES)
    write(tmp_path, "third.ome.tif", NAMES)
    with pytest.raises(ImageError, match="one of the 3 files of an image") as caught:
        read_image(path)
    assert "missing beside it: first.ome.tif; copy all files" in str(caught.value)


def test_of_many_missing_files_a_few_are_named(tmp_path):
    names = [f"{number}.ome.tif" for number in range(20)]
    with pytest.raises(ImageError, match=r"1\.ome\.tif, .*, 5\.ome\.tif and 14 more"):
        read_image(write(tmp_path, "0.ome.tif", names))


def test_a_file_that_was_given_another_name_is_read_by_its_number(tmp_path):
    path = write(tmp_path, "first.ome.tif", ["first.ome.tif"])
    image = read_image(path.rename(tmp_path / "other.ome.tif"))
    assert image.data.max() == 1


def test_a_name_in_the_metadata_of_a_single_file_that_has_no_number_is_asked_back(tmp_path):
    name = '<UUID FileName="old.ome.tif">urn:uuid:1</UUID>'
    xml = f"<OME {OME}><Image><Pixels><TiffData>{name}</TiffData></Pixels></Image></OME>"
    with pytest.raises(ImageError, match=r"call this file old\.ome\.tif; give it that name again"):
        check_parts(xml, tmp_path / "new.ome.tif")
    check_parts(xml, tmp_path / "OLD.ome.tif")


def test_a_part_without_a_description_says_that_it_is_one(tmp_path):
    xml = f'<?xml version="1.0"?><OME {OME}><BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:7"/></OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((40, 50), "u1"), description=xml.encode(), metadata=None)
    assert read_image(tmp_path / "a.ome.tif").reading.describe() == (
        "Y=40, X=50, 1 channel, a part of the image that all.companion.ome describes"
    )


@pytest.mark.parametrize("xml", ["", "no xml", "<OME/>", "<OME><Image/></OME>"])
def test_what_tells_of_no_files_misses_none(tmp_path, xml):
    check_parts(xml, tmp_path / "a.ome.tif")
    assert companion(xml) is None
