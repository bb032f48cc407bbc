"""A sheet of clips: for each a row with frames, every buffer as a picture, the sound with its phones, and curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vultus.clip import Clip, Frame, View
from vultus.errors import VultusError
from vultus.io.image import write_image
from vultus.motion import Motion
from vultus.signals.phones import Phone, arpabet_of
from vultus.stage.clips import clips
from vultus.stage.filming import rigs

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

_GAP, _TITLE, _HEAD = 4, 17, 26  # pixels between tiles, of a row's title, and above the columns
_WIDE: Final = 3.2  # width of the sound's panel in tiles
_BACK, _INK, _FAINT = (250, 250, 248), (30, 32, 36), (150, 154, 160)
_FRAMES: Final = 3
_SECONDS: Final = 4.0  # of sound and curves at most, around the frame whose buffers are shown

_COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "skin": (233, 190, 160), "lips": (214, 82, 92), "eye_left": (64, 132, 214), "eye_right": (56, 178, 196),
    "mouth": (96, 28, 40), "tongue": (240, 132, 150), "teeth_upper": (250, 246, 230), "teeth_lower": (214, 206, 184),
    "cloth": (110, 120, 160), "glasses": (240, 196, 60), "hair": (104, 78, 58), "beard": (150, 104, 70),
    "brows": (70, 52, 40), "lashes": (24, 20, 24),
}  # fmt: skip
_OTHER: Final = ((86, 180, 120), (180, 120, 200), (200, 160, 90))
_CURVES: Final[tuple[tuple[str, tuple[int, int, int], Callable[[Motion], F32]], ...]] = (
    ("jaw", (204, 76, 60), lambda m: m["jawOpen"]),
    ("pucker", (70, 120, 200), lambda m: m["mouthPucker"]),
    ("smile", (60, 150, 90), lambda m: 0.5 * (m["mouthSmileLeft"] + m["mouthSmileRight"])),
    ("blink", (150, 154, 160), lambda m: 0.5 * (m["eyeBlinkLeft"] + m["eyeBlinkRight"])),
    ("yaw", (150, 90, 190), lambda m: 0.5 + (m.head[:, 1] + m.neck[:, 1])),
)


def stage_sheet(clips: Sequence[Clip], *, tile: int = 128) -> U8:
    """A picture uint8 [H, W, 3] with a row for each of *clips*; views are shown *tile* pixels high.

    The view in the middle of each clip is shown, and how many there are. Fields that a view lacks stay empty. Raises
    VultusError when there is no clip or the tiles are smaller than 48 or larger than 512 pixels.
    """
    if not clips:
        raise VultusError("There is no clip to show")
    if not 48 <= tile <= 512:
        raise VultusError(f"Tiles of {tile} pixels make no sheet", "Choose from 48 to 512")
    columns = [*["frames"] * _FRAMES, *_PICTURES]
    wide = round(_WIDE * tile)
    width = (len(columns) * (tile + _GAP)) + wide + 3 * _GAP
    row = _TITLE + tile + 2 * _GAP
    sheet = Image.new("RGB", (width, _HEAD + len(clips) * row + _GAP), _BACK)
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(["", "frames", "", *_PICTURES, "sound, phones and motion"]):
        draw.text((_GAP + i * (tile + _GAP), 7), name, _INK, font(12))
    for n, clip in enumerate(clips):
        top = _HEAD + n * row
        draw.line((0, top - 3, width, top - 3), (226, 226, 222))
        draw.text((_GAP, top), _told(clip, width), _INK, font(11))
        left = _GAP
        middle = 0.0
        if clip.views:
            view = clip.views[len(clip.views) // 2]
            tiles, middle = _tiles(view)
            for picture in tiles:
                if picture is not None:
                    fitted = Image.fromarray(picture).resize((tile, tile), Image.Resampling.LANCZOS)
                    sheet.paste(fitted, (left, top + _TITLE))
                left += tile + _GAP
        left = _GAP + len(columns) * (tile + _GAP)
        sheet.paste(Image.fromarray(_sound(clip, wide, tile, middle)), (left, top + _TITLE))
    return np.asarray(sheet)


def write(
    path: str | Path,
    count: int = 12,
    *,
    seed: int = 0,
    tile: int = 128,
    progress: Callable[[float, float | None], None] | None = None,
    **drawing: Any,
) -> Path:
    """Write the sheet of the first *count* clips of *seed*, filmed by all rigs by turns, as a picture.

    *drawing* is what ``stage.plan.draw`` takes besides rig and size. VultusError when the file's name is not that of a
    picture, or when there is no clip or voice of that name.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise VultusError(f"A sheet is a picture, and {path} is not the name of one", "Call it sheet.png")
    rows, every = [], rigs()
    for index in range(count):
        (clip,) = clips(seed, 1, first=index, rig=every[index % len(every)], size=tile, **drawing)
        # One at a time, because a person's look takes much memory.
        rows.append(stage_sheet([clip], tile=tile)[0 if index == 0 else _HEAD - 3 :])
        if progress:
            progress(float(index + 1), float(count))
    if not rows:
        raise VultusError("There is no clip to show")
    write_image(path, np.concatenate(rows))
    return path


def font(size: int) -> Any:
    """A face of letters *size* pixels high."""
    return ImageFont.load_default(size)


def _told(clip: Clip, width: int) -> str:
    """One line about a clip."""
    many = f" · {len(clip.views)} cameras" if len(clip.views) > 1 else ""
    labels = " · ".join(clip.labels[name] for name in ("rig", "voice", "emotion") if clip.labels.get(name))
    line = " · ".join(part for part in (clip.name, clip.identity, labels) if part) + many
    if clip.text:
        line += f" · “{clip.text}”"
    most = width // 6
    return line if len(line) <= most else line[: most - 1] + "…"


def _tiles(view: View) -> tuple[list[U8 | None], float]:
    """Three frames and the buffers of the one in the middle, and the time of that in seconds."""
    places = sorted({round(f * (view.count - 1)) for f in (0.2, 0.5, 0.8)})
    middle = places[len(places) // 2]
    tiles: list[U8 | None] = []
    for place in places:
        have = "frames" in view.fields
        tiles.append(next(view.each("frames", first=place, stop=place + 1))["frames"] if have else None)
    tiles += [None] * (_FRAMES - len(tiles))
    frame = next(view.each(*view.fields, first=middle, stop=middle + 1))
    for paint, needed in _PICTURES.values():
        tiles.append(paint(frame, view) if all(name in frame for name in needed) else None)
    return tiles, middle / view.fps


def _depth(frame: Frame, view: View) -> U8:
    """Near is light, far is dark, and what is infinitely far is blue."""
    depth = frame["depth"]
    solid = np.isfinite(depth)
    near, far = np.percentile(depth[solid], [1, 99]) if solid.any() else (0.0, 1.0)
    grey = 245 - 205 * np.clip((np.where(solid, depth, far) - near) / max(far - near, 1e-6), 0, 1)
    return np.where(solid[..., None], grey[..., None].repeat(3, -1), (34, 44, 72)).astype(np.uint8)


def _normals(frame: Frame, view: View) -> U8:
    return np.clip(127.5 + 127.5 * frame["normals"], 0, 255).astype(np.uint8)


def _masks(frame: Frame, view: View) -> U8:
    table = np.full((256, 3), 236, np.uint8)
    for i, name in enumerate(view.parts):
        table[i] = _COLOURS.get(name, _OTHER[i % len(_OTHER)])
    return np.asarray(table[frame["masks"]])


def _uv(frame: Frame, view: View) -> U8:
    """u in red and v in green over a checker of 32 fields."""
    uv = frame["uv"]
    there = uv[..., 0] >= 0
    field = (np.floor(np.maximum(uv, 0) * 32).sum(-1) % 2)[..., None]
    colour = np.concatenate([uv * 255, np.full((*there.shape, 1), 110.0)], -1) * (0.72 + 0.28 * field)
    return np.where(there[..., None], np.clip(colour, 0, 255), 236).astype(np.uint8)


def flow_wheel(flow: F32, most: float | None = None) -> U8:
    """A flow [H, W, 2] as colours uint8 [H, W, 3]: hue is its direction, white none, full colour *most* pixels
    (Baker et al., "A database and evaluation methodology for optical flow", 2011, in hues of HSV)."""
    speed = np.linalg.norm(flow, axis=-1)
    most = max(float(np.percentile(speed, 99)), 0.2) if most is None else most
    hue = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1.0
    share = np.clip(speed / most, 0, 1)
    wheel = np.clip(np.abs((hue[..., None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.rint(255 * (1 - share[..., None] * (1 - wheel))).astype(np.uint8)


def _flow(frame: Frame, view: View) -> U8:
    return flow_wheel(frame["flow"])


def _hidden(frame: Frame, view: View) -> U8:
    """The picture in grey; red will be hidden in the next frame, green was hidden in the one before."""
    out = (0.45 * frame["frames"].mean(-1, keepdims=True) + 130).repeat(3, -1)
    out[frame["occlusion"]] = (214, 52, 44)
    out[frame["disocclusion"]] = (40, 150, 70)
    return np.clip(out, 0, 255).astype(np.uint8)


def _points(truth: str, found: str) -> Callable[[Frame, View], U8]:
    """A picture of landmarks: green in sight, orange hidden, and a line to where the detector has them."""

    def paint(frame: Frame, view: View) -> U8:
        side = frame["frames"].shape[0]
        more = max(1, round(384 / side))
        image = Image.fromarray(frame["frames"] // 2 + 96).resize((side * more, side * more))
        draw, dot = ImageDraw.Draw(image), 2.2 if truth.endswith("68") else 1.2
        true, guess = frame[truth], frame[found]
        for (x, y, seen), (u, v, sure) in zip(true * (more, more, 1), guess * (more, more, 1), strict=True):
            if sure > 0:
                draw.line((x, y, u, v), (40, 60, 200), 1)
            draw.ellipse((x - dot, y - dot, x + dot, y + dot), (10, 150, 60) if seen else (236, 130, 20))
        return np.asarray(image)

    return paint


_PICTURES: Final[dict[str, tuple[Callable[[Frame, View], U8], tuple[str, ...]]]] = {
    "depth": (_depth, ("depth",)),
    "normals": (_normals, ("normals",)),
    "masks": (_masks, ("masks",)),
    "uv": (_uv, ("uv",)),
    "flow": (_flow, ("flow",)),
    "hidden next | before": (_hidden, ("frames", "occlusion", "disocclusion")),
    "68 points": (_points("landmarks_68", "detected_68"), ("frames", "landmarks_68", "detected_68")),
    "478 points": (_points("landmarks_478", "detected_478"), ("frames", "landmarks_478", "detected_478")),
}


def _sound(clip: Clip, width: int, height: int, middle: float) -> U8:
    """The waveform with phones above the curves of the Motion, *middle* seconds marked."""
    panel = Image.new("RGB", (width, height), (255, 255, 255))
    draw = ImageDraw.Draw(panel)
    length = min(_SECONDS, max(clip.duration, 1e-3))
    start = float(np.clip(middle - length / 2, 0, max(clip.duration - length, 0)))
    tall, labels = round(0.34 * height), 13

    def place(seconds: float) -> float:
        return (seconds - start) / length * width

    if clip.audio is not None and len(clip.audio):
        wave(draw, clip.audio, clip.sample_rate, (start, length), width, tall)
    phone_boxes(draw, clip.phones, (start, length), width, (tall, labels))
    top = tall + labels + 3
    if clip.motion is not None:
        at = clip.motion.times() - float(clip.motion.start)
        for _, colour, curve in _CURVES:
            value = np.clip(curve(clip.motion), 0, 1)
            line = [(place(t), height - 2 - (height - top - 4) * v) for t, v in zip(at, value, strict=True)
                    if start - 0.1 <= t <= start + length + 0.1]  # fmt: skip
            if len(line) > 1:
                draw.line(line, colour, 1, joint="curve")
        x = 3.0
        for name, colour, _ in _CURVES:
            draw.text((x, top - 2), name, colour, font(10))
            x += draw.textlength(name, font(10)) + 7
    draw.line((place(middle), 0, place(middle), height), (235, 170, 60), 1)
    draw.rectangle((0, 0, width - 1, height - 1), outline=(222, 222, 218))
    return np.asarray(panel)


def wave(draw: ImageDraw.ImageDraw, audio: F32, rate: int, span: tuple[float, float], width: int, height: int) -> None:
    """The least and greatest sample of every column, about the middle of *height*."""
    first = round(span[0] * rate)
    edges = (first + np.linspace(0, span[1] * rate, width + 1)).astype(int)
    scale = 0.46 * height / max(float(np.abs(audio).max()), 1e-3)
    for x in range(width):
        some = audio[edges[x] : max(edges[x + 1], edges[x] + 1)]
        if len(some):
            draw.line((x, height / 2 - scale * some.max(), x, height / 2 - scale * some.min()), (86, 104, 134))


def phone_boxes(
    draw: ImageDraw.ImageDraw, phones: Sequence[Phone], span: tuple[float, float], width: int, at: tuple[int, int]
) -> None:
    """Each phone in a box as long as it lasts, with its ARPABET name where there is room."""
    top, high = at
    for n, phone in enumerate(phones):
        left, right = ((t - span[0]) / span[1] * width for t in (phone.start, phone.end))
        if right < 0 or left > width or not phone.ipa:
            continue
        draw.rectangle((left, top, right - 1, top + high), (233, 238, 246) if n % 2 else (220, 228, 241))
        name = arpabet_of(phone.ipa).lower()
        room = draw.textlength(name, font(9))
        if room <= right - left + 1:
            draw.text(((left + right - room) / 2, top + 1), name, _INK, font(9))
