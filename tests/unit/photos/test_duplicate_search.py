"""Copies are found whatever was done to them, and only they; the kept one does not depend on names or order."""

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from table_rows import photo_file

from darkroom.config.photos import DuplicateSettings
from darkroom.contracts.duplicate_table import Relation
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos import candidates, pair_alignments
from darkroom.photos.alignment import align
from darkroom.photos.duplicate_groups import group_duplicates
from darkroom.photos.duplicate_search import DuplicateSearch
from darkroom.photos.fingerprints import Fingerprint, orientation_hashes
from darkroom.photos.local_features import PhotoFeatures, detect_both, grey_levels
from darkroom.photos.pair_alignments import PairAlignments
from darkroom.photos.pairs import EITHER
from darkroom.storage.cache import Cache

SETTINGS = DuplicateSettings()
SHELVES = tempfile.TemporaryDirectory()


def scene(seed: int, size: int = 320) -> Image.Image:
    """A picture of random blobs and strokes: as full of corners as a photo."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (10, 10, 3), dtype=np.uint8)).resize((size, size), Image.BICUBIC)
    fine = Image.fromarray(random.integers(0, 255, (64, 64, 3), dtype=np.uint8)).resize((size, size), Image.NEAREST)
    return Image.blend(coarse, fine, 0.35).filter(ImageFilter.GaussianBlur(1))


def photo_features(picture: Image.Image) -> PhotoFeatures:
    grey = grey_levels(picture)
    return PhotoFeatures(*detect_both(grey), lambda: grey)


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("RGB")


def crop(picture: Image.Image, share: float) -> Image.Image:
    width, height = round(picture.width * share), round(picture.height * share)
    return picture.crop((10, 16, 10 + width, 16 + height))


class Shelf:
    """Pictures as the stage sees them: rows of photos.csv and fingerprints.csv, sketches by photo."""

    def __init__(self) -> None:
        self.pictures: dict[str, Image.Image] = {}
        self.photos: list[PhotoFile] = []
        self.cache = Cache(Path(tempfile.mkdtemp(dir=SHELVES.name)))
        self.computed = 0

    def add(
        self, name: str, picture: Image.Image, taken_at: str = "", size: int = 1000, file_format: str = "JPEG"
    ) -> None:
        self.pictures[name] = picture
        about = {"width": picture.width, "height": picture.height, "bytes": size, "taken_at": taken_at}
        quality = None if file_format == "RAW" else 90
        self.photos.append(photo_file(name, **about, format=file_format, jpeg_quality=quality))

    def rows(self) -> dict[str, Relation]:
        names = [photo.photo for photo in self.photos]
        fingerprints = [Fingerprint(name, **orientation_hashes(self.pictures[name])) for name in names]
        photo_features_of = {name: photo_features(self.pictures[name]) for name in names}
        features = ((photo_features_of[name].upright, photo_features_of[name].mirrored) for name in names)
        alignments = PairAlignments(photo_features_of.__getitem__, self.cache, 2)
        proposed = candidates.propose_pairs(self.photos, fingerprints, features, SETTINGS)
        edges = DuplicateSearch(self.photos, fingerprints, alignments, SETTINGS).run(proposed)
        self.computed = alignments.computed
        return {row.photo: row for row in group_duplicates(self.photos, edges)}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("recompressed", lambda picture: jpeg(picture, 30)),
        ("recompressed", lambda picture: picture.resize((120, 120))),
        ("recompressed", lambda picture: ImageOps.grayscale(picture).convert("RGB")),
        ("mirrored", ImageOps.mirror),
        ("mirrored", ImageOps.flip),
        ("rotated", lambda picture: picture.rotate(90)),
        ("rotated", lambda picture: picture.rotate(180)),
        ("cropped", lambda picture: crop(picture, 0.8)),
        ("cropped", lambda picture: crop(picture, 0.7)),
    ],
)
def test_kinds(kind: str, change) -> None:
    shelf = Shelf()
    shelf.add("original", scene(1))
    shelf.add("copy", change(scene(1)), size=500)
    shelf.add("stranger", scene(2))
    rows = shelf.rows()
    assert (rows["copy"].kind, rows["copy"].of) == (kind, "original")
    assert rows["copy"].group == rows["original"].group == "original"
    assert rows["original"].kind == "" and rows["stranger"].group == ""


def test_featureless_pictures_are_compared_by_their_hashes() -> None:
    gradient = Image.linear_gradient("L").convert("RGB").resize((40, 30))
    assert align(photo_features(gradient), photo_features(gradient.resize((80, 60))), "upright") is not None
    assert align(photo_features(gradient), photo_features(Image.new("RGB", (40, 30), "red")), None) is None


def test_burst_by_time_and_copies_of_its_shots() -> None:
    shelf = Shelf()
    first = scene(3)
    shelf.add("shot-1", first, "2024-05-04T10:00:00.100", 3000)
    shelf.add("shot-2", first.transform(first.size, Image.AFFINE, (1, 0, 6, 0, 1, 4)), "2024-05-04T10:00:00.400", 2000)
    shelf.add("message", jpeg(first.resize((200, 200)), 50), "2024-05-04T10:00:00.100", 500)
    shelf.add("later", scene(4), "2024-05-04T10:00:01.000")
    rows = shelf.rows()
    assert (rows["shot-2"].kind, rows["shot-2"].of) == ("burst", "shot-1")
    assert (rows["message"].kind, rows["message"].of) == ("recompressed", "shot-1")
    assert {rows[name].group for name in ("shot-1", "shot-2", "message")} == {"shot-1"}
    assert rows["later"].group == ""


def test_chain_does_not_grow() -> None:
    """Two crops that share little are copies of the whole; without the whole they are not copies of each other."""
    whole = scene(5, 480)
    left, right = whole.crop((0, 0, 230, 480)), whole.crop((250, 0, 480, 480))
    shelf = Shelf()
    shelf.add("left", left)
    shelf.add("right", right)
    assert all(row.group == "" for row in shelf.rows().values())
    shelf.add("whole", whole)
    rows = shelf.rows()
    assert {rows["left"].of, rows["right"].of} == {"whole"}


def test_order_of_files_does_not_matter() -> None:
    forwards, backwards = Shelf(), Shelf()
    pictures = {"a": scene(6), "b": crop(scene(6), 0.8), "c": jpeg(scene(6), 40), "d": scene(7)}
    for name in pictures:
        forwards.add(name, pictures[name])
    for name in reversed(pictures):
        backwards.add(name, pictures[name])
    kept = [
        {name: (row.kind, row.of, row.group) for name, row in shelf.rows().items()} for shelf in (forwards, backwards)
    ]
    assert kept[0] == kept[1]


def test_an_added_photo_is_aligned_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    for number in range(4):
        shelf.add(f"{number}0", scene(number))
    shelf.add("50", jpeg(scene(2), 40))
    first = shelf.rows()
    assert shelf.computed == 10 and first["50"].kind == "recompressed"
    assert shelf.rows() == first and shelf.computed == 0
    shelf.add("15", scene(9))
    shelf.photos.insert(2, shelf.photos.pop())
    again = shelf.rows()
    assert shelf.computed == 5
    assert {name: row for name, row in again.items() if name != "15"} == first
    monkeypatch.setattr(pair_alignments, "align", lambda *pair: pytest.fail("aligned again"))
    assert shelf.rows() == again


def test_real_photos(tmp_path: Path) -> None:
    """The toybox: every planted copy is found and no good photo is taken for another's copy."""
    toybox = Path(__file__).parents[3] / "resources" / "toybox"
    if not (toybox / "truth.csv").exists():
        pytest.skip("the toybox is not there")
    from darkroom.imaging.open_photo import open_photo
    from darkroom.storage.tables import read_table

    truth = {row["path"]: row for row in read_table(toybox / "truth.csv") if row["expected_table"] != "photos.csv"}
    wanted = [path for path, row in truth.items() if row["role"] != "tiny"]
    shelf = Shelf()
    for path in sorted(wanted):
        photo = open_photo(toybox / "photos" / path)
        photo.picture.thumbnail((256, 256))
        shelf.add(path, photo.picture, photo.taken_at)
    rows = shelf.rows()
    for path in wanted:
        group = {rows[path].group or path}
        relative = truth[path]["of_path"]
        if relative:
            assert rows[relative].group in group, path
            assert truth[path]["expected_status_or_kind"] in (rows[path].kind, rows[relative].kind), path
        elif truth[path]["role"] == "good":
            others = [other for other in wanted if truth[other]["role"] == "good" and other != path]
            assert all((rows[other].group or other) not in group for other in others), path


def test_bars_around_a_picture_are_no_picture() -> None:
    """A picture on a large black square is a copy of the picture, and not the picture a crop of it."""
    picture = scene(7)
    framed = Image.new("RGB", (600, 600))
    framed.paste(picture.resize((400, 400)), (100, 100))
    shelf = Shelf()
    shelf.add("framed", framed, size=5000)
    shelf.add("plain", picture)
    rows = shelf.rows()
    assert (rows["framed"].of, rows["framed"].kind) == ("plain", "recompressed")


@pytest.mark.parametrize("place", [(0, 130), (80, 60)])
def test_a_page_with_a_picture_on_it_is_not_kept_for_it(place: tuple[int, int]) -> None:
    """A white bar with a text above the picture, and a screen with other things all around it."""
    picture = scene(7)
    page = Image.new("RGB", (picture.width + 2 * place[0], picture.height + place[1] + 2 * place[0]), (238, 240, 243))
    draw = ImageDraw.Draw(page)
    for line in range(4):
        draw.text((10, 8 + 12 * line), "a line of text over the photo " * 2, fill="black", font_size=11)
    page.paste(picture, place)
    shelf = Shelf()
    shelf.add("page", page, size=9000)
    shelf.add("plain", picture)
    rows = shelf.rows()
    assert (rows["page"].of, rows["page"].kind) == ("plain", "recompressed")
    assert rows["plain"].of == ""


def form(text: str) -> Image.Image:
    """A sheet of a form, filled in."""
    sheet = Image.new("RGB", (420, 560), "white")
    draw = ImageDraw.Draw(sheet)
    for line in range(11):
        draw.text((30, 30 + 36 * line), "Name, street and town of the sender", fill="black", font_size=16)
        draw.line((30, 56 + 36 * line, 390, 56 + 36 * line), fill="black")
    draw.text((60, 440), text, fill="navy", font_size=90)
    return sheet


def test_two_sheets_of_one_form_are_no_copies() -> None:
    shelf = Shelf()
    shelf.add("one", form("ABR"))
    shelf.add("two", form("WSX"))
    shelf.add("two again", jpeg(form("WSX"), 60))
    rows = shelf.rows()
    assert rows["one"].group == ""
    assert {rows[name].group for name in ("two", "two again")} != {""}


def test_shots_far_apart_in_time_are_no_copies_however_alike() -> None:
    noise = np.random.default_rng(0).normal(0, 3, (320, 320, 3))
    later = Image.fromarray(np.clip(np.asarray(scene(3)) + noise, 0, 255).astype(np.uint8))
    shelf = Shelf()
    shelf.add("first", scene(3), taken_at="2026-05-01T10:00:00")
    shelf.add("later", later, taken_at="2026-05-01T10:00:10")
    shelf.add("without", jpeg(scene(3), 50), size=500)
    rows = shelf.rows()
    assert rows["later"].of in ("", None) and rows["first"].of == ""
    assert rows["without"].of in ("first", "later")


def test_a_small_copy_that_shows_a_little_more_is_not_kept_for_a_fine_one() -> None:
    whole = scene(5, 640)
    shelf = Shelf()
    shelf.add("small", whole.resize((128, 128), Image.Resampling.LANCZOS))
    shelf.add("fine", crop(whole, 0.93), size=9000)
    rows = shelf.rows()
    assert (rows["small"].of, rows["fine"].of) == ("fine", "")


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (30, 200)])
def test_pictures_without_room_for_a_feature_have_none(size: tuple[int, int]) -> None:
    thin = photo_features(Image.new("RGB", size, "red"))
    assert len(thin.upright.descriptors) == len(thin.mirrored.descriptors) == 0
    assert align(thin, thin, "upright") is None and align(photo_features(scene(1)), thin) is None


def test_a_crop_that_is_like_its_original_through_another_alone_is_compared_with_it(monkeypatch) -> None:
    shelf = Shelf()
    shelf.add("whole", scene(8, 480), size=9000)
    shelf.add("larger", crop(scene(8, 480), 0.85))
    shelf.add("smaller", crop(crop(scene(8, 480), 0.85), 0.8))
    monkeypatch.setattr(candidates, "propose_pairs", lambda *_: dict.fromkeys([(0, 1), (1, 2)], EITHER))
    rows = shelf.rows()
    assert [rows[name].of for name in ("larger", "smaller")] == ["whole", "whole"]
    assert shelf.computed == 3


def test_a_copy_with_a_large_mark_over_it_is_found() -> None:
    marked = scene(9)
    draw = ImageDraw.Draw(marked)
    draw.text((20, 120), "SAMPLE", fill="white", font_size=60)
    draw.rectangle((0, 300, 320, 320), fill="black")
    shelf = Shelf()
    shelf.add("plain", scene(9), size=3000)
    shelf.add("marked", marked)
    rows = shelf.rows()
    assert (rows["marked"].of, rows["marked"].kind) == ("plain", "recompressed")


def test_plain_ground_around_a_thing_is_no_frame() -> None:
    """The crop from the very middle of a photo on plain ground is a crop of it."""
    photo = Image.new("RGB", (480, 480), (200, 200, 200))
    photo.paste(scene(11, 160), (160, 160))
    shelf = Shelf()
    shelf.add("whole", photo)
    shelf.add("middle", photo.crop((110, 110, 370, 370)), size=9000)
    rows = shelf.rows()
    assert (rows["middle"].of, rows["middle"].kind) == ("whole", "cropped")


def test_a_picture_without_a_mark_is_kept() -> None:
    """Whichever file is larger, and however the mark looks."""
    for drawn in ("text", "signature", "faint"):
        marked = scene(12).convert("RGBA")
        over = Image.new("RGBA", marked.size)
        draw = ImageDraw.Draw(over)
        if drawn == "text":
            draw.text((20, 120), "SAMPLE", fill="white", font_size=60)
        elif drawn == "signature":
            draw.text((180, 290), "(c) Jane Doe", fill="white", font_size=20)
        else:
            draw.text((20, 120), "stock photo", fill=(255, 255, 255, 110), font_size=50)
        shelf = Shelf()
        shelf.add("marked", Image.alpha_composite(marked, over).convert("RGB"), size=9000)
        shelf.add("plain", jpeg(scene(12), 60), size=500)
        rows = shelf.rows()
        assert rows["marked"].of == "plain", drawn


def test_a_patch_over_a_picture_does_not_make_the_picture_the_marked_one() -> None:
    patched = scene(13)
    ImageDraw.Draw(patched).rectangle((60, 80, 160, 150), fill=(128, 128, 128))
    shelf = Shelf()
    shelf.add("plain", scene(13), size=3000)
    shelf.add("patched", patched)
    assert shelf.rows()["patched"].of == "plain"


def test_a_finished_picture_is_preferred_to_the_raw_of_its_size() -> None:
    shelf = Shelf()
    shelf.add("raw", scene(14, 330), "2024-05-04T10:00:00", 90000, "RAW")
    shelf.add("finished", scene(14, 330).resize((320, 320)), "2024-05-04T10:00:00", 9000)
    assert shelf.rows()["raw"].of == "finished"
    shelf.photos[1] = replace(shelf.photos[1], width=120, height=120)
    assert shelf.rows()["finished"].of == "raw", "a preview is not the photo"


def test_bars_make_no_other_picture_a_crop() -> None:
    """A letterboxed shot shows more than its neighbour only by its bars; the neighbour is no crop of it."""
    whole = scene(15, 480)
    left, right = whole.crop((0, 0, 430, 480)), whole.crop((50, 0, 480, 480))
    boxed = Image.new("RGB", (620, 620))
    boxed.paste(left, (95, 70))
    shelf = Shelf()
    shelf.add("left", left, size=3000)
    shelf.add("right", right, size=9000)
    shelf.add("boxed", boxed, size=20000)
    rows = shelf.rows()
    assert {rows["left"].of, rows["boxed"].of} == {"right"}
