#!/usr/bin/env bash
# Makes the shipped model `click` again.
#
#   benchmarks/train_click.sh FOLDER_WITH_THE_SETS [OUT]
#
# FOLDER_WITH_THE_SETS holds the sets that benchmarks/click_sets.py names. The first run begins with the weights of
# the shipped model `cells` (see benchmarks/train_cells.sh), each other one with those before it, and what ships is
# the mean of the last two: three and a half hours of one core that multiplies bfloat16 (twice as long elsewhere:
# leave --precision out). In the first two runs of the file that ships every domain was met equally often. Runs that
# were stopped go on where they were.
set -euo pipefail
sets=$1
out=${2:-runs/click}
mkdir -p "$out"

run() {  # the run's number, what it begins with, steps, learning rate
  python -m benchmarks.train_click "$sets" "$out/run$1.safetensors" --start "$2" --steps "$3" --learning-rate "$4" \
    --precision bf16-mixed
}
run 1 cells 7000 2e-3
run 2 "$out/run1.safetensors" 6000 1e-3
run 3 "$out/run2.safetensors" 6000 1e-3
python -m benchmarks.mean_of_weights "$out/run2.safetensors" "$out/run3.safetensors" "$out/click.safetensors"
