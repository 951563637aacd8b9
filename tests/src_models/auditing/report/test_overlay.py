"""Maps drawn over an image: in place, and as bright as they are."""

import numpy as np

from src_models.auditing.measures.cells import to_pixels
from src_models.auditing.measures.correlation import rank_correlation
from src_models.auditing.recorded import record_maps
from src_models.auditing.report.overlay import draw_maps
from src_models.auditing.view import view_of


def test_a_map_is_drawn_in_place_over_the_image(make_model):
    model = make_model()
    image = np.zeros((60, 80), np.float32)
    image[:, 40:] = np.random.default_rng(0).random((60, 40))
    picture = draw_maps(image, model, ["gate 2"], device="cpu")
    assert picture.shape == (20 + 300, 3 * 320 + 2 * 8, 3)  # the part that is audited has 60 x 64 px
    panel = picture[20:, :320]
    assert panel[:, 170:].std() > 10 * max(panel[:, :150].std(), 0.1)
    view = view_of(image, model, device="cpu")
    (map_,) = record_maps(view.network, view.picture[None], ["gate 2"]).values()
    drawn = picture[22::5, 2 * 328 + 2 :: 5].sum(-1)  # the middle of each pixel in the third panel
    brightness = drawn[:, :32].astype(float)  # where the image is black, only the map is seen
    assert rank_correlation(to_pixels(map_.values, 2, (60, 64))[:, :32], brightness) > 0.95
