"""A tiny Stable Diffusion 1.5 as one file under the names of the original code: for tests only."""

import re
from pathlib import Path

from safetensors.torch import load_file, save_file

LAYERS_PER_BLOCK, UNET_BLOCKS, VAE_BLOCKS = 1, 2, 3
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
ENDS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def unet_name(name: str) -> str:
    """`down_blocks.0.resnets.0.conv1.weight` becomes `input_blocks.1.0.in_layers.2.weight`."""
    for ours, theirs in ENDS.items():
        if name.startswith(f"{ours}."):
            return name.replace(ours, theirs)
    if ".resnets." in name:
        head, part, kind = name.rsplit(".", 2)
        name = f"{head}.{RESNET[part]}.{kind}"
    step = LAYERS_PER_BLOCK + 1

    def block(found: re.Match[str]) -> str:
        side, number, kind, layer = found[1], int(found[2]), found[3], int(found[4])
        if side == "down" and kind == "downsamplers":
            return f"input_blocks.{(number + 1) * step}.0.op"
        if side == "up" and kind == "upsamplers":
            return f"output_blocks.{(number + 1) * step - 1}.1.conv"
        place = number * step + layer + (side == "down")
        return f"{'input' if side == 'down' else 'output'}_blocks.{place}.{int(kind == 'attentions')}"

    name = re.sub(r"^(down|up)_blocks\.(\d)\.(\w+)\.(\d)(?:\.conv(?=\.))?", block, name)
    name = re.sub(
        r"^mid_block\.(resnets|attentions)\.(\d)",
        lambda found: f"middle_block.{1 if found[1] == 'attentions' else 2 * int(found[2])}",
        name,
    )
    return name


def vae_name(name: str) -> str:
    """`decoder.up_blocks.0.resnets.0.conv1.weight` becomes `decoder.up.2.block.0.conv1.weight`."""
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
    name = re.sub(r"up_blocks\.(\d)", lambda found: f"up.{VAE_BLOCKS - 1 - int(found[1])}", name)
    name = re.sub(r"down_blocks\.(\d)", r"down.\1", name)
    return re.sub(r"(down|up)samplers\.0", r"\1sample", name).replace(".resnets.", ".block.")


def save_single_file(model: Path, file: Path) -> None:
    """Write a model in diffusers form, as `save_tiny_sd15` makes it, as one file."""
    text = load_file(model / "text_encoder" / "model.safetensors")
    tensors = {
        f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}": text[name] for name in text
    }
    for part, prefix, rename in (
        ("unet", "model.diffusion_model", unet_name),
        ("vae", "first_stage_model", vae_name),
    ):
        weights = load_file(model / part / "diffusion_pytorch_model.safetensors")
        tensors |= {f"{prefix}.{rename(name)}": weight for name, weight in weights.items()}
    save_file({name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}, file)
