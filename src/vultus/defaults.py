"""What every entry point uses unless told otherwise."""

from __future__ import annotations

from typing import Final, Literal

Quality = Literal["draft", "default", "film"]
"""How much work goes into a picture."""

Sheet = Literal["people", "expressions", "visemes", "lights", "places", "turntable", "styles", "photo"]
"""The contact sheets that ``render --sheet`` draws."""

FACE: Final = "person:14"
LIGHT: Final = "studio"
FPS: Final = "30"
SIZE: Final = 512
"""Height and width of a video in pixels."""
