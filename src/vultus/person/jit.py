"""How the kernels of a picture are compiled."""

from __future__ import annotations

from numba import njit

# Reassociation without "no NaN": values that are not finite must stay visible to the last check.
fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})

# Helpers are merged into the kernel by LLVM: numba's own inlining would infer the types of one huge function, which
# takes minutes, and calls would pass a dozen array descriptors per pixel.
part = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"}, forceinline=True
)
