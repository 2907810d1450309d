"""A small ray caster: toys of convex solids on a textured floor before a textured wall, with exact masks and boxes.

Every ray meets every solid in closed form (ellipsoid, box, tapered drum), so a batch of pictures of one shape is a
few dense tensor operations per solid.
"""

import math
from collections import defaultdict

import torch
import torch.nn.functional as F

from darkroom.pocket.surfaces import floor_colours, light_of, paint_colours, pattern_cover, wall_colours
from darkroom.pocket.toys import TOYS, Solid
from darkroom.pocket.world import Scene

CAMERA_DISTANCE = {"close": 1.85, "medium": 2.7, "far": 4.3}
WALL_BEHIND = 1.3
HALF_VIEW = 0.36  # tangent of half the angle of view, along the shorter side
FAR = 1e9


def render(
    scenes: list[Scene], width: int, height: int, samples: int = 2, aspect: float | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Render scenes of any shapes with `samples` x `samples` rays per pixel.

    `aspect` (width over height of the view; default: of the picture) squeezes a wide view into other pixels.
    Returns pictures uint8 (B, height, width, 3) in sRGB, masks uint8 (B, height, width) with soft edges (255 = toy),
    and boxes float32 (B, 4) as x0, y0, x1, y1 in pixels around all that the mask covers by half or more.
    """
    pictures = torch.empty(len(scenes), height, width, 3, dtype=torch.uint8)
    masks = torch.empty(len(scenes), height, width, dtype=torch.uint8)
    by_shape: dict[str, list[int]] = defaultdict(list)
    for index, scene in enumerate(scenes):
        by_shape[scene.shape].append(index)
    at_once = max(1, 400_000 // (width * height * samples * samples))
    for shape, members in by_shape.items():
        for start in range(0, len(members), at_once):
            chosen = members[start : start + at_once]
            some = [scenes[index] for index in chosen]
            colours, cover = render_shape(TOYS[shape], some, width, height, samples, aspect or width / height)
            pictures[chosen], masks[chosen] = to_bytes(colours), to_bytes(cover)
    return pictures, masks, mask_boxes(masks)


def to_bytes(values: torch.Tensor) -> torch.Tensor:
    return (values.clamp(0, 1) * 255).round().to(torch.uint8)


def mask_boxes(masks: torch.Tensor) -> torch.Tensor:
    """Boxes (B, 4) in pixels around mask values of 128 and more; zeros where there are none."""
    boxes = torch.zeros(len(masks), 4)
    for index, mask in enumerate(masks >= 128):
        columns, rows = mask.any(0).nonzero(), mask.any(1).nonzero()
        if len(columns):
            boxes[index] = torch.tensor(
                [columns[0, 0], rows[0, 0], columns[-1, 0] + 1, rows[-1, 0] + 1], dtype=torch.float32
            )
    return boxes


def camera_rays(scenes: list[Scene], width: int, height: int, aspect: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Ray origins (B, 3) and directions (B, height * width, 3), not normalised, in toy coordinates."""
    x_view = HALF_VIEW * max(1.0, aspect)
    y_view = HALF_VIEW * max(1.0, 1 / aspect)
    x = ((torch.arange(width) + 0.5) / width * 2 - 1) * x_view
    y = (1 - (torch.arange(height) + 0.5) / height * 2) * y_view
    plane = torch.stack(
        [x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width)], -1
    ).reshape(-1, 3)
    origins, directions = [], []
    for scene in scenes:
        distance = CAMERA_DISTANCE[scene.distance] * scene.zoom
        sine, cosine = math.sin(scene.elevation), math.cos(scene.elevation)
        # Shifts are fractions of the view, so that a toy stays in the picture at every distance.
        target_x = scene.shift[0] * 2 * x_view * distance
        target_z = 0.47 + scene.shift[1] * 2 * y_view * distance
        origins.append(torch.tensor([target_x, distance * cosine, target_z + distance * sine]))
        basis = torch.tensor([[1.0, 0, 0], [0, -sine, cosine], [0, -cosine, -sine]])
        directions.append(plane @ basis)
    return torch.stack(origins), torch.stack(directions)


def turn_matrix(turn: tuple[float, float, float]) -> torch.Tensor:
    """Rotation (3, 3) by radians about x, then y, then z."""
    matrix = torch.eye(3)
    for axis, angle in enumerate(turn):
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        step = torch.eye(3)
        step[i, i] = step[j, j] = math.cos(angle)
        step[j, i], step[i, j] = math.sin(angle), -math.sin(angle)
        matrix = step @ matrix
    return matrix


def placements(solid: Solid, scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices (B, 3, 3) from the world to the solid's unit frame, and its centres (B, 3) in the world."""
    shrink = torch.diag(1 / torch.tensor(solid.half)) @ turn_matrix(solid.turn).T
    yaws = torch.stack([turn_matrix((0, 0, scene.yaw)) for scene in scenes])
    return shrink @ yaws.transpose(1, 2), yaws @ torch.tensor(solid.centre)


def meet(solid: Solid, start: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    """Distance at which rays (start, along: broadcastable (..., 3) in the unit frame) enter a solid; FAR if never."""
    if solid.kind == "ball":
        return meet_ball(start, along)
    enter, leave = slabs(start, along, (0, 1, 2) if solid.kind == "box" else (2,))
    if solid.kind == "drum":
        side_in, side_out = drum_side(start, along, solid.taper)
        enter, leave = torch.maximum(enter, side_in), torch.minimum(leave, side_out)
    return torch.where((enter < leave) & (enter > 1e-4), enter, FAR)


def meet_ball(start: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    a, b, c = (along * along).sum(-1), (start * along).sum(-1), (start * start).sum(-1) - 1
    inside = b * b - a * c
    near = (-b - inside.clamp(min=0).sqrt()) / a
    return torch.where((inside > 0) & (near > 1e-4), near, FAR)


def slabs(start: torch.Tensor, along: torch.Tensor, axes: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    enter, leave = torch.tensor(-FAR), torch.tensor(FAR)
    for axis in axes:
        direction = along[..., axis]
        inverse = 1 / torch.where(direction.abs() < 1e-9, 1e-9, direction)
        low, high = (-1 - start[..., axis]) * inverse, (1 - start[..., axis]) * inverse
        enter, leave = torch.maximum(enter, torch.minimum(low, high)), torch.minimum(leave, torch.maximum(low, high))
    return enter, leave


def drum_side(start: torch.Tensor, along: torch.Tensor, taper: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Interval inside the (double) cone whose radius falls linearly from 1 at z = -1 to `taper` at z = 1."""
    slope, middle = (taper - 1) / 2, (taper + 1) / 2
    radius, change = middle + slope * start[..., 2], slope * along[..., 2]
    a = along[..., 0] ** 2 + along[..., 1] ** 2 - change**2
    b = start[..., 0] * along[..., 0] + start[..., 1] * along[..., 1] - radius * change
    c = start[..., 0] ** 2 + start[..., 1] ** 2 - radius**2
    # a < 0 would be a ray steeper than the cone's side, which no camera or sun of this world sends.
    inside = b * b - a * c
    root, a = inside.clamp(min=0).sqrt(), a.clamp(min=1e-6)
    never = inside <= 0
    return torch.where(never, FAR, (-b - root) / a), torch.where(never, -FAR, (-b + root) / a)


def normals(solid: Solid, points: torch.Tensor) -> torch.Tensor:
    """Outward normals (..., 3) of a solid in its unit frame, not normalised."""
    if solid.kind == "ball":
        return points
    if solid.kind == "box":
        axis = points.abs().argmax(-1, keepdim=True)
        return torch.zeros_like(points).scatter(-1, axis, points.gather(-1, axis).sign())
    slope = (solid.taper - 1) / 2
    radius = (solid.taper + 1) / 2 + slope * points[..., 2]
    side = torch.stack([points[..., 0], points[..., 1], -slope * radius], -1)
    cap = F.pad(points[..., 2:], (2, 0))
    return torch.where((points[..., 2:].abs() > 0.9995), cap, side)


def render_shape(
    solids: list[Solid], scenes: list[Scene], width: int, height: int, samples: int, aspect: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Colours (B, height, width, 3) and cover (B, height, width), both 0..1, of scenes with one and the same toy."""
    wide, high = width * samples, height * samples
    origin, along = camera_rays(scenes, wide, high, aspect)
    nearest = torch.full(along.shape[:2], FAR)
    which = torch.full(along.shape[:2], -1)
    frames = [placements(solid, scenes) for solid in solids]
    for index, (solid, (matrix, centre)) in enumerate(zip(solids, frames, strict=True)):
        start = (matrix @ (origin - centre)[..., None]).transpose(1, 2)
        distance = meet(solid, start, along @ matrix.transpose(1, 2))
        closer = distance < nearest
        nearest, which = torch.where(closer, distance, nearest), which.masked_fill(closer, index)
    sun, sunlight, ambient = light_of(scenes)
    colours = shade_background(scenes, origin, along, (wide, high, samples), (solids, frames), (sun, sunlight, ambient))
    for index, (solid, (matrix, centre)) in enumerate(zip(solids, frames, strict=True)):
        picture, ray = (which == index).nonzero(as_tuple=True)
        point = origin[picture] + nearest[picture, ray, None] * along[picture, ray]
        local = (matrix[picture] @ (point - centre[picture])[..., None])[..., 0]
        normal = F.normalize((matrix[picture].transpose(1, 2) @ normals(solid, local)[..., None])[..., 0], dim=-1)
        paint = paint_colours(scenes, solid.paint)[picture]
        if solid.paint == "body" and any(scene.pattern for scene in scenes):
            covered = pattern_cover(scenes, picture, point)
            paint = torch.lerp(paint, paint_colours(scenes, "accent")[picture], covered)
        view = F.normalize(-along[picture, ray], dim=-1)
        facing = (normal * sun[picture]).sum(-1, keepdim=True).clamp(min=0)
        shine = (normal * F.normalize(sun[picture] + view, dim=-1)).sum(-1, keepdim=True).clamp(min=0) ** 24
        sky = ambient[picture] * (0.8 + 0.2 * normal[:, 2:]) * (0.65 + 0.5 * point[:, 2:]).clamp(max=1)
        colours[picture, ray] = paint * (sky + sunlight[picture] * facing) + 0.16 * sunlight[picture] * shine
    return shrink_samples(colours.clamp(0, 1), high, wide, samples), shrink_samples(
        (which >= 0)[..., None].float(), high, wide, samples
    )[..., 0]


def shrink_samples(values: torch.Tensor, high: int, wide: int, samples: int) -> torch.Tensor:
    grid = values.view(len(values), high // samples, samples, wide // samples, samples, -1)
    return grid.mean(dim=(2, 4))


def shade_background(scenes, origin, along, size, toy, light) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """Colours (B, N, 3) of floor and wall with the toy's shadow; size = (wide, high, samples)."""
    wide, high, samples = size
    sun, sunlight, ambient = light
    to_wall = (-WALL_BEHIND - origin[:, None, 1]) / along[..., 1]
    to_floor = -origin[:, None, 2] / along[..., 2].clamp(max=-1e-6)
    on_floor = (along[..., 2] < 0) & (to_floor < to_wall)
    point = origin[:, None] + torch.where(on_floor, to_floor, to_wall)[..., None] * along
    coarse = point.view(len(scenes), high, wide, 3)[:, ::samples, ::samples].reshape(len(scenes), -1, 3)
    shadow = cast_shadow(coarse, sun, toy).view(len(scenes), 1, high // samples, wide // samples)
    soft = max(1, round(min(high, wide) / samples / 48)) * 2 + 1
    shadow = F.avg_pool2d(F.pad(shadow, (soft // 2,) * 4, mode="replicate"), soft, 1)
    shadow = F.interpolate(shadow, (high, wide), mode="bilinear").view(len(scenes), -1, 1)
    reach = (point[..., :2] ** 2).sum(-1, keepdim=True) + 0.3 * point[..., 2:] ** 2
    contact = 1 - 0.35 * torch.exp(-reach / 0.18)
    facing = torch.where(on_floor[..., None], sun[:, None, 2:], 0.85 * sun[:, None, 1:2])
    colour = torch.where(on_floor[..., None], floor_colours(scenes, point), wall_colours(scenes, point))
    return colour * (ambient[:, None] + sunlight[:, None] * facing * (1 - 0.85 * shadow)) * contact


def cast_shadow(points: torch.Tensor, sun: torch.Tensor, toy) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """1.0 where the way from points (B, M, 3) to the sun (B, 3) is blocked by a solid, else 0.0."""
    blocked = torch.zeros(points.shape[:2], dtype=torch.bool)
    for solid, (matrix, centre) in zip(*toy, strict=True):
        if solid.paint in ("white", "black") and max(solid.half) < 0.1:
            continue  # eyes and buttons cast none that anyone sees
        start = (points - centre[:, None]) @ matrix.transpose(1, 2)
        along = (matrix @ sun[..., None]).transpose(1, 2)
        blocked |= meet(solid, start, along) < FAR
    return blocked.float()
