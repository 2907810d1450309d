"""Darkroom: from a folder of raw photos to a trained LoRA and the proof of where it came from."""

import os

__version__ = "0.1.0"

# One thread for OpenMP (torch, LibRaw), MKL, OpenBLAS (numpy) and OpenCV, whatever the environment says: the number
# decides the last bits of what is computed, and cores are used by jobs side by side. Torch and onnxruntime get more
# where the config asks for more (`prepare_device`, `open_session`); threads that wait then sleep: spinning ones take
# the cores from those that work. Libraries read this when they load, hence here, before any of them.
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
os.environ |= dict.fromkeys(ONE_THREAD, "1") | {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
