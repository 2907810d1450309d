"""The toys, each a handful of stretched, turned and tapered convex solids standing on the floor (height about 1)."""

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Solid:
    """A solid in toy coordinates: x to the right, y towards the viewer, z up, floor at z = 0."""

    kind: str  # "ball" (ellipsoid), "box", or "drum" (a capped cylinder along its z; taper makes it a cone)
    centre: Vector
    half: Vector  # half extents
    paint: str = "body"  # body | accent | white | black | beak | cream
    turn: Vector = (0.0, 0.0, 0.0)  # radians about x, then y, then z
    taper: float = 1.0  # radius at the top of a drum, as a fraction of the radius at its bottom


def pair(solid: Solid) -> list[Solid]:
    """A solid and its mirror image on the other side of the toy."""
    (x, y, z), (turn_x, turn_y, turn_z) = solid.centre, solid.turn
    mirrored = Solid(solid.kind, (-x, y, z), solid.half, solid.paint, (turn_x, -turn_y, -turn_z), solid.taper)
    return [solid, mirrored]


def ball_of(centre: Vector, radius: float, paint: str = "body") -> Solid:
    return Solid("ball", centre, (radius, radius, radius), paint)


UPRIGHT = 1.5708  # a quarter turn: lays a drum on its side

TOYS: dict[str, list[Solid]] = {
    "ball": [
        ball_of((0, 0, 0.4), 0.4),
        Solid("drum", (0, 0, 0.4), (0.405, 0.405, 0.07), "accent", (0.35, 0.25, 0)),
    ],
    "cube": [
        Solid("box", (0, 0, 0.36), (0.36, 0.36, 0.36)),
        Solid("box", (0, 0, 0.36), (0.2, 0.37, 0.2), "accent"),
    ],
    "cone": [
        Solid("drum", (0, 0, 0.5), (0.42, 0.42, 0.5), taper=0.02),
        Solid("drum", (0, 0, 0.04), (0.5, 0.5, 0.04), "accent"),
    ],
    "robot": [
        Solid("box", (0, 0, 0.4), (0.25, 0.16, 0.22)),
        Solid("box", (0, 0.13, 0.42), (0.13, 0.06, 0.09), "accent"),
        Solid("box", (0, 0, 0.79), (0.19, 0.15, 0.15)),
        *pair(Solid("box", (0.34, 0, 0.42), (0.06, 0.08, 0.19), "accent")),
        *pair(Solid("box", (0.13, 0, 0.09), (0.08, 0.11, 0.1))),
        *pair(ball_of((0.09, 0.15, 0.82), 0.05, "white")),
        Solid("drum", (0, 0, 1.0), (0.025, 0.025, 0.08), "black"),
    ],
    "duck": [
        Solid("ball", (0, 0, 0.3), (0.33, 0.4, 0.3)),
        ball_of((0, 0.2, 0.72), 0.22),
        Solid("ball", (0, 0.45, 0.68), (0.13, 0.14, 0.06), "beak"),
        *pair(Solid("ball", (0.29, -0.05, 0.34), (0.09, 0.26, 0.16), "accent")),
        Solid("ball", (0, -0.4, 0.42), (0.1, 0.16, 0.12), turn=(-0.6, 0, 0)),
        *pair(ball_of((0.1, 0.38, 0.79), 0.045, "black")),
    ],
    "mushroom": [
        Solid("drum", (0, 0, 0.25), (0.17, 0.17, 0.25), "cream", taper=0.75),
        Solid("drum", (0, 0, 0.66), (0.46, 0.46, 0.2), taper=0.45),
        Solid("ball", (0, 0, 0.84), (0.24, 0.24, 0.13)),
        *[Solid("ball", at, (0.08, 0.08, 0.06), "accent") for at in ((0, 0.36, 0.68), (0.1, 0.1, 0.95))],
        *pair(Solid("ball", (0.3, 0.22, 0.66), (0.07, 0.07, 0.06), "accent")),
    ],
    "car": [
        Solid("box", (0, 0, 0.27), (0.52, 0.27, 0.13)),
        Solid("box", (-0.06, 0, 0.5), (0.27, 0.23, 0.12), "accent"),
        *[
            Solid("drum", (x, y, 0.14), (0.14, 0.14, 0.05), "black", (UPRIGHT, 0, 0))
            for x in (-0.3, 0.3)
            for y in (-0.26, 0.26)
        ],
        *[ball_of((0.52, y, 0.3), 0.055, "white") for y in (-0.16, 0.16)],
    ],
    "house": [
        Solid("box", (0, 0, 0.28), (0.36, 0.3, 0.28)),
        Solid("box", (0, 0, 0.56), (0.285, 0.36, 0.285), "accent", (0, UPRIGHT / 2, 0)),
        Solid("box", (0, 0.3, 0.16), (0.08, 0.02, 0.16), "black"),
        *pair(Solid("box", (0.22, 0.3, 0.34), (0.07, 0.02, 0.07), "white")),
    ],
    "snowman": [
        ball_of((0, 0, 0.27), 0.28),
        ball_of((0, 0, 0.6), 0.21),
        ball_of((0, 0, 0.86), 0.15),
        Solid("ball", (0, 0.2, 0.86), (0.04, 0.11, 0.04), "beak"),
        Solid("drum", (0, 0, 0.99), (0.19, 0.19, 0.02), "black"),
        Solid("drum", (0, 0, 1.07), (0.11, 0.11, 0.09), "black"),
        *[ball_of((0, y, z), 0.035, "accent") for y, z in ((0.2, 0.66), (0.21, 0.56), (0.26, 0.38))],
        *pair(ball_of((0.06, 0.13, 0.91), 0.03, "black")),
    ],
    "mug": [
        Solid("drum", (0, 0, 0.4), (0.32, 0.32, 0.4)),
        Solid("drum", (0, 0, 0.795), (0.27, 0.27, 0.01), "black"),
        *[Solid("box", (0.46, 0, z), (0.15, 0.06, 0.055), "accent") for z in (0.22, 0.6)],
        Solid("box", (0.56, 0, 0.41), (0.055, 0.06, 0.24), "accent"),
    ],
    "bunny": [
        Solid("ball", (0, 0, 0.26), (0.25, 0.22, 0.27)),
        Solid("ball", (0, 0.13, 0.25), (0.17, 0.12, 0.19), "accent"),
        ball_of((0, 0.02, 0.62), 0.2),
        *pair(Solid("ball", (0.11, 0, 0.95), (0.065, 0.05, 0.23), "accent", (0, 0.16, 0))),
        *pair(ball_of((0.08, 0.2, 0.66), 0.037, "black")),
        *pair(Solid("ball", (0.15, 0.12, 0.06), (0.1, 0.15, 0.07))),
        ball_of((0, 0.22, 0.58), 0.03, "accent"),
    ],
}
