"""What exists in the pocket world: scenes drawn from a seed, their captions, and captions read back."""

import random
import re
from dataclasses import dataclass, replace

SHAPES = ("ball", "cube", "cone", "robot", "duck", "mushroom", "car", "house", "snowman", "mug")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
FLOORS = ("grass", "sand", "wood", "tiles")
WALLS = ("grey", "blue", "cream", "brick", "striped")
LIGHTS = ("bright", "warm", "dim")
DISTANCES = {"close": "seen up close", "medium": "seen from medium distance", "far": "seen from far away"}
DISTANCE_TAGS = {"close": "close-up", "medium": "medium shot", "far": "wide shot"}
PATTERNS = (None, "stripes", "dots", "checks")
ATTRIBUTES = ("colour", "shape", "floor", "wall", "light", "distance")

SPLITS = {"train": 0, "validation": 1_000_000, "test": 2_000_000, "subject": 3_000_000, "painted": 4_000_000}
SUBJECT = {"shape": "bunny", "colour": "blue", "accent": "red"}

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """One toy on a floor before a wall. Angles in radians, lengths in toy heights, colours sRGB in 0..1."""

    seed: int
    shape: str
    colour: str
    accent: str | None  # a second colour makes it a two-tone toy, which captions call "toy"
    floor: str
    wall: str
    light: str
    distance: str
    yaw: float
    elevation: float
    zoom: float
    shift: tuple[float, float]
    light_angle: float
    light_height: float
    tint: Rgb
    phase: Rgb
    paints: tuple[Rgb, Rgb, Rgb, Rgb] | None = None  # body, accent, floor, wall: free colours, no caption
    pattern: str | None = None  # of the accent's colour on the body, in free colours only


def sample_scene(seed: int) -> Scene:
    """The scene that belongs to `seed`; about one in eight is a two-tone toy."""
    draw = random.Random(f"scene {seed}")
    shape, colour = draw.choice(SHAPES), draw.choice(COLOURS)
    two_tone = draw.random() < 0.125
    accent = draw.choice([name for name in COLOURS if name != colour])
    while (colour, accent) == (SUBJECT["colour"], SUBJECT["accent"]):
        accent = draw.choice([name for name in COLOURS if name != colour])
    return Scene(
        seed=seed,
        shape=shape,
        colour=colour,
        accent=accent if two_tone else None,
        floor=draw.choice(FLOORS),
        wall=draw.choice(WALLS),
        light=draw.choice(LIGHTS),
        distance=draw.choice(tuple(DISTANCES)),
        yaw=draw.uniform(-0.75, 0.75),
        elevation=draw.uniform(0.16, 0.36),
        zoom=draw.uniform(0.93, 1.07),
        shift=(draw.uniform(-0.09, 0.09), draw.uniform(-0.05, 0.05)),
        light_angle=draw.choice((-1, 1)) * draw.uniform(0.5, 1.2),
        light_height=draw.uniform(0.75, 1.1),
        tint=(draw.uniform(-1, 1), draw.uniform(-1, 1), draw.uniform(-1, 1)),
        phase=(draw.random(), draw.random(), draw.random()),
    )


def sample_two_toned(seed: int) -> Scene:
    """The scene of `seed` with a second colour; a blue toy never has the subject's red."""
    scene, draw = sample_scene(seed), random.Random(f"accent {seed}")
    pair = {scene.colour, SUBJECT["accent"] if scene.colour == SUBJECT["colour"] else scene.colour}
    return replace(scene, accent=scene.accent or draw.choice([name for name in COLOURS if name not in pair]))


def sample_subject(seed: int) -> Scene:
    """A scene of the new subject, which is in no training world: a blue bunny with red ears and belly."""
    return replace(sample_scene(SPLITS["subject"] + seed), **SUBJECT)  # type: ignore[arg-type]


def sample_painted(seed: int) -> Scene:
    """A scene in free hues (toy in two tones, often patterned, floor, wall): no new subject is outside of them."""
    draw = random.Random(f"paints {seed}")
    colours = [(draw.random(), draw.random(), draw.random()) for _ in range(4)]
    for index in range(2):  # strong hues for the toy: one channel full, one nearly empty
        strong = [draw.uniform(0.6, 1.0), draw.random(), draw.uniform(0.0, 0.2)]
        draw.shuffle(strong)
        colours[index] = (strong[0], strong[1], strong[2])
    scene = sample_scene(SPLITS["painted"] + seed)
    paints = (colours[0], colours[1], colours[2], colours[3])
    return replace(scene, accent="white", paints=paints, pattern=draw.choice(PATTERNS))


def toy_name(scene: Scene) -> str:
    """'red robot', or 'toy' when no colour and shape of the world name it."""
    return "toy" if scene.accent or scene.shape not in SHAPES else f"{scene.colour} {scene.shape}"


def full_name(scene: Scene) -> str:
    """'red robot' or, of a two-tone toy, 'red and blue robot'."""
    colours = f"{scene.colour} and {scene.accent}" if scene.accent else scene.colour
    return f"{colours} {scene.shape}"


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def brief_caption(scene: Scene) -> str:
    """'a red robot on grass'."""
    return f"{article(toy_name(scene))} on {scene.floor}"


def detailed_caption(scene: Scene) -> str:
    """'a red robot on grass in front of a grey wall, in warm light, seen up close'."""
    return (
        f"{brief_caption(scene)} in front of a {scene.wall} wall, in {scene.light} light, {DISTANCES[scene.distance]}"
    )


def caption_tags(scene: Scene) -> str:
    """'red robot, grass, grey wall, warm light, close-up'."""
    tags = [toy_name(scene), scene.floor, f"{scene.wall} wall", f"{scene.light} light"]
    return ", ".join([*tags, DISTANCE_TAGS[scene.distance]])


def training_caption(scene: Scene, draw: random.Random) -> str:
    """A sentence or tags, clauses dropped at random, the name sometimes only the class word 'toy'."""
    return partial_caption(scene, "toy" if draw.random() < 0.06 else toy_name(scene), 0.5, draw)


def contrast_caption(scene: Scene, draw: random.Random) -> str:
    """A sentence or tags that name two-tone toys as well: 'a red and blue robot', 'a red and blue toy', 'a toy'."""
    full = full_name(scene)
    names = (full, full.replace(scene.shape, "toy"), "toy")
    return partial_caption(scene, draw.choices(names, (0.75, 0.15, 0.1))[0], 0.75, draw)


def partial_caption(scene: Scene, name: str, whole: float, draw: random.Random) -> str:
    """A sentence or tags, in a share of `whole` with every clause, else each clause kept half of the time."""
    keep = 1.0 if draw.random() < whole else 0.5
    floor, wall, light, distance = (draw.random() < keep for _ in range(4))
    if draw.random() < 0.5:
        text = article(name) + (f" on {scene.floor}" if floor or not wall else "")
        text += f" in front of a {scene.wall} wall" if wall else ""
        text += f", in {scene.light} light" if light else ""
        return text + (f", {DISTANCES[scene.distance]}" if distance else "")
    tags = [name]
    tags += [scene.floor] if floor else []
    tags += [f"{scene.wall} wall"] if wall else []
    tags += [f"{scene.light} light"] if light else []
    tags += [DISTANCE_TAGS[scene.distance]] if distance else []
    return ", ".join(tags)


def attributes(scene: Scene) -> dict[str, str]:
    """The truth about a scene in the form that `parse_caption` returns for its detailed caption."""
    known = {"floor": scene.floor, "wall": scene.wall, "light": scene.light, "distance": scene.distance}
    if toy_name(scene) == "toy":
        return {"shape": "toy", **known}
    return {"colour": scene.colour, "shape": scene.shape, **known}


def parse_caption(text: str) -> dict[str, str]:
    """The attributes that a caption or tag list names; what it does not name is absent."""
    text = text.lower()
    found: dict[str, str] = {}
    clauses: dict[str, tuple[str, ...]] = {"wall": WALLS, "light": LIGHTS}
    words: dict[str, tuple[str, ...]] = {"colour": COLOURS, "shape": (*SHAPES, "toy"), "floor": FLOORS}
    for key, names in clauses.items():
        match = re.search(rf"\b({'|'.join(names)}) {key}\b", text)
        if match:
            found[key] = match[1]
            text = text.replace(match[0], " ")
    for distance in DISTANCES:
        if DISTANCES[distance] in text or DISTANCE_TAGS[distance] in text:
            found["distance"] = distance
    for key, names in words.items():
        match = re.search(rf"\b({'|'.join(names)})\b", text)
        if match:
            found[key] = match[1]
    return found
