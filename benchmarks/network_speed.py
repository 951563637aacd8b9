"""Forward pass and training step of the Attention U-Net, against MONAI's AttentionUnet at equal widths.

Also: what making a network ready for prediction gains over running it as it is, and what recording attention costs.

Run as ``python -m benchmarks.network_speed``.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets import AttentionUnet
from torch import nn

from benchmarks.machine import report, seconds
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.models.architectures import create

WIDTHS = (16, 32, 64, 128, 192)
# As `napari-medt train` makes new networks.
DECODER: dict[str, Any] = {"upsampling": "transposed", "decoder_convolutions": 1}
IMAGE = (1, 3, 512, 512)
BATCH = (4, 3, 192, 192)


def main() -> None:
    """Measure, print and write the tables."""
    torch.manual_seed(0)
    ours = create("attention-unet", in_channels=3, classes=3, widths=WIDTHS, **DECODER).eval()
    monai = AttentionUnet(2, 3, 3, WIDTHS, (2,) * (len(WIDTHS) - 1)).eval()
    forward(ours, monai)
    training(ours, monai)
    prediction(ours)


def forward(ours: nn.Module, monai: nn.Module) -> None:
    """Compare both networks as they are, eager float32 in the default layout."""
    image = torch.randn(IMAGE)
    with torch.inference_mode():
        own, other = seconds(lambda: ours(image), lambda: monai(image))
    rows = [
        ["ours", f"{own * 1e3:.0f} ms", "1.00"],
        ["MONAI AttentionUnet", f"{other * 1e3:.0f} ms", f"{other / own:.2f}"],
    ]
    report("forward_against_monai", ("network, 1 x 3 x 512 x 512, float32", "time", "times ours"), rows)


def training(ours: nn.Module, monai: nn.Module) -> None:
    """Compare a training step: forward, loss, backward, optimiser."""
    batch = torch.randn(BATCH)
    target = torch.randint(0, 3, (BATCH[0], *BATCH[2:]))
    own, other = seconds(_step(ours, batch, target), _step(monai, batch, target), repeats=5)
    rows = [
        ["ours", f"{own * 1e3:.0f} ms", "1.00"],
        ["MONAI AttentionUnet", f"{other * 1e3:.0f} ms", f"{other / own:.2f}"],
    ]
    report("training_step_against_monai", ("network, 4 x 3 x 192 x 192, float32", "time", "times ours"), rows)
    ours.eval()


def _step(network: nn.Module, batch: torch.Tensor, target: torch.Tensor):
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    network.train()

    def step() -> None:
        loss = nn.functional.cross_entropy(network(batch), target)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def prediction(ours: nn.Module) -> None:
    """Compare the network as it is with the network made ready, with and without recording."""
    image = torch.randn(IMAGE)
    execution = choose_execution("cpu")
    ready = prepare(ours, execution)

    def plain() -> torch.Tensor:
        with torch.inference_mode():
            return torch.softmax(ours(image), 1)

    def made_ready() -> torch.Tensor:
        return execution(ready, image)

    def recorded() -> torch.Tensor:
        with record_attention(ready):
            return execution(ready, image)

    precision = str(execution.dtype).removeprefix("torch.")
    agree = float((plain().argmax(1) == made_ready().argmax(1)).float().mean())
    (base,) = seconds(plain, repeats=9)
    with reused_memory():  # as a whole run over an image has it
        fast, taped = seconds(made_ready, recorded, repeats=15)
    rows = [
        ["eager float32, default layout", f"{base * 1e3:.0f} ms", "1.00"],
        [
            f"made ready ({precision}, channels last)",
            f"{fast * 1e3:.0f} ms",
            f"{base / fast:.2f}",
        ],
        ["made ready, recording attention", f"{taped * 1e3:.0f} ms", f"{base / taped:.2f}"],
    ]
    notes = {"labels_agree": agree, "recording_costs": round(taped / fast - 1, 4)}
    print(notes)
    report("prediction_speed", ("1 x 3 x 512 x 512", "time", "times as fast"), rows, notes)


if __name__ == "__main__":
    main()
