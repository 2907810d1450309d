"""Darkroom: from a folder of raw photos to a trained LoRA and the proof of where it came from."""

__version__ = "0.1.0"
