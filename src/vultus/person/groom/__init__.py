"""The hair of a person as strands: scalp hair in sixteen styles, and beards."""

from __future__ import annotations

from vultus.person.groom.grooming import hair

__all__ = ["hair"]
