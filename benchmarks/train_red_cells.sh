#!/usr/bin/env bash
# Makes the shipped model `red-cells` again, and the pictures that ship against forgetting.
#
#   benchmarks/train_red_cells.sh FOLDER [OUT]
#
# FOLDER holds crops of red blood cells in a folder for each class, images/CLASS/*.png, and manifest.csv with the columns
# file, split and source_image: Chula RBC-12 (MIT). Training takes about an hour and a half of one core. A run that was
# stopped goes on where it was.
set -euo pipefail
cells=$1
out=${2:-runs/red-cells}
mkdir -p "$out"

napari-medt train "$cells" --architecture med-former --output "$out/red-cells.safetensors" --name red-cells \
  --purpose "Red blood cells in stained smears: which of 12 shapes each is" --licence MIT \
  --augment microscopy --intensity percentile:0.5:99.8 --steps 12000 --batch 32 --patch 72 --learning-rate 1e-3 \
  --weight-decay 0.05 --label-smoothing 0.1 --average 0.99 --validate-every 300 --seed 0 --device cpu --resume
napari-medt evaluate "$cells" --model "$out/red-cells.safetensors" --split val --json "$out/val.json" --overwrite
python -m benchmarks.make_class_replay "$cells"
