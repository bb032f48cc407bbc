"""How the kernels of a person are compiled.

``part``, ``step`` and ``inner`` are for kernels only: without wrappers for Python they compile in half the time. A call
from Python would end the process, which ``tests/test_imports.py`` rules out. Numba compiles what it has of its own,
such as min and max, once for every set of options, so there are few of these.
"""

from __future__ import annotations

from typing import Any

from numba import njit

_BARE: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True}

# Reassociation without "no NaN": values that are not finite must stay visible to the last check.
fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})

# Helpers are merged into the kernel by LLVM: numba's own inlining would infer the types of one huge function, which
# takes minutes, and calls would pass a dozen array descriptors per pixel.
part = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"}, forceinline=True,
    **_BARE,
)  # fmt: skip

# Numbers written into a call are types of their own, and every other one compiles the function again: such calls get
# np.int64(7) instead of 7, and what is called with many of them is pasted in by numba.
pasted = njit(cache=True, nogil=True, error_model="numpy", inline="always")

# Called by kernels only, and computed as written.
inner = njit(cache=True, nogil=True, error_model="numpy", **_BARE)

# Steps of a kernel that go through many samples: functions of their own, each with all registers to itself.
step = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"}, **_BARE
)  # fmt: skip
