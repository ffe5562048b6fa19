"""Which precision of the convolutions is fast on which hardware."""

import warnings
from typing import Literal

import torch

from tbd_lib.method.config import Precision

BFLOAT16_FROM = 8  # compute capability of NVIDIA's GPUs: Ampere and later have hardware for bfloat16
CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")  # instructions, as PyTorch names them: of x86, x86 and ARM


def fastest(device: torch.device) -> Precision:
    """What the device has hardware for: bfloat16; float16 on older GPUs, where the loss is scaled; else float32."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device)[0] >= BFLOAT16_FROM else "float16"
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):  # older releases cannot tell
        found = torch.cpu.get_capabilities()
        return "bfloat16" if any(found.get(name) for name in CPU_BFLOAT16) else "float32"
    return "float32"


def settle(wanted: Precision | Literal["auto"], device: torch.device, began_with: Precision | None = None) -> Precision:
    """The precision of a run.

    Args:
        wanted: "auto" takes what the run began with, or what is fastest on the device.
        device: where it will be trained.
        began_with: the precision of a run that goes on.

    Warns:
        UserWarning: bfloat16 is wanted of a GPU that has no hardware for it.
    """
    if wanted == "auto":
        return began_with or fastest(device)
    if wanted == "bfloat16" and device.type == "cuda" and fastest(device) == "float16":
        major, minor = torch.cuda.get_device_capability(device)
        warnings.warn(
            f"{torch.cuda.get_device_name(device)} (compute capability {major}.{minor}) has no hardware for bfloat16, "
            "which begins with 8.0: steps will be slower than in float32; `run.precision` float16 is fast on it",
            stacklevel=2,
        )
    return wanted
