#!/usr/bin/env bash
# Makes the shipped models `nuclei` and `nuclei-medt` again.
#
#   benchmarks/train_nuclei.sh FOLDER_WITH_THE_SETS [OUT]
#
# FOLDER_WITH_THE_SETS holds the sets that benchmarks/training_sets.py names. `nuclei` begins with the weights of the
# shipped model `cells` (see benchmarks/train_cells.sh), sees its three domains equally often, and takes about an hour of
# one core that multiplies bfloat16 (twice as long elsewhere: leave --precision out). A run that was stopped goes on
# where it was.
set -euo pipefail
sets=$1
out=${2:-runs/nuclei}
here=$(cd "$(dirname "$0")" && pwd)

[ -d "$out/nuclei_sets" ] || python -m benchmarks.training_sets nuclei "$sets" "$out/nuclei_sets"
napari-medt train "$out/nuclei_sets" --output "$out/trained.safetensors" --name nuclei --start cells --separation flows \
  --encoder efficientnet-lite0 --augment microscopy --steps 7000 --batch 8 --patch 160 --learning-rate 2e-3 \
  --validate-every 250 --seed 0 --device cpu --precision bf16-mixed --resume
python -m benchmarks.finish_model "$out/trained.safetensors" "$out/nuclei_sets" "$out/nuclei.safetensors" \
  --licence BSD-3-Clause --purpose "Nuclei in fluorescence and stained tissue, 8 to 60 px across"

# On one core of a CPU, MedT takes about three times as long for an image of 128 px as `nuclei` for one of 160 px. It
# learns from the Data Science Bowl's images alone (stage 1, CC0).
[ -d "$out/nuclei_data" ] || python "$here/assemble_data_set.py" "$out/nuclei_data" \
  "$sets/dsb2018_fluo" "$sets/dsb2018_histo" "$sets/dsb2018_brightfield"
napari-medt train "$out/nuclei_data" --architecture medt --output "$out/nuclei-medt.safetensors" --name nuclei-medt \
  --purpose "Nuclei in fluorescence and stained tissue, 8 to 60 px across, with MedT" --licence CC0-1.0 --instances \
  --augment microscopy --steps 2400 --batch 4 --patch 128 --optimizer adamw --learning-rate 2e-3 --weight-decay 1e-4 \
  --schedule cosine --loss dice-ce --gates-from 0 --validate-every 300 --seed 0 --device cpu --resume
