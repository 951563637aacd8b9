"""Names for files: as long as a file system takes, and never the same for two."""

import doctest
import os

from hypothesis import given
from hypothesis import strategies as st

import src_models.disk.names
from src_models.disk.names import LONGEST, fitting

# Letters of one to four bytes, and one that stands for a byte that is no letter.
NAMES = st.text(st.sampled_from("aZ-. \u00e9\u7d30\U0001f52c\udcff"), min_size=1, max_size=300)


@given(NAMES, st.sampled_from(["", "_labels.tif", "_attention_gate_2.ome.tif"]))
def test_a_name_with_its_ending_is_no_longer_than_a_file_system_takes(stem, ending):
    found = fitting(stem, ending)
    assert len(os.fsencode(found + ending)) <= LONGEST
    if len(os.fsencode(stem + ending)) <= LONGEST:
        assert found == stem
    assert fitting(found, ending) == found


def test_long_names_that_begin_alike_stay_apart():
    names = {"\u7d30" * 200 + end for end in "abc"}
    assert len({fitting(name) for name in names}) == 3


def test_the_beginning_is_kept_without_half_a_letter():
    assert fitting("\u7d30" * 100).startswith("\u7d30" * 82 + "~")


def test_a_file_of_such_a_name_can_be_made(tmp_path):
    name = fitting("\u00e9" * 400, ".tif") + ".tif"
    (tmp_path / name).write_bytes(b"")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.disk.names).failed == 0
