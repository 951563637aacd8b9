"""EfficientNet-Lite0 that says what an image shows (Tan & Le 2019, arXiv 1905.11946).

Begun with published weights, which know photographs, it learns from a few hundred pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from src_models.nets.architecture import HEAD, LearnablePart
from src_models.nets.classifier import Classifier
from src_models.nets.efficientnet_lite import lite0_levels, lite0_widths
from src_models.nets.padding import padded_to_multiple

__all__ = ["EfficientNetClassifier"]


class EfficientNetClassifier(Classifier):
    """The five levels of EfficientNet-Lite0, the mean of its last features, and a linear layer.

    The published network has one more convolution before the mean, which knows the classes of photographs.

    Parameters
    ----------
    in_channels, classes
        Of the image, and of the result.
    dropout
        Share of the averaged features that are left out in training.
    """

    stride = 32
    first_centre = 21.0  # of the five levels, 1, 3 and 5 look half a pixel late: 5.5 px at stride 32

    def __init__(self, *, in_channels: int = 3, classes: int, dimensions: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        if dimensions != 2:
            raise ValueError(f"EfficientNet-Lite0 sees flat images, and dimensions is {dimensions}")
        self.encoder = nn.Sequential(*lite0_levels(in_channels))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(lite0_widths()[-1], classes)

    def forward(self, image: Tensor) -> Tensor:  # (N, C, H, W) -> (N, classes)
        """Return logits."""
        features = self.encoder(padded_to_multiple(image, self.stride))
        return self.fc(self.dropout(features.mean((2, 3))))  # type: ignore[no-any-return]

    def learnable(self) -> Mapping[LearnablePart, list[nn.Parameter]]:
        """Return the parameters of the last layer, which can learn alone."""
        return {HEAD: list(self.fc.parameters())}

    def deepest(self) -> nn.Module:
        """Return the last level."""
        return self.encoder[-1]

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put an untrained linear layer in place of the last."""
        self.fc = nn.Linear(self.fc.in_features, classes).to(self.fc.weight.device)
        return list(self.fc.parameters())
