"""Paints, textures and lights of the pocket world, all in sRGB 0..1."""

import math

import torch
import torch.nn.functional as F

from darkroom.pocket.world import Rgb, Scene

PAINTS: dict[str, Rgb] = {
    "red": (0.85, 0.10, 0.10),
    "orange": (0.98, 0.48, 0.05),
    "yellow": (0.97, 0.88, 0.10),
    "green": (0.10, 0.68, 0.20),
    "blue": (0.10, 0.28, 0.90),
    "purple": (0.50, 0.15, 0.72),
    "pink": (0.99, 0.52, 0.72),
    "white": (0.95, 0.95, 0.95),
    "black": (0.09, 0.09, 0.11),
}
FIXED_PAINTS: dict[str, Rgb] = {
    "white": (0.95, 0.95, 0.95),
    "black": (0.07, 0.07, 0.09),
    "beak": (0.95, 0.45, 0.08),
    "cream": (0.92, 0.86, 0.74),
}
FLOOR_PAINTS: dict[str, Rgb] = {
    "grass": (0.33, 0.58, 0.20),
    "sand": (0.88, 0.74, 0.48),
    "wood": (0.58, 0.36, 0.20),
    "tiles": (0.80, 0.82, 0.86),
}
WALL_PAINTS: dict[str, Rgb] = {
    "grey": (0.55, 0.56, 0.58),
    "blue": (0.52, 0.70, 0.86),
    "cream": (0.92, 0.86, 0.70),
    "brick": (0.66, 0.36, 0.30),
    "striped": (0.86, 0.83, 0.84),
}
# colour of the direct light, of the light from all around
LIGHTS: dict[str, tuple[Rgb, Rgb]] = {
    "bright": ((0.62, 0.62, 0.60), (0.58, 0.58, 0.60)),
    "warm": ((0.72, 0.50, 0.26), (0.52, 0.42, 0.30)),
    "dim": ((0.30, 0.32, 0.40), (0.29, 0.30, 0.36)),
}


def light_of(scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Unit directions to the light, its colours and the ambient colours, (B, 3) each."""
    towards = [(math.sin(s.light_angle), math.cos(s.light_angle), s.light_height) for s in scenes]
    direct, ambient = zip(*(LIGHTS[scene.light] for scene in scenes), strict=True)
    return F.normalize(torch.tensor(towards), dim=-1), torch.tensor(direct), torch.tensor(ambient)


def tinted(colour: Rgb, tint: Rgb, strength: float = 0.03) -> Rgb:
    """A colour moved a little, so that no two photos share one exactly."""
    return tuple(min(1.0, max(0.0, c + strength * t)) for c, t in zip(colour, tint, strict=True))  # type: ignore


def paint_colours(scenes: list[Scene], paint: str) -> torch.Tensor:
    """Colours (B, 3) of one paint slot: body and accent differ by scene, the rest are fixed."""
    if paint in FIXED_PAINTS:
        return torch.tensor([FIXED_PAINTS[paint]] * len(scenes))
    colours = []
    for scene in scenes:
        body = scene.paints[0] if scene.paints else tinted(PAINTS[scene.colour], scene.tint)
        if paint == "body":
            colours.append(body)
        elif scene.paints:
            colours.append(scene.paints[1])
        elif scene.accent:
            colours.append(tinted(PAINTS[scene.accent], scene.tint))
        else:  # one-coloured toys keep their parts apart by a shade of the same hue
            colours.append(tuple(0.78 * c if max(body) > 0.3 else c + 0.1 for c in body))  # type: ignore
    return torch.tensor(colours)


def pattern_cover(scenes: list[Scene], picture: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Where (N, 1) a scene's pattern covers the body, 0 or 1; `picture` (N,) says whose toy each point (N, 3) is on."""
    x, y, z = (6.5 * point).unbind(-1)
    covers = {
        None: torch.zeros_like(z),
        "stripes": (z.floor() % 2),
        "dots": ((x % 1 - 0.5) ** 2 + (y % 1 - 0.5) ** 2 + (z % 1 - 0.5) ** 2 < 0.16).float(),
        "checks": ((x.floor() + y.floor() + z.floor()) % 2),
    }
    which = torch.tensor([list(covers).index(scene.pattern) for scene in scenes])[picture]
    return torch.stack(list(covers.values()), -1).gather(-1, which[:, None])


def ground_colours(scenes: list[Scene], kind: str) -> torch.Tensor:
    """Plain colours (B, 1, 3) of floors or walls."""
    table = FLOOR_PAINTS if kind == "floor" else WALL_PAINTS
    slot = 2 if kind == "floor" else 3
    chosen = [s.paints[slot] if s.paints else tinted(table[getattr(s, kind)], s.tint, 0.02) for s in scenes]
    return torch.tensor(chosen)[:, None]


def ripple(u: torch.Tensor, v: torch.Tensor, phase: torch.Tensor, scale: float) -> torch.Tensor:
    """Smooth irregular noise in -1..1 from a few crossed waves."""
    wave = torch.sin(scale * u + 6.3 * phase) + torch.sin(scale * (0.6 * v + 0.8 * u) + 1.7)
    return (wave + torch.sin(scale * 1.7 * (v - 0.5 * u) + 4 * phase)) / 3


def floor_colours(scenes: list[Scene], points: torch.Tensor) -> torch.Tensor:
    """Colours (B, N, 3) of the floor at points (B, N, 3)."""
    phase = torch.tensor([scene.phase for scene in scenes])[:, None]
    x, y = points[..., 0] + phase[..., 0], points[..., 1] + phase[..., 1]
    shade = torch.empty_like(x)
    for index, scene in enumerate(scenes):
        shade[index] = FLOOR_TEXTURES[scene.floor](x[index], y[index], phase[index, 0, 2])
    return ground_colours(scenes, "floor") * shade[..., None]


def grass(x: torch.Tensor, y: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    return 1 + 0.16 * ripple(x, y, phase, 19.0) + 0.1 * ripple(y, x, phase, 37.0)


def sand(x: torch.Tensor, y: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    return 1 + 0.06 * torch.sin(14 * y + 1.2 * torch.sin(3 * x + 6 * phase))


def wood(x: torch.Tensor, y: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    plank = x / 0.3
    tone = 1 + 0.13 * torch.sin(plank.floor() * 2.4 + 6 * phase) + 0.04 * torch.sin(40 * x + 3 * torch.sin(4 * y))
    return torch.where((plank - plank.floor()) < 0.07, 0.55, tone)


def tiles(x: torch.Tensor, y: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    dark = ((x / 0.45).floor() + (y / 0.45).floor()) % 2
    return 1.0 - 0.5 * dark


def plain_wall(x: torch.Tensor, z: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    return 1 + 0.02 * ripple(x, z, phase, 2.0)


def brick_wall(x: torch.Tensor, z: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    row = z / 0.22
    column = (x + 0.25 * (row.floor() % 2)) / 0.5
    joint = ((row - row.floor()) < 0.16) | ((column - column.floor()) < 0.08)
    return torch.where(joint, 1.35, 0.95 + 0.1 * torch.sin(3 * column.floor() + 5 * row.floor()))


def striped_wall(x: torch.Tensor, z: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    return torch.where((x / 0.5) % 1 < 0.5, 1.0, 0.68)


FLOOR_TEXTURES = {"grass": grass, "sand": sand, "wood": wood, "tiles": tiles}
WALL_TEXTURES = {
    "grey": plain_wall,
    "blue": plain_wall,
    "cream": plain_wall,
    "brick": brick_wall,
    "striped": striped_wall,
}


def wall_colours(scenes: list[Scene], points: torch.Tensor) -> torch.Tensor:
    """Colours (B, N, 3) of the wall at points (B, N, 3)."""
    phase = torch.tensor([scene.phase for scene in scenes])[:, None]
    x, z = points[..., 0] + phase[..., 0], points[..., 2]
    shade = torch.empty_like(x)
    for index, scene in enumerate(scenes):
        shade[index] = WALL_TEXTURES[scene.wall](x[index], z[index], phase[index, 0, 2])
    return ground_colours(scenes, "wall") * shade[..., None]
