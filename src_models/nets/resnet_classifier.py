"""Residual networks that say what an image shows (He et al. 2015, arXiv 1512.03385): what others are compared to."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from src_models.nets.architecture import HEAD, LearnablePart
from src_models.nets.classifier import Classifier
from src_models.nets.resnet import RESNETS, ResNet

__all__ = ["ResNetClassifier"]


class ResNetClassifier(Classifier):
    """A residual network, the mean of its last features, and a linear layer.

    Parameters
    ----------
    name
        One of :data:`~src_models.nets.resnet.RESNETS`.
    in_channels, classes
        Of the image, and of the result.
    dropout
        Share of the averaged features that are left out in training.
    """

    stride = 32
    first_centre = 0.0  # each convolution of stride 2 looks around the first pixel of its cell; see :mod:`.resnet`

    def __init__(
        self, name: str = "resnet18", *, in_channels: int = 3, classes: int, dimensions: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if dimensions != 2:
            raise ValueError(f"residual networks see flat images, and dimensions is {dimensions}")
        self.encoder = ResNet(RESNETS[name], in_channels=in_channels)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.encoder.widths[-1], classes)

    def forward(self, image: Tensor) -> Tensor:  # (N, C, H, W) -> (N, classes)
        """Return logits."""
        features = self.encoder(image)[-1]
        return self.fc(self.dropout(features.mean((2, 3))))  # type: ignore[no-any-return]

    def learnable(self) -> Mapping[LearnablePart, list[nn.Parameter]]:
        """Return the parameters of the last layer, which can learn alone."""
        return {HEAD: list(self.fc.parameters())}

    def deepest(self) -> nn.Module:
        """Return the last stage."""
        return self.encoder.layer4

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put an untrained linear layer in place of the last."""
        self.fc = nn.Linear(self.fc.in_features, classes).to(self.fc.weight.device)
        return list(self.fc.parameters())
