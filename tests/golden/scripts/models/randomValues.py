"""Random values for tiny models, from torch's generator as its seed leaves it."""
import torch


def fill(model):
    """All parameters: norms about 1, the rest about 0, far enough apart that every operation matters."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 0.1 if "norm" in name else 0.35
            parameter.copy_(torch.randn_like(parameter) * spread + ("norm" in name))
