"""The report: well-formed, complete, with what people called their files taken as text, and nothing of theirs lost."""

import base64
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
import tifffile
from PIL import Image

from src_models.files.image_list import OneImage
from src_models.prediction.batches.folder_run import ImageRow
from src_models.prediction.batches.report.page import report_steps
from src_models.prediction.batches.report.thumbnail import OUTLINE
from src_models.progress import finish


class Table(HTMLParser):
    """The cells of the page's table, and its pictures."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.pictures, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        if tag == "img":
            self.pictures.append(dict(attributes)["src"])
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] and self.open[-1] in ("td", "small"):
            self.rows[-1][-1] += data


@pytest.fixture
def rows(tmp_path):
    name = "a <b> & c"
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 5:15] = 1
    tifffile.imwrite(tmp_path / f"{name}.tif", mask * 100)
    tifffile.imwrite(tmp_path / f"{name}_labels.tif", mask)
    record = {"summary": "1 object", "found": {"objects": 1}, "seconds": 1.234, "size": "", "advice": ["Look <here>"]}
    (tmp_path / f"{name}_labels.json").write_text(json.dumps(record))
    done = ImageRow(OneImage(tmp_path / f"{name}.tif"), "done", 1.0, "1 object", tmp_path / f"{name}_labels.tif")
    return [done, ImageRow(OneImage(tmp_path / "d.tif"), "failed", said="d.tif: <damaged>")]


def test_the_page_tells_of_each_image_and_shows_its_outlines(rows, tmp_path):
    path = finish(report_steps(rows, tmp_path, "nuclei"))
    table = Table(path.read_text(encoding="utf-8"))
    assert table.open == []
    first, second = table.rows[1:]
    assert first == ["", "a <b> & ca <b> & c.tif", "1 object", "1", "1.2", "Look <here>"]
    assert second == ["", "dd.tif", "Failed: d.tif: <damaged>", "", "", ""]
    (picture,) = table.pictures
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))))
    assert (pixels == OUTLINE).all(-1).sum() == 4 * 9


def test_labels_that_are_gone_cost_the_picture_alone(rows, tmp_path):
    rows[0].labels.write_bytes(b"II*\0 no more of it")
    table = Table(finish(report_steps(rows, tmp_path, "nuclei")).read_text(encoding="utf-8"))
    assert table.pictures == []
    assert table.rows[1][2] == "1 object"


def test_an_earlier_report_is_replaced_and_somebody_elses_page_is_not(rows, tmp_path):
    (tmp_path / "report.html").write_text("<p>my own")
    path = finish(report_steps(rows, tmp_path, "nuclei"))
    assert path.name == "report_2.html"
    assert finish(report_steps(rows, tmp_path, "other")) == path
    assert "other" in path.read_text(encoding="utf-8")
    assert (tmp_path / "report.html").read_text() == "<p>my own"
