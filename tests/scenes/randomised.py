"""Networks whose every number is random."""

import torch


def randomise(module, seed=0):
    """Give every parameter and every running statistic a random value."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in module.parameters():
        fan_in = max(tensor[0].numel(), 1) if tensor.ndim > 1 else 4
        tensor.data = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * (1.5 / fan_in) ** 0.5
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator) * 0.2)
        elif name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module.double().eval()
