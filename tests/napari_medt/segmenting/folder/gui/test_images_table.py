"""The table of a folder's images: what a cell says, and how a row is chosen by mouse and keys."""

from pathlib import Path

from qtpy.QtCore import Qt

from napari_medt.segmenting.folder.images_table import ImagesTable
from src_models.files.image_list import OneImage
from src_models.prediction.batches.folder_run import ImageRow


def test_cells_follow_the_rows_and_enter_chooses_as_a_double_click_does(qtbot):
    table = ImagesTable()
    qtbot.addWidget(table)
    images = [OneImage(Path("plate") / f"{name}.tif") for name in "ab"]
    table.set_rows([ImageRow(image) for image in images])
    table.set_row(1, ImageRow(images[1], "working", 0.5))
    model = table.model()
    assert [[model.index(row, column).data() for column in range(3)] for row in range(2)] == [
        ["a", "waiting", ""],
        ["b", "working, 50%", ""],
    ]
    assert model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole) == str(images[1].path)
    chosen = []
    table.chosen.connect(chosen.append)
    table.setCurrentIndex(model.index(1, 0))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    table.doubleClicked.emit(model.index(0, 2))
    assert chosen == [1, 0]
