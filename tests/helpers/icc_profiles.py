"""ICC profiles made of nothing but numbers, and the colours that they mean."""

import struct

import numpy as np
from numpy.typing import NDArray

# Columns are the primaries in CIE XYZ, adapted to D50, and the exponent of the curve; None is that of sRGB.
DISPLAY_P3 = ([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]], None)
ADOBE_RGB = ([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]], 2.19921875)
SRGB = ([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]], None)
D50 = np.array([0.9642, 1.0, 0.8249])
Space = tuple[list[list[float]], float | None]


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _profile(colours: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", 128 + len(table) + len(data), bytes(4), 0x02400000, b"prtr", colours, connection
    )
    return header.ljust(36, b"\0") + b"acsp" + bytes(28) + _fixed(*D50) + bytes(48) + table + data


def rgb_profile(space: Space) -> bytes:
    """The profile of an RGB colour space."""
    matrix, gamma = space
    curve = [round(65535 * float(_linear(np.array(step / 1023), gamma))) for step in range(1024)]
    content = b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *curve)
    tags = {b"wtpt": b"XYZ " + bytes(4) + _fixed(*D50)}
    for number, name in enumerate("rgb"):
        tags[f"{name}XYZ".encode()] = b"XYZ " + bytes(4) + _fixed(*(row[number] for row in matrix))
        tags[f"{name}TRC".encode()] = content
    return _profile(b"RGB ", b"XYZ ", tags)


def cmyk_profile() -> bytes:
    """The profile of a press whose only ink is black; the three others leave no trace on the paper."""
    ramp = bytes(range(256))
    black_and_white = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return _profile(b"CMYK", b"Lab ", {b"A2B0": table + ramp * 4 + black_and_white + ramp * 3})


def _linear(share: NDArray[np.float64], gamma: float | None) -> NDArray[np.float64]:
    if gamma is not None:
        return np.asarray(share**gamma)
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colour: tuple[int, ...], space: Space) -> NDArray[np.float64]:
    """CIE L*a*b* of an 8-bit colour."""
    ratio = np.array(space[0]) @ _linear(np.array(colour) / 255, space[1]) / D50
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta_e(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The colour difference of CIE 1976."""
    return float(np.linalg.norm(first - second))
