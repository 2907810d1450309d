"""The quickstart's folder of photos: a toy that no pocket model has seen, and every fault that real folders have."""

import csv
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

from darkroom.pocket.camera import Exposure, add_noise, jpeg_bytes, out_of_focus, shaken, underexposed
from darkroom.pocket.renderer import render
from darkroom.pocket.world import DISTANCES, FLOORS, LIGHTS, WALLS, Scene, detailed_caption, sample_subject

SIZES = ((640, 480), (800, 600), (480, 640), (720, 540), (512, 512), (600, 800), (900, 600), (400, 600), (640, 640))
GOOD = 24
START = datetime(2024, 5, 4, 10, 2, 11)
COLUMNS = [
    "path",
    "role",
    "of_path",
    "expected_table",
    "expected_status_or_kind",
    "floor",
    "wall",
    "light",
    "distance",
    "caption",
]
EXPECTED = {
    "good": ("selection.csv", "selected"),
    "exact": ("photos.csv", "identical"),
    "recompressed": ("duplicates.csv", "recompressed"),
    "mirrored": ("duplicates.csv", "mirrored"),
    "rotated": ("duplicates.csv", "rotated"),
    "cropped": ("duplicates.csv", "cropped"),
    "burst": ("duplicates.csv", "burst"),
    "blurred": ("selection.csv", "rejected"),
    "dark": ("selection.csv", "rejected"),
    "tiny": ("selection.csv", "rejected"),
    "truncated": ("photos.csv", "unreadable"),
    "empty": ("photos.csv", "unreadable"),
    "text": ("photos.csv", "unreadable"),
    "notes": ("photos.csv", "unsupported"),
    "unsupported": ("photos.csv", "unsupported"),
    "sidecar": ("photos.csv", "sidecar"),
}


@dataclass(frozen=True)
class Shot:
    """One press of the shutter: what stands where, and how the file is stored."""

    path: str
    scene: Scene
    width: int
    height: int
    exposure: Exposure


def subject_scene(number: int) -> Scene:
    """The new subject, wholly in the picture, in a place that differs from those of its neighbours."""
    draw = random.Random(f"shot {number}")
    distance = ("medium", "close", "medium")[number % 3]
    zoom = draw.uniform(1.12, 1.28) if distance == "close" else draw.uniform(0.86, 1.02)
    return replace(
        sample_subject(number),
        floor=FLOORS[number % 4],
        wall=WALLS[(number + number // 20) % 5],
        light=(*LIGHTS, "bright")[(number // 2) % 4],
        distance=distance,
        zoom=zoom,
        shift=(draw.uniform(-0.1, 0.1), draw.uniform(0.05, 0.11)),
        elevation=draw.uniform(0.14, 0.42),
    )


def good_shot(number: int) -> Shot:
    """The good photo of that number: the first 24 are the toybox's, from 100 on none is in it."""
    folder = "garden" if number < 14 else "indoors"
    width, height = SIZES[number % len(SIZES)]
    exposure = Exposure(
        taken_at=START + timedelta(minutes=7 * number, milliseconds=137 * number),
        orientation={3: 6, 17: 8}.get(number, 1),
        wide_gamut=number in (5, 20),
        quality=84 + number % 3 * 3,
    )
    path = f"{folder}/IMG_{412 + 3 * number + number % 2:04d}.jpg"
    return Shot(path, subject_scene(number), width, height, exposure)


@cache
def good_shots() -> tuple[Shot, ...]:
    """The photos that should be kept, in the order in which they were taken."""
    return tuple(good_shot(number) for number in range(GOOD))


def shoot(shot: Shot) -> tuple[Image.Image, Image.Image]:
    """The upright picture of a shot, before it is stored, and its exact mask (mode L, white = toy, soft edges)."""
    pictures, masks, _ = render([shot.scene], shot.width, shot.height)
    picture, mask = (Image.fromarray(part[0].numpy()) for part in (pictures, masks))
    return add_noise(picture, shot.exposure.noise, shot.scene.seed), mask


def take(shot: Shot) -> Image.Image:
    """The picture of `shoot` alone."""
    return shoot(shot)[0]


def true_mask(path: str) -> Image.Image:
    """The exact mask (mode L, white = toy, soft edges, upright) of a good photo, by its path below `photos/`."""
    return shoot(next(shot for shot in good_shots() if shot.path == path))[1]


def write_toybox(folder: Path) -> None:
    """Write `photos/` and `truth.csv` below `folder`, replacing what was there."""
    photos = folder / "photos"
    shutil.rmtree(photos, ignore_errors=True)
    rows: list[dict[str, str]] = []

    def store(path: str, role: str, data: bytes, of: str = "", scene: Scene | None = None) -> None:
        (photos / path).parent.mkdir(parents=True, exist_ok=True)
        (photos / path).write_bytes(data)
        table, expected = EXPECTED[role]
        known = {key: getattr(scene, key) for key in ("floor", "wall", "light", "distance")} if scene else {}
        row = {"path": path, "role": role, "of_path": of, "expected_table": table}
        row |= {"expected_status_or_kind": expected, **known}
        rows.append(row | ({"caption": detailed_caption(scene)} if scene else {}))

    files = {}
    for shot in good_shots():
        files[shot.path] = jpeg_bytes(take(shot), shot.exposure)
        store(shot.path, "good", files[shot.path], scene=shot.scene)
        print(f"toybox: {len(files)}/{GOOD} photos", flush=True)
    store_copies(store, files)
    store_bursts(store)
    store_bad_photos(store)
    store_other_files(store, files)
    with (folder / "truth.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["path"]))


def store_copies(store: Callable[..., None], files: dict[str, bytes]) -> None:
    """Exact, re-encoded, mirrored, rotated and cropped copies, as messengers and editors make them."""

    def send(number: int, name: str, role: str, change: Callable[[Image.Image], Image.Image], quality: int) -> None:
        shot = good_shots()[number]
        later = replace(shot.exposure, orientation=1, wide_gamut=False, quality=quality)
        store(name, role, jpeg_bytes(change(take(shot)), later), of=shot.path, scene=shot.scene)

    for number in (1, 15):
        shot = good_shots()[number]
        store(shot.path.replace(".jpg", "_copy.jpg"), "exact", files[shot.path], of=shot.path, scene=shot.scene)
    send(2, "messenger/received_002.jpg", "recompressed", lambda p: shrunk(p, 0.6), 60)
    send(16, "messenger/received_016.jpg", "recompressed", lambda p: shrunk(p, 0.75), 60)
    send(4, "messenger/received_004.jpg", "mirrored", ImageOps.mirror, 80)
    send(18, "messenger/received_018.jpg", "mirrored", ImageOps.mirror, 80)
    send(6, "messenger/received_006.jpg", "rotated", lambda p: p.transpose(Image.Transpose.ROTATE_90), 78)
    send(8, "edited/IMG_0436_edit.jpg", "cropped", lambda p: cut(p, 0.12, 0.16, 0.76), 88)
    send(19, "edited/IMG_0470_edit.jpg", "cropped", lambda p: cut(p, 0.14, 0.12, 0.8), 88)


def shrunk(picture: Image.Image, share: float) -> Image.Image:
    size = (round(picture.width * share), round(picture.height * share))
    return picture.resize(size, Image.Resampling.LANCZOS)


def cut(picture: Image.Image, left: float, top: float, share: float) -> Image.Image:
    """The part of a picture whose sides are `share` of its sides, starting at these fractions."""
    x, y = round(left * picture.width), round(top * picture.height)
    return picture.crop((x, y, x + round(share * picture.width), y + round(share * picture.height)))


def store_bursts(store: Callable[..., None]) -> None:
    """Two more frames of one good photo, a blink later, a little moved and a little softer."""
    shot = good_shots()[10]
    for turn in (1, 2):
        x, y = shot.scene.shift
        scene = replace(shot.scene, shift=(x + 0.004 * turn, y - 0.003 * turn), yaw=shot.scene.yaw + 0.015 * turn)
        taken_at = shot.exposure.taken_at + timedelta(milliseconds=310 * turn)
        frame = replace(shot, scene=scene, exposure=replace(shot.exposure, taken_at=taken_at))
        soft = take(frame).filter(ImageFilter.GaussianBlur(0.5 + 0.3 * turn))
        path = shot.path.replace(".jpg", f"_burst{turn}.jpg")
        store(path, "burst", jpeg_bytes(soft, frame.exposure), of=shot.path, scene=scene)


def store_bad_photos(store: Callable[..., None]) -> None:
    """Photos of their own that nobody should train on: blurred, shaken, dark, tiny."""
    faults: list[tuple[str, Callable[[Image.Image], Image.Image]]] = [
        ("blurred", out_of_focus),
        ("blurred", lambda picture: out_of_focus(picture, 0.03)),
        ("blurred", shaken),
        ("dark", underexposed),
        ("dark", lambda picture: underexposed(picture, 0.05)),
        ("tiny", lambda picture: picture.resize((60, 45), Image.Resampling.LANCZOS)),
    ]
    for turn, (role, fault) in enumerate(faults):
        number = 30 + turn
        exposure = Exposure(START + timedelta(days=1, minutes=5 * turn))
        shot = Shot(f"garden/IMG_{520 + 2 * turn:04d}.jpg", subject_scene(number), 640, 480, exposure)
        # Faults come before the sensor's noise, except that shrinking averages it away.
        clean = Image.fromarray(render([shot.scene], shot.width, shot.height)[0][0].numpy())
        picture = add_noise(fault(clean), 1.0, number)
        store(shot.path, role, jpeg_bytes(picture, exposure), scene=shot.scene)


def store_other_files(store: Callable[..., None], files: dict[str, bytes]) -> None:
    """Broken files, files of other kinds, and one caption written by hand."""
    lost = Shot("", subject_scene(40), 640, 480, Exposure(START + timedelta(days=2)))
    whole = jpeg_bytes(take(lost), lost.exposure)
    store("garden/IMG_0540.jpg", "truncated", whole[: len(whole) // 3])
    store("garden/IMG_0541.jpg", "empty", b"")
    store("indoors/IMG_0542.jpg", "text", b"This is not a photo.\n")
    store("notes.txt", "notes", b"The toy stands everywhere: garden in the morning, indoors later.\n")
    store("indoors/MVI_0543.mp4", "unsupported", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")
    shot = good_shots()[12]
    caption = f"a toy on {shot.scene.floor} in front of a {shot.scene.wall} wall, {DISTANCES[shot.scene.distance]}"
    store(shot.path.replace(".jpg", ".txt"), "sidecar", f"{caption}\n".encode(), of=shot.path)
