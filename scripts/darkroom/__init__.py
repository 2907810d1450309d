"""Darkroom: from a folder of raw photos to a trained LoRA and the proof of where it came from."""

import os

__version__ = "0.1.0"

# Threads that wait must soon sleep, not spin: two jobs of two threads on two cores ran far slower else. OpenMP
# reads this when torch is first imported, which is why it stands here and not in a function.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
