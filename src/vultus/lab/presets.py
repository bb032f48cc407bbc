"""Recipes as commands use them: a preset with changes, training on named data, and weights that drive a face."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.channels import REGIONS
from vultus.clip import Clip
from vultus.errors import VultusError, unknown
from vultus.io.files import atomic
from vultus.lab import recipes
from vultus.motion import Motion

if TYPE_CHECKING:
    from vultus.lab.run import Machine

FORMAT: Final = "vultus.trained-recipe"
VERSION: Final = 1
PRESETS: Final = ("tiny", "paper")
DRIVEN: Final = tuple(sorted({c for part in ("mouth", "jaw", "cheeks", "tongue") for c in REGIONS[part]}))
"""The columns of a Motion that a trained driver of speech decides; sound hardly tells the others, which stay lively."""


def changed(config: Any, changes: Mapping[str, str]) -> Any:
    """A frozen dataclass with fields (``width``, ``optimiser.lr``) set to what is written; VultusError for the rest."""
    for path, text in changes.items():
        head, _, rest = path.partition(".")
        known = {field.name for field in dataclasses.fields(config)}
        if head not in known:
            raise unknown("field", head, known)
        old = getattr(config, head)
        if rest and not dataclasses.is_dataclass(old):
            raise VultusError(f"{head} has no field {rest}", f"Give --config.{head} alone")
        config = dataclasses.replace(config, **{head: changed(old, {rest: text}) if rest else _read(path, text, old)})
    return config


def _read(path: str, text: str, old: Any) -> Any:
    """*text* as a value like *old*."""
    try:
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(old, tuple) and (not old or isinstance(old[0], str | int | float)):
            parts = [part for part in text.split(",") if part]
            return tuple(_read(path, part, old[0]) if old else part for part in parts)
        if isinstance(old, int | float | str):
            return type(old)(text)
    except (ValueError, KeyError):
        pass
    raise VultusError(f"{text!r} is no value for {path}, which is {old!r}", "Give one of the same kind")


def build(name: str, preset: str, changes: Mapping[str, str], encoder: str = "") -> Any:
    """The untrained model of the recipe *name*; a published encoder of sound comes from the folder *encoder*.

    VultusError when such a folder is needed and not given, or given to a model that does not need it.
    """
    module = recipes.load(name)
    from vultus.parts.motion.published import PUBLISHED

    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    model = module.Model(changed(getattr(module, preset), changes))
    kind = getattr(getattr(model, "audio", None), "kind", "")
    if bool(encoder) != (kind in PUBLISHED):
        what = f"needs the weights of {kind}" if kind in PUBLISHED else "hears with no published encoder"
        raise VultusError(f"{name} {what}", "Give --encoder DIR" if kind in PUBLISHED else "Leave --encoder out")
    if encoder:
        model.audio.load(encoder)
    return model


def data(source: str, model: Any, clips: int, seed: int) -> Sequence[Clip]:
    """The clips that *source* names: "stage", or a data set and its folder, as "vocaset:DIR".

    An avatar learns one person from one clip, which many cameras see; "stage:phone" names another rig.
    """
    kind, _, place = source.partition(":")
    if kind == "stage" and (not place or model.family == "avatar"):
        from vultus.stage import portraits
        from vultus.stage.clips import clips as drawn

        views = model.gives == "frames" or bool({"picture", "frames"} & set(model.takes))
        size = getattr(model.config, "size", 64)
        if model.family == "avatar":
            return list(drawn(seed, 1, rig=place or "multiview", size=size, seconds=4.0))
        if views and "sound" not in model.takes:  # heads that turn teach more than heads that speak
            return [portraits.clip(number, seed=seed, size=size, frames=48) for number in range(clips)]
        return list(drawn(seed, clips, views=views, size=size, seconds=4.0))
    from vultus.datasets import a2f_bench, vocaset, voxceleb

    readers: dict[str, Any] = {"vocaset": vocaset.read, "a2f_bench": a2f_bench.read, "voxceleb": voxceleb.read}
    if kind not in readers:
        raise unknown("data set", kind, ["stage", *readers])
    if not place:
        raise VultusError(f"Where is {kind}?", f"Write --data {kind}:DIR")
    found = readers[kind](place, "train")
    return [_aligned(clip) for clip in found] if "phones" in model.takes else list(found)


def named(speakers: Sequence[str], clips: Sequence[Clip]) -> tuple[str, tuple[str, ...]]:
    """What to say of, and to put in place of, *speakers* that are plain numbers where the data has names.

    The names of *clips* (the label ``subject``, or the identity), sorted, take the places of the first numbers; the
    network keeps its size. Where there are more names than numbers, they are only told. ("", ()) where there is nothing
    to do: no plain numbers, or people of the stage, who go by theirs.
    """
    people = sorted({who for clip in clips if (who := clip.labels.get("subject") or clip.identity)})
    known = not speakers or not all(name.isdecimal() for name in speakers) or set(speakers) & set(people)
    if known or not people or any(who.startswith("person") or "," in who for who in people):
        return "", ()
    shown = people[0] if len(people) == 1 else f"{people[0]} to {people[-1]}, {len(people)} in all"
    if len(people) > len(speakers):
        return f"nobody is told apart: {shown}, more than the {len(speakers)} of speakers; set --config.speakers", ()
    return f"speakers are named as in the data: {shown}", (*people, *speakers[len(people) :])


def _aligned(clip: Clip) -> Clip:
    """*clip* with the phones that are recognised in its sound, where it brings none."""
    if clip.phones or clip.audio is None:
        return clip
    return dataclasses.replace(clip, phones=tuple(_phones(clip.audio, clip.text or None)))


def train(
    name: str,
    *,
    preset: str = "tiny",
    source: str = "stage",
    clips: int = 24,
    changes: Mapping[str, str] | None = None,
    encoder: str = "",
    out: str | Path = "runs",
    seed: int = 0,
    machine: Machine | None = None,
) -> Path:
    """Train a recipe; returns the file of its weights, beside which a card and ``NAME.recipe.json`` lie."""
    from vultus.lab.card import About
    from vultus.lab.run import first, seeded
    from vultus.lab.scene import fit_scene
    from vultus.lab.train import fit_dataset

    given = dict(changes or {})
    with seeded(seed):
        model = build(name, preset, given, encoder)
    found = data(source, model, clips, seed)
    said, speakers = named(getattr(model.config, "speakers", ()), found)
    if said and "speakers" not in given:
        if first():
            print(said, flush=True)
        if speakers:
            given["speakers"] = ",".join(speakers)
            with seeded(seed):
                model = build(name, preset, given, encoder)
    about = About(name, recipes.facts(name).title, f"{source}, {clips} clips" if source == "stage" else source)
    if model.family == "avatar":
        fit_scene(model, found[0], stages=model.stages(), out=out, seed=seed, about=about, machine=machine)
    else:
        learned = model.prepare(found)
        fit_dataset(model, learned, stages=model.stages(), out=out, seed=seed, about=about, machine=machine)
    told: dict[str, Any] = {"format": FORMAT, "version": VERSION, "recipe": name, "preset": preset, "changes": given}
    told["encoder"] = str(Path(encoder).absolute()) if encoder else ""
    if "camera" in model.takes and (camera := facing(found[0])) is not None:
        told["camera"] = {
            "size": [camera.width, camera.height], "focal": list(camera.focal), "centre": list(camera.centre),
            "world_to_camera": camera.world_to_camera.tolist(),
        }  # fmt: skip
    if first():
        with atomic(Path(out) / f"{name}.recipe.json") as temporary:
            temporary.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return Path(out) / f"{name}.safetensors"


def record(weights: str | Path) -> dict[str, Any]:
    """What ``train`` wrote beside *weights*: recipe, preset and changes, and the camera of recipes that take one."""
    beside = Path(weights).with_name(f"{Path(weights).stem}.recipe.json")
    try:
        told: dict[str, Any] = json.loads(beside.read_text("utf-8"))
        kind, version, _ = told["format"], told["version"], (told["recipe"], told["preset"], dict(told["changes"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise VultusError(f"{beside} is missing or broken", "Train again with vultus train") from None
    if (kind, version) != (FORMAT, VERSION):
        raise VultusError(f"{beside} is of another version of Vultus", "Train again, or update Vultus")
    return told


def trained(name: str, weights: str | Path) -> Any:
    """The model of the recipe *name* with the *weights* that ``train`` wrote; VultusError when they are of another."""
    told, path = record(weights), Path(weights)
    if told["recipe"] != name:
        raise VultusError(f"{path} are weights of {told['recipe']}", f"Give --driver {told['recipe']}")
    model = build(name, told["preset"], told["changes"], told.get("encoder", ""))
    from vultus.lab import checkpoint

    checkpoint.load_weights(model, path)
    return model.eval()


def drive(name: str, weights: str | Path, sound: NDArray[np.float32], text: str | None, fps: Fraction) -> Motion:
    """The Motion that a trained driver makes of *sound* [N] at 16 kHz; *text* is what is said, where known.

    VultusError when the recipe is no driver of speech. Nothing but ``DRIVEN`` is to be taken from it.
    """
    facts = recipes.facts(name)
    if facts.gives != "motion" or not set(facts.takes) <= {"sound", "phones"}:
        raise VultusError(f"{name} does not make motion from speech", "See vultus recipes")
    model = trained(name, weights)
    given: dict[str, Any] = {"sound": sound}
    if "phones" in facts.takes:
        given["phones"] = _phones(sound, text)
    made = model(**given, fps=float(fps))
    if not isinstance(made, Motion):
        raise VultusError(f"{name} was trained to give vertices, not motion", "Train its tiny preset")
    return made.replace(fps=fps)


def facing(clip: Clip) -> Camera | None:
    """The camera of *clip* that looks most at the front of a face; None when none is known."""
    cameras = [view.camera(0) for view in clip.views if view.cameras]
    return min(cameras, key=lambda camera: float(camera.world_to_camera[2, 2]), default=None)


def _phones(sound: NDArray[np.float32], text: str | None) -> Sequence[Any]:
    if text:
        from vultus.signals.align import align

        return align(sound, text)
    from vultus.signals.chunks import phones_of, whole
    from vultus.signals.phones import fill

    return fill(whole(phones_of([sound])), 0.0, len(sound) / 16000)


def laid(pieces: Iterator[Motion], driven: Motion) -> Iterator[Motion]:
    """The default driver's *pieces* with ``DRIVEN`` of a trained driver's motion in their place, frame by frame."""
    first = 0
    for piece in pieces:
        rows = np.minimum(np.arange(first, first + len(piece)), len(driven) - 1)
        frames = piece.data.copy()
        frames[:, DRIVEN] = driven.data[rows][:, DRIVEN]
        first += len(piece)
        yield piece.replace(data=frames)
