"""Checkpoints of one file (.safetensors): in which precision they are stored, what they predict, and loading them.

What a file predicts is read from names and metadata: ComfyUI and the makers of SDXL models with v-prediction put empty
tensors `v_pred` and `ztsnr` (zero terminal SNR) into it; sd-scripts and modelspec have keys of metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from darkroom.errors import UserError, one_line

if TYPE_CHECKING:
    import torch
    from diffusers import SchedulerMixin

Loaded = TypeVar("Loaded")

PREDICTIONS = ("epsilon", "v_prediction")
# Of Playground v2.5 and of CosXL: they see noise that no schedule of betas makes.
EDM_NAMES = {"edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min"}
# The scales of weights that were divided by them to fit into 8 bits, as ComfyUI and others name them.
SCALES = ("scaled_fp8", ".scale_weight", ".scale_input", ".weight_scale", ".input_scale", ".weight_scale_inv")
SAID = {"epsilon": "epsilon", "eps": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"}


@dataclass(frozen=True)
class Header:
    """The names of a file's tensors, how many there are of each kind of number, and the metadata."""

    names: frozenset[str]
    kinds: Counter[str]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Prediction:
    """What a denoiser says, and whether its noisiest step is noise and nothing else (zero terminal SNR)."""

    kind: str
    zero_snr: bool


def read_header(file: Path) -> Header:
    """What a safetensors file says of itself, without its weights. UserError where it is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as tensors:
            names = frozenset(tensors.keys())
            kinds = Counter(tensors.get_slice(name).get_dtype() for name in names)
            return Header(names, kinds, tensors.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file}: it cannot be read as safetensors ({error}); give another file") from None


def stored_precision(file: Path) -> torch.dtype:
    """The torch dtype to load a file in: that of most tensors, bf16 where weights are stored in 8 bits.

    UserError where these are scaled or of a kind that needs more than the file's numbers to be read.
    """
    import torch

    known = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float32}
    header = read_header(file)
    if any(name.endswith(SCALES) for name in header.names):
        raise UserError(f"{file}: its weights are scaled to fit into 8 bits; give the file in bf16, fp16 or plain fp8")
    if any(kind.startswith("F8_") for kind in header.kinds):
        return torch.bfloat16
    most = header.kinds.most_common(1)[0][0] if header.kinds else "F32"
    if most not in known:
        raise UserError(f"{file}: its weights are quantized ({most}); give the file in bf16, fp16 or plain fp8")
    return known[most]


def prediction_of(file: Path, asked: str | None) -> Prediction | None:
    """What a file's denoiser predicts: as `asked`, as it says itself, or None where it does not say.

    UserError where it is an EDM model.
    """
    header = read_header(file)
    if header.names & EDM_NAMES:
        raise UserError(
            f"{file}: it is an EDM model, as Playground v2.5 and CosXL are, which Darkroom does not train; give another"
        )
    kind = asked or _said(header)
    if kind is None:
        return None
    zero = "ztsnr" in header.names or header.metadata.get("ss_zero_terminal_snr", "").lower() == "true"
    return Prediction(kind, kind == "v_prediction" and zero)


def _said(header: Header) -> str | None:
    if "v_pred" in header.names or header.metadata.get("ss_v_parameterization", "").lower() == "true":
        return "v_prediction"
    for key in ("modelspec.prediction_type", "modelspec.predict_key"):
        said = SAID.get(header.metadata.get(key, "").lower())
        if said is not None:
            return said
    return None


def predicting(scheduler: SchedulerMixin, prediction: Prediction) -> SchedulerMixin:
    """A scheduler of diffusers for the same noise and another prediction: DDIM where its last step is noise only.

    Not all know zero terminal SNR, which needs its time steps to be counted from the last (Lin et al. 2023,
    arXiv:2305.08891).
    """
    from diffusers import DDIMScheduler

    changes: dict[str, object] = {"prediction_type": prediction.kind}
    if prediction.zero_snr:
        changes |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        return DDIMScheduler.from_config(scheduler.config, **changes)
    if prediction.kind == "epsilon" and scheduler.config.get("rescale_betas_zero_snr"):
        # Where all is noise, to say the noise tells nothing.
        changes["rescale_betas_zero_snr"] = False
    return type(scheduler).from_config(scheduler.config, **changes)


def load(from_single_file: Callable[..., Loaded], file: Path, config: Path, **options: object) -> Loaded:
    """A model or pipeline by the `from_single_file` of its class, in the precision that the file is stored in.

    Configs and tokenizers, which such a file does not hold, are those of the folder `config`. Raises UserError, one
    line, where the two do not fit.
    """
    from diffusers.loaders.single_file_utils import SingleFileComponentError

    options |= {"config": str(config), "local_files_only": True, "dtype": stored_precision(file)}
    wrong = (OSError, TypeError, ValueError, KeyError, AttributeError, RuntimeError, SingleFileComponentError)
    try:
        return from_single_file(str(file), **options)
    except wrong as error:
        reason = one_line(error)
        raise UserError(f"{file}: it is no checkpoint of the architecture in {config}: {reason}") from None
