"""For which processors machine code is good: those that are called alike and can do the same."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version

COMPILERS = ("lleaves", "llvmlite", "lightgbm")


@cache
def processor() -> str:
    """Return a short name for machine code that runs here: the processor, what it can do, and what compiles for it.

    Such as `znver4-1f2e3d4c5b6a`. Another machine with the same name can load what was compiled on this one.
    """
    import llvmlite.binding as llvm

    able = llvm.get_host_cpu_features().flatten()
    parts = (llvm.get_process_triple(), llvm.get_host_cpu_name(), able, *(version(name) for name in COMPILERS))
    return f"{llvm.get_host_cpu_name()}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"
