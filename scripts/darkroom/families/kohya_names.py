"""LoRA tensors under the names that kohya's scripts, ComfyUI, A1111 and Forge read."""

from __future__ import annotations

from darkroom.families.base import Tensors

DOWN_AND_UP = {"lora_A": "lora_down", "lora_B": "lora_up"}


def to_kohya_names(tensors: Tensors, alpha: float, prefixes: dict[str, str]) -> Tensors:
    """Rename diffusers LoRA tensors and add one `alpha` per module.

    `unet.down_blocks.1.attentions.0.proj_in.lora_A.weight` becomes
    `lora_unet_down_blocks_1_attentions_0_proj_in.lora_down.weight`. `prefixes` maps the first part of a name (`unet`)
    to kohya's (`lora_unet`). ValueError names a tensor that is no LoRA of these parts.
    """
    import torch

    renamed = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        module, matrix, weight = [*rest.rsplit(".", 2), "", ""][:3]
        if part not in prefixes or matrix not in DOWN_AND_UP or weight != "weight":
            raise ValueError(f"{name}: not a LoRA tensor of {', '.join(prefixes)}")
        base = f"{prefixes[part]}_{module.replace('.', '_')}"
        renamed[f"{base}.{DOWN_AND_UP[matrix]}.weight"] = tensor
        renamed[f"{base}.alpha"] = torch.tensor(float(alpha), dtype=tensor.dtype)
    return renamed


def with_alphas(tensors: Tensors, alpha: float) -> Tensors:
    """LoRA tensors under diffusers' names with one `<module>.alpha` each, which that format leaves to its metadata."""
    import torch

    modules = {name.rsplit(".", 2)[0] for name in tensors}
    alphas = {f"{module}.alpha": torch.tensor(float(alpha)) for module in sorted(modules)}
    return {**tensors, **alphas}
