"""Names of segments go through a layer's features and back."""

import numpy as np
import pandas as pd

from napari_medt.files.segment_names import named_segments, segment_features
from src_models.files.volumes.volume import Segment


def test_names_and_colours_come_back_also_from_the_table_that_napari_makes_of_them():
    segments = [Segment(1, "liver", (0.5, 0.25, 1.0)), Segment(3, "kidney", (0.0, 1.0, 0.0))]
    features = segment_features(segments)
    assert named_segments(features) == segments
    assert named_segments(pd.DataFrame(features)) == segments
    plain = [Segment(1, "liver"), Segment(2, "kidney")]
    assert named_segments(segment_features(plain)) == plain


def test_other_features_name_nothing():
    assert named_segments(None) is None
    assert named_segments({}) is None
    assert named_segments({"index": [1, 2], "area": [3.0, 4.0]}) is None
    assert named_segments({"index": [0, 1], "name": ["background", np.nan]}) is None
