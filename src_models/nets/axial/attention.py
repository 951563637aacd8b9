"""Gated axial attention: the layer and the residual block of Medical Transformer.

Along one axis of an image, every pixel attends to the pixels of its own row (or column) by content and by relative
position. Valanarasu et al. 2021 (arXiv 2102.10662), equation 3, with four scalar gates:

    y_i = sum_j softmax_j(q_i . k_j + G_Q q_i . E_q[i - j] + G_K k_j . E_k[j - i]) (G_V1 v_j + G_V2 E_v[i - j])

Without gates it is the position-sensitive axial attention of Axial-DeepLab (Wang et al. 2020, arXiv 2003.07853,
equation 4), without tables plain axial attention: one class serves all three.

Each of the three similarity terms and both parts of the result are batch-normalised. The similarity itself is never
stored: what is left of its norm is a factor (:mod:`src_models.nets.axial.similarity_norm`).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.axial.moments import moments_of_terms
from src_models.nets.axial.record import AxialRecord
from src_models.nets.axial.similarity_norm import SimilarityNorm
from src_models.nets.axial.taps import AxialTaps
from src_models.nets.kernels.axial import attend_joined, attend_measured, axial_attention
from src_models.nets.kernels.axial_plain import Measures, RelativePositions, measured_parts

__all__ = [
    "AxialAttention",
    "AxialBlock",
    "AxisName",
    "PlainConvNorm",
    "axial_blocks",
    "gate_parameters",
]

AxisName = Literal["height", "width"]
HEADS = 8


class PlainConvNorm(nn.Module):
    """Convolution without bias, then batch norm."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, C_out, H / stride, W / stride)
        """Apply the layers."""
        result: Tensor = self.norm(self.conv(x))
        return result


class AxialAttention(nn.Module):
    """Attention along the height or the width of an image.

    Parameters
    ----------
    channels
        Channels C in and out; each of the heads has C / heads of values and half as many of queries and of keys.
    axis
        ``"height"`` or ``"width"``.
    length
        Number of pixels along the axis that the relative positions are learned for; None attends without positions.
    gated
        Whether the gates G_Q, G_K, G_V1, G_V2 weigh the positions against the content.
    compatible
        Gate before the batch norms, as the authors' code does. There, while training, the norm undoes the gate, which
        then acts through its sign and the norm's epsilon alone. Otherwise gates act after normalisation, as equation 3
        says.

    Raises
    ------
    ValueError
        If the channels cannot be divided among the heads.
    """

    g_q: nn.Parameter
    g_k: nn.Parameter
    g_v1: nn.Parameter
    g_v2: nn.Parameter
    folded_scale: Tensor
    folded_offset: Tensor
    folded_query: Tensor
    folded_key: Tensor
    folded_value: Tensor

    def __init__(
        self,
        channels: int,
        axis: AxisName,
        *,
        length: int | None,
        gated: bool = False,
        compatible: bool = False,
        heads: int = HEADS,
    ) -> None:
        super().__init__()
        if channels % (2 * heads):
            raise ValueError(f"{channels} channels cannot be divided into queries and keys of {heads} heads")
        self.channels, self.axis, self.heads, self.compatible = channels, axis, heads, compatible
        self.length = length
        self.gated = gated and length is not None
        per_head = channels // heads
        self.parts = (per_head // 2, per_head // 2, per_head)  # channels of q, k and v
        self.qkv = PlainConvNorm(channels, 2 * channels)
        self.similarity_norm = SimilarityNorm(1 if length is None else 3, heads)
        self.content_norm = nn.BatchNorm2d(channels)
        nn.init.normal_(self.qkv.conv.weight, 0, channels**-0.5)
        if length is not None:
            self.relative = nn.Parameter(torch.randn(2 * per_head, 2 * length - 1) * per_head**-0.5)
            self.position_norm = nn.BatchNorm2d(channels)
        if self.gated:
            for name, value in (("g_q", 0.1), ("g_k", 0.1), ("g_v1", 1.0), ("g_v2", 0.1)):
                setattr(self, name, nn.Parameter(torch.tensor(value)))
        self.folded = False

    def forward(self, x: Tensor, record: AxialRecord | None = None) -> Tensor:
        """Attend within every column or row of `x` (N, C, H, W); the result has the same shape.

        What a `record` wants to know of the pass is filled in; the result is the same to the bit.
        """
        query, key, value = self.project(x)
        scale, positions = self.weigh(query, key)
        if not self.folded:
            content, positional = axial_attention(query, key, value, scale, positions)
            if record is not None:
                record.keep(query, key, scale, positions, self._measured(content, positional))
            return self._normalise(content, positional)
        if record is None:
            return self._to_image(attend_joined(query, key, value, scale, positions))
        result, measures = attend_measured(query, key, value, scale, positions, self.folded_offset)
        record.keep(query, key, scale, positions, measures)
        return self._to_image(result)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values as views (N, O, heads, D, L): O columns (rows) of length L."""
        split = _Heads.apply if torch.is_grad_enabled() else _heads
        query, key, value = split(self.qkv(x), self.heads, self.parts, self.axis)
        return query, key, value

    def weigh(self, query: Tensor, key: Tensor) -> tuple[Tensor, RelativePositions | None]:
        """Return the factor of the content term (heads,) and the tables of each head, norms and gates included."""
        if self.folded:
            return self.folded_scale, self._folded_positions(query.shape[-1])
        tables = self._tables(query.shape[-1])
        return self._weighed(tables, self._moments(query, key, tables) if self.training else None)

    def fold(self) -> None:
        """Put norms and gates, in place, into the projection and the tables; for prediction only.

        The projection's own norm must have been folded already. The rows of A sum to 1, so what is added to every
        value is added to every result: all offsets go into the bias of the values.
        """
        conv = self.qkv.conv
        assert conv.bias is not None, "fold the batch norm of qkv first"
        with torch.no_grad():
            scale, positions = self._weighed(self._tables(self.length), None)
            factor, offset = self._output_affine(self.content_norm, self._output_gates()[0])
            if positions is not None:
                of_positions, more = self._output_affine(self.position_norm, self._output_gates()[1])
                value = positions.value * of_positions.view(self.heads, -1, 1)
                positions, offset = RelativePositions(positions.query, positions.key, value), offset + more
            weights, bias = (t.view(self.heads, -1, *t.shape[1:]) for t in (conv.weight, conv.bias))
            weights[:, -self.parts[2] :] *= factor.view(self.heads, -1, 1, 1, 1)
            bias[:, -self.parts[2] :] *= factor.view(self.heads, -1)
            bias[:, -self.parts[2] :] += offset.view(self.heads, -1)
        self.register_buffer("folded_scale", scale, persistent=False)
        self.register_buffer("folded_offset", offset.view(self.heads, -1), persistent=False)
        for name, table in (positions or RelativePositions(*(torch.empty(0) for _ in range(3))))._asdict().items():
            self.register_buffer(f"folded_{name}", table, persistent=False)
        self.folded = True

    def _folded_positions(self, length: int) -> RelativePositions | None:
        if self.length is None:
            return None
        positions = RelativePositions(self.folded_query, self.folded_key, self.folded_value)
        return positions if length == self.length else RelativePositions(*(_resampled(t, length) for t in positions))

    def _weighed(
        self, tables: RelativePositions | None, moments: tuple[Tensor, Tensor, int] | None
    ) -> tuple[Tensor, RelativePositions | None]:
        gates = self._term_gates()
        if moments is not None and self.compatible:
            moments = (moments[0] * gates, moments[1] * gates.square(), moments[2])
        factors = self.similarity_norm(moments) * gates
        if tables is None:
            return factors[0], None
        e_q, e_k, e_v = tables
        return factors[0], RelativePositions(
            factors[1, :, None, None] * e_q, factors[2, :, None, None] * e_k, e_v.expand(self.heads, -1, -1)
        )

    def _moments(self, query: Tensor, key: Tensor, tables: RelativePositions | None) -> tuple[Tensor, Tensor, int]:
        images, others, _, _, length = query.shape
        count = images * others * length**2
        with torch.autocast(query.device.type, enabled=False):  # a variance is a small difference of large sums
            if query.dtype in (torch.bfloat16, torch.float16):
                query, key = query.float(), key.float()
            sums = moments_of_terms(query, key, tables)
        return sums[0] / count, sums[1] / count, count

    def _output_gates(self) -> tuple[Tensor | float, Tensor | float]:
        """Return G_V1 and G_V2."""
        return (self.g_v1, self.g_v2) if self.gated else (1.0, 1.0)

    def _output_affine(self, norm: nn.BatchNorm2d, gate: Tensor | float) -> tuple[Tensor, Tensor]:
        """Return factor and offset per channel of a norm of the result and its gate."""
        assert norm.running_var is not None
        assert norm.running_mean is not None
        factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        offset = norm.bias - norm.running_mean * factor
        return factor * gate, offset if self.compatible else offset * gate

    def _term_gates(self) -> Tensor:
        """Return the gates of the terms, (terms, 1); the content term has none."""
        one = self.similarity_norm.weight.new_ones(())
        gates = [one, self.g_q, self.g_k] if self.gated else [one] * self.similarity_norm.terms
        return torch.stack(gates)[:, None]

    def _tables(self, length: int | None) -> RelativePositions | None:
        """Return E_q, E_k, E_v, (1, D, 2L - 1) each, for sequences of this length."""
        if self.length is None or length is None:
            return None
        if self.compatible and length != self.length:
            raise ValueError(
                f"positions were learned for {self.length} px along the {self.axis} of this layer, and here are "
                f"{length}; make the network for this image size, or without compatible=True"
            )
        table = self.relative[None]
        if length != self.length:
            table = _resampled(table, length)
        return RelativePositions(*torch.split(table, list(self.parts), dim=1))

    def _normalise(self, content: Tensor, positional: Tensor | None) -> Tensor:
        content = self._gated_norm(self.content_norm, content, self._output_gates()[0])
        if positional is None:
            return content
        return content + self._gated_norm(self.position_norm, positional, self._output_gates()[1])

    def _gated_norm(self, norm: nn.BatchNorm2d, part: Tensor, gate: Tensor | float) -> Tensor:
        image = self._to_image(part)
        if not self.gated:
            return torch.as_tensor(norm(image))
        return torch.as_tensor(norm(image * gate) if self.compatible else norm(image) * gate)

    @torch.no_grad()
    def _measured(self, content: Tensor, positional: Tensor | None) -> Measures:
        """Measure the parts of the result with what norms, by their tracked statistics, and gates multiply them by."""
        content = content * self._output_affine(self.content_norm, self._output_gates()[0])[0].view(self.heads, -1, 1)
        if positional is not None:
            factor, _ = self._output_affine(self.position_norm, self._output_gates()[1])
            positional = positional * factor.view(self.heads, -1, 1)
        return measured_parts(content, positional)

    def _to_image(self, sequences: Tensor) -> Tensor:
        """Bring (N, O, heads, C / heads, L) back to (N, C, H, W)."""
        order = (0, 2, 3, 4, 1) if self.axis == "height" else (0, 2, 3, 1, 4)
        return sequences.permute(order).flatten(1, 2)


class _Heads(torch.autograd.Function):
    """Views of a projection (N, 2C, H, W) as queries, keys and values; their gradients are put together in its layout.

    PyTorch's own would come in the order of the sequences, for which the batch norm before has only a slow way back.
    """

    @staticmethod
    def forward(ctx: Any, projection: Tensor, heads: int, parts: tuple[int, ...], axis: AxisName) -> tuple[Tensor, ...]:
        ctx.form = heads, parts, axis
        ctx.strides = projection.stride()
        ctx.options = projection.shape, projection.dtype, projection.device
        return _heads(projection, heads, parts, axis)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        shape, dtype, device = ctx.options
        whole = torch.empty_strided(shape, ctx.strides, dtype=dtype, device=device)
        for view, gradient in zip(_heads(whole, *ctx.form), gradients, strict=True):
            view.copy_(gradient)
        return whole, None, None, None


def _heads(projection: Tensor, heads: int, parts: tuple[int, ...], axis: AxisName) -> tuple[Tensor, ...]:
    order = (0, 4, 1, 2, 3) if axis == "height" else (0, 3, 1, 2, 4)
    by_head: Tensor = projection.unflatten(1, (heads, -1))  # type: ignore[no-untyped-call]  # N, G, 2C / G, H, W
    return torch.split(by_head.permute(order), list(parts), dim=3)


def _resampled(table: Tensor, length: int) -> Tensor:
    """Interpolate a table (G, D, 2K - 1) linearly to sequences of another length, both ends and the middle kept."""
    return F.interpolate(table, size=2 * length - 1, mode="linear", align_corners=True)


class AxialBlock(nn.Module):
    """Residual block: 1 x 1 convolution, attention along height, then along width, 1 x 1 convolution.

    Parameters
    ----------
    in_channels, width
        Channels in, and inside; the block gives 2 * width channels.
    stride
        2 halves the grid after the attention.
    length
        Pixels along both axes that positions are learned for, or None for attention by content alone.
    gated, compatible
        As in :class:`AxialAttention`.
    name, cell, patches
        Name of the block, input pixels per pixel of its grid, and patches per side that it works on, for what is
        recorded.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int,
        length: int | None,
        gated: bool,
        compatible: bool,
        name: str,
        cell: int,
        patches: int,
    ) -> None:
        super().__init__()
        self.down = PlainConvNorm(in_channels, width)
        self.height = AxialAttention(width, "height", length=length, gated=gated, compatible=compatible)
        self.width = AxialAttention(width, "width", length=length, gated=gated, compatible=compatible)
        self.pool = nn.AvgPool2d(2) if stride == 2 else nn.Identity()
        self.up = PlainConvNorm(width, 2 * width)
        alike = stride == 1 and in_channels == 2 * width
        self.shortcut = nn.Identity() if alike else PlainConvNorm(in_channels, 2 * width, stride=stride)
        self.taps = AxialTaps(name, cell, positions=length is not None, patches=patches)

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, 2 * width, H / stride, W / stride)
        """Apply the block."""
        inner = F.relu(self.down(x))
        if self.taps.heard() and not self._in_part():
            rows = self._attend_heard(inner)
        else:
            rows = self.width(self.height(inner))
        found = self.up(F.relu(self.pool(rows)))
        return F.relu(found + self.shortcut(x))

    def _attend_heard(self, inner: Tensor) -> Tensor:
        records = AxialRecord(), AxialRecord()
        columns: Tensor = self.height(inner, records[0])
        rows: Tensor = self.width(columns, records[1])
        self.taps.tell(*records)
        return rows

    def _in_part(self) -> bool:
        """Return whether only one of many patches is in this pass: the authors' way of training."""
        return self.training and self.height.compatible and self.taps.received.patches > 1


def axial_blocks(network: nn.Module) -> dict[str, AxialBlock]:
    """Return a network's axial blocks by name, such as ``"global 2.1"``, in the order of its modules."""
    return {module.taps.name: module for module in network.modules() if isinstance(module, AxialBlock)}


def gate_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Return the gates G_Q, G_K, G_V1 and G_V2 of each gated layer of axial attention in a network."""
    layers = [module for module in network.modules() if isinstance(module, AxialAttention) and module.gated]
    return [gate for layer in layers for gate in (layer.g_q, layer.g_k, layer.g_v1, layer.g_v2)]
