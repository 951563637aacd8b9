#!/usr/bin/env bash
# Makes the shipped models `nuclei` and `nuclei-medt` again, and the plain U-Net that `nuclei` is compared with.
#
#   benchmarks/train_nuclei.sh FOLDER_WITH_THE_SETS [OUT]
#
# FOLDER_WITH_THE_SETS holds dsb2018_fluo, dsb2018_histo and dsb2018_brightfield (Data Science Bowl 2018, stage 1, CC0).
# The shipped file is the best model of the run, which is its last (validation Dice 0.736), with the watershed's settings
# that were best on a part of the training images: seed 0.45, depth 0.75.
# Both networks see the same patches in the same order. A run that was stopped goes on where it was.
set -euo pipefail
sets=$1
out=${2:-runs/nuclei}
here=$(cd "$(dirname "$0")" && pwd)

[ -d "$out/data" ] || python "$here/assemble_data_set.py" "$out/data" \
  "$sets/dsb2018_fluo" "$sets/dsb2018_histo" "$sets/dsb2018_brightfield"

train() {
  napari-medt train "$out/data" --architecture "$1" --output "$out/$2.safetensors" --name "$2" \
    --purpose "$3" --licence CC0-1.0 --instances --augment microscopy --widths 16,32,64,128,192 \
    --steps 4000 --batch 8 --patch 160 --learning-rate 3e-3 --validate-every 250 --seed 0 --device cpu --resume
}
train attention-unet nuclei "Nuclei in fluorescence and stained tissue, 8 to 60 px across"
train unet nuclei-unet "Plain U-Net trained like the model nuclei, for comparison"

# On one core of a CPU, MedT takes about three times as long for an image of 128 px as these for one of 160 px.
napari-medt train "$out/data" --architecture medt --output "$out/nuclei-medt.safetensors" --name nuclei-medt \
  --purpose "Nuclei in fluorescence and stained tissue, 8 to 60 px across, with MedT" --licence CC0-1.0 --instances \
  --augment microscopy --steps 2400 --batch 4 --patch 128 --optimizer adamw --learning-rate 2e-3 --weight-decay 1e-4 \
  --schedule cosine --loss dice-ce --gates-from 0 --validate-every 300 --seed 0 --device cpu --resume
