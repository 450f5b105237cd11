"""Whether a machine computes in half precision by itself or imitates it."""

from __future__ import annotations

import torch

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16", "sve_bf16")
"""what CPUs of x86-64 and ARM64 are called capable of that multiply matrices of bfloat16"""


def has_bfloat16() -> bool:
    """Whether bfloat16 is worth while: on a GPU, and on CPUs that have instructions for it.

    Others imitate it: products of matrices took 25 times as long as in single precision (measured with AVX2).
    """
    if torch.cuda.is_available():
        return True
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in _BFLOAT16)
