"""Pages of an audit: every figure is on the page, and nothing is overwritten."""

import numpy as np
import pytest
from imageio.v3 import imread

from src_models.auditing.figures import (
    Pointing,
)
from src_models.auditing.report.page import FILES, write_page
from src_models.errors import OutputError


def test_a_page_holds_every_figure_and_overwrites_nothing(tmp_path, made):
    audit = made(pointing=Pointing(1.0, 0.2, 0.83, 0.17))
    path = write_page(tmp_path / "page", audit, np.zeros((4, 5, 3), np.uint8))
    text = path.read_text()
    for figure in ("+0.100 ± 0.030", "-0.100 ± 0.030", "0.50", "83% (chance 17%)", "3.1%", "26.2%", "13.1%", "14.2%"):
        assert figure in text
    assert f"{audit.maps[0].order.deletion.area:.3f}" in text
    assert all(sentence in text for sentence in audit.summary)
    assert imread(tmp_path / "page" / FILES[2]).shape == (4, 5, 3)
    with pytest.raises(OutputError, match="exists already"):
        write_page(tmp_path / "page", audit, np.zeros((4, 5, 3), np.uint8))
    assert write_page(tmp_path / "page", audit, np.zeros((4, 5, 3), np.uint8), overwrite=True) == path
