"""What the page says of accuracy is in the files of results, and nothing else is."""

import json

from benchmarks.named_networks import NETWORKS
from benchmarks.network_scores import MEASURES, scores_of


def test_a_score_is_the_cell_of_its_row(tmp_path):
    content = {
        "columns": ["glas", "F1", "IoU", "seeds", "paper: F1", "paper: IoU"],
        "rows": [["unet", "80.3", "67.8", 2, "77.8", "65.3"]],
        "notes": {"steps": 7, "batch": 4, "size": 128},
    }
    (tmp_path / "glas_accuracy.json").write_text(json.dumps(content))
    ((measure, scores),) = scores_of(tmp_path)
    assert measure.title == "Glands at 128 px, 7 steps of 4 images: F1 and IoU, %"
    assert scores == {"unet": ["80.3", "67.8", "2"]}


def test_rows_of_other_sets_and_of_networks_without_a_name_do_not_count(tmp_path):
    columns = ["encoder", "told apart by", "set (val)", "images", "AP at 0.5", "AP 0.5 to 0.95"]
    rows = [
        ["U-Net's encoder, random weights", "boundary", "dsb2018_fluo", 95, "0.7", "0.5"],
        ["U-Net's encoder, random weights", "boundary", "dsb2018_histo", 16, "0.4", "0.2"],
        ["EfficientNet-Lite0, ImageNet weights", "flows", "dsb2018_fluo", 95, "0.8", "0.6"],
    ]
    (tmp_path / "equal_budget.json").write_text(json.dumps({"columns": columns, "rows": rows, "notes": {"steps": 400}}))
    ((_, scores),) = scores_of(tmp_path)
    assert scores == {"attention-unet": ["0.7", "0.5", "95"]}


def test_where_nothing_was_measured_there_is_nothing(tmp_path):
    assert scores_of(tmp_path) == []


def test_the_results_that_there_are_can_be_read_and_are_of_networks_that_have_names(repository):
    found = scores_of(repository / "benchmarks" / "results")
    assert {measure.file for measure, _ in found} >= {"glas_accuracy", "monuseg_accuracy", "equal_budget"}
    assert {measure.file for measure, _ in found} <= {measure.file for measure in MEASURES}
    for measure, scores in found:
        assert NETWORKS.keys() & scores.keys(), measure.file
        assert "{" not in measure.title
