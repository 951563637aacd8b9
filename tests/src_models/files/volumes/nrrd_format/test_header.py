"""Headers are read as they are written, in any alphabet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import ImageError
from src_models.files.volumes.nrrd_format.header import format_header, format_vector, read_header, vectors


def test_fields_are_found_whatever_their_spelling_and_comments_are_passed_over(tmp_path):
    content = b"NRRD0005\r\n# a comment: no field\r\nDataFile: a.raw\r\n"
    content += b'space units: "mm" "a b" ""\r\nsizes: 3  4 nan\r\n\r\nrest'
    (tmp_path / "a.nrrd").write_bytes(content)
    header = read_header(tmp_path / "a.nrrd")
    assert header.fields["datafile"] == "a.raw"
    assert header.words("spaceunits") == ["mm", "a b", ""]
    assert header.numbers("sizes")[:2] == [3, 4]
    assert content[header.size :] == b"rest"
    assert header.words("kinds") == []


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20)


@given(value=st.one_of(TEXT, st.sampled_from(["a\nb", "\\n", "\\\\", "a:=b", "  blank  "])))
def test_any_word_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("header") / "a.nrrd"
    path.write_bytes(format_header({"type": "int16"}, {"Segment0_Name": value}) + b"values")
    header = read_header(path)
    assert header.pairs == {"Segment0_Name": value}
    assert path.read_bytes()[header.size :] == b"values"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_vectors_keep_every_digit(numbers):
    assert vectors(format_vector(numbers)) == [numbers]


def test_a_header_without_end_is_refused(tmp_path):
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0005\n" + b"#" * 2**24 + b"\n\n")
    with pytest.raises(ImageError, match="its header has no end"):
        read_header(tmp_path / "a.nrrd")


def test_a_folder_cannot_be_read(tmp_path):
    with pytest.raises(ImageError, match="it cannot be read"):
        read_header(tmp_path)
