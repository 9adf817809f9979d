"""Random values for what is trained."""
import torch


def stir(model):
    """Moves what is trained away from its start, at which an adapter changes nothing. Seeds the generator."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape) * 0.3)
