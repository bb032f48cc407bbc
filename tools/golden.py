"""Draw the reference pictures of tests/person/test_golden.py anew: ``python tools/golden.py``, and look at them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "person"))

from likeness import FOLDER, SCENES, difference, drawn

from vultus.io.image import read_image, write_image

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        path, picture = FOLDER / f"{scene}.png", drawn(scene)
        moved = f"{difference(picture, read_image(path)):.2f} from before" if path.is_file() else "new"
        write_image(path, picture)
        print(f"{path.name:<12}{moved}")
    for path in FOLDER.iterdir():
        if path.stem not in SCENES:
            path.unlink()
