"""The one error type that users see."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VultusError(Exception):
    """Bad input, told in one line: what is wrong and how to mend it.

    The command line prints it without a traceback and leaves with exit code 2.
    """

    def __init__(self, problem: str, mend: str = "") -> None:
        """Join *problem* and *mend* into one line; newlines become spaces."""
        text = f"{problem.rstrip('. ')}. {mend}" if mend else problem
        super().__init__(" ".join(text.split()))


def unknown(kind: str, name: str, known: Iterable[str]) -> VultusError:
    """The error for a name that does not exist, with the nearest names that do.

    *kind* is the noun that the user knows the thing by, such as "style".
    """
    names = {known_name.lower(): known_name for known_name in sorted(known)}
    near = [names[match] for match in difflib.get_close_matches(name.lower(), names, n=2, cutoff=0.5)]
    mend = f"Known: {', '.join(names.values())}." if names else "There is none."
    if near:
        mend = f"Did you mean {' or '.join(near)}?"
    return VultusError(f"There is no {kind} called {name!r}", mend)
