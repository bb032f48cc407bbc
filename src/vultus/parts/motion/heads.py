"""Outputs in several formats at once.

Source: X. Fan et al., "UniTalker" (2024).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from vultus.errors import unknown


class MultiHead(nn.Module):
    """[B, T, width] -> the coefficients [B, T, D] of one of several formats, D by name; all begin at zero."""

    def __init__(self, width: int, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in sizes.items()})
        for head in self.heads.values():
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, x: Tensor, name: str) -> Tensor:
        """The output in the format *name*; VultusError for one that it has not."""
        if name not in self.heads:
            raise unknown("format", name, self.heads)
        return self.heads[name](x)
