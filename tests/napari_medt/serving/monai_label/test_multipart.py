from __future__ import annotations

import json
import re
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from served import parts_of

from napari_medt.serving.monai_label.multipart import two_parts


@given(st.binary(max_size=300), st.dictionaries(st.text(max_size=9), st.integers(), max_size=3))
def test_parameters_and_file_come_out_as_they_went_in(content, params):
    response = two_parts(params, content, ".nrrd")
    assert int(response.headers["content-length"]) == len(response.body)
    # Mail changes ends of lines in text, so the bytes are looked for as they stand.
    word = response.headers["content-type"].partition("boundary=")[2].encode()
    _, first, second, last = response.body.split(b"--" + word)
    assert json.loads(first.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")) == params
    assert second.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") == content
    assert last == b"--\r\n"


def test_the_file_alone_has_a_name_which_is_plain_and_no_other_has():
    answers = [two_parts({}, b"NRRD", ".nrrd") for _ in range(2)]
    one, other = (parts_of(SimpleNamespace(headers=each.headers, content=each.body)) for each in answers)
    assert list(one) == ["params", "image"]
    assert one["params"].get_filename() is None
    assert re.fullmatch(r"[\w-]+\.nrrd", one["image"].get_filename())
    assert one["image"].get_filename() != other["image"].get_filename()
