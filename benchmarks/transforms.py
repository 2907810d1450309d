"""What happens to photos on their way from one folder to another: copies that a search for duplicates must find."""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Transform = Callable[[Image.Image], Image.Image]


def recompress(quality: int, file_format: str = "JPEG") -> Transform:
    """Through a lossy file."""

    def change(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, file_format, quality=quality)
        return Image.open(file).convert("RGB")

    return change


def resize(factor: float) -> Transform:
    """Smaller or larger by a factor of its sides."""
    return lambda picture: picture.resize(
        (max(1, round(picture.width * factor)), max(1, round(picture.height * factor))), Image.Resampling.LANCZOS
    )


def crop(share: float, x: float = 0.5, y: float = 0.5) -> Transform:
    """A crop whose sides are a share of the picture's, at a place from 0 (left, top) to 1."""

    def change(picture: Image.Image) -> Image.Image:
        width, height = round(picture.width * share), round(picture.height * share)
        left, top = round((picture.width - width) * x), round((picture.height - height) * y)
        return picture.crop((left, top, left + width, top + height))

    return change


def crop_to_shape(width: int, height: int) -> Transform:
    """The largest crop of a shape, from the middle."""

    def change(picture: Image.Image) -> Image.Image:
        scale = min(picture.width / width, picture.height / height)
        return ImageOps.fit(picture, (round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)

    return change


def gamma(value: float) -> Transform:
    """Darker midtones above 1."""
    return lambda picture: picture.point([round(255 * (level / 255) ** value) for level in range(256)] * 3)


def tint(red: float, green: float, blue: float) -> Transform:
    """Another white balance."""
    return lambda picture: picture.point(
        [min(255, round(level * share)) for share in (red, green, blue) for level in range(256)]
    )


def watermark(picture: Image.Image) -> Image.Image:
    """A white text over the middle and a black bar below it."""
    marked = picture.copy()
    draw = ImageDraw.Draw(marked)
    size = max(10, picture.width // 8)
    draw.text((picture.width // 8, picture.height * 2 // 5), "© SAMPLE", fill="white", font_size=size)
    draw.rectangle((0, picture.height * 94 // 100, picture.width, picture.height), fill="black")
    return marked


def turn(degrees: float) -> Transform:
    """Turned about its middle, with black corners."""
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC)


def letterbox(picture: Image.Image) -> Image.Image:
    """On a black square."""
    side = max(picture.size)
    framed = Image.new("RGB", (max(side, round(1.2 * picture.width)), max(side, round(1.2 * picture.height))))
    framed.paste(picture, ((framed.width - picture.width) // 2, (framed.height - picture.height) // 2))
    return framed


def border(picture: Image.Image) -> Image.Image:
    """In a broad white frame, as a phone shares it."""
    return ImageOps.expand(picture, border=max(picture.size) // 8, fill="white")


def screenshot(picture: Image.Image) -> Image.Image:
    """Shown small on a grey page with text and bars around it."""
    page = Image.new("RGB", (picture.width * 3 // 2, picture.height * 7 // 4), (238, 240, 243))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, page.height // 14), fill=(40, 70, 130))
    for line in range(6):
        top = picture.height * 5 // 4 + line * picture.height // 16
        draw.text((picture.width // 8, top), "a line of text under the photo" * 2, fill="black", font_size=18)
    page.paste(picture, (picture.width // 4, picture.height // 6))
    return page


def caption_bar(picture: Image.Image) -> Image.Image:
    """A meme's white bar with text above the picture."""
    bar = picture.height // 5
    framed = Image.new("RGB", (picture.width, picture.height + bar), "white")
    ImageDraw.Draw(framed).text((bar // 4, bar // 4), "WHEN THE TOY IS NEW", fill="black", font_size=bar // 2)
    framed.paste(picture, (0, bar))
    return framed


def noise(deviation: float) -> Transform:
    """Grain with a standard deviation in grey levels."""

    def change(picture: Image.Image) -> Image.Image:
        levels = np.asarray(picture).astype(np.float32)
        grain = np.random.default_rng(0).normal(0, deviation, levels.shape)
        return Image.fromarray(np.clip(levels + grain, 0, 255).astype(np.uint8))

    return change


def stretch(factor: float) -> Transform:
    """Wider than it was."""
    return lambda picture: picture.resize((round(picture.width * factor), picture.height), Image.Resampling.BICUBIC)


def tilt(picture: Image.Image) -> Image.Image:
    """Seen a little from the side: a perspective that narrows the right edge by 8 %."""
    width, height = picture.size
    inset = 0.04 * height
    corners = (0, 0, 0, height, width, height + inset, width, -inset)
    return picture.transform(picture.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)


def vignette(picture: Image.Image) -> Image.Image:
    """Darker towards the corners."""
    shade = ImageOps.invert(Image.radial_gradient("L").resize(picture.size)).point(
        lambda level: 90 + level * 165 // 255
    )
    return ImageChops.multiply(picture, Image.merge("RGB", [shade] * 3))


def sepia(picture: Image.Image) -> Image.Image:
    """In shades of brown."""
    return ImageOps.colorize(ImageOps.grayscale(picture), (30, 15, 5), (255, 240, 210))


def chain(*transforms: Transform) -> Transform:
    """One after the other."""

    def change(picture: Image.Image) -> Image.Image:
        for transform in transforms:
            picture = transform(picture)
        return picture

    return change


# The eighteen by which others are measured, too.
TRANSFORMS: Mapping[str, Transform] = {
    "jpeg30": recompress(30),
    "quarter size": resize(0.25),
    "mirrored": ImageOps.mirror,
    "turned 90": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "turned 180": lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    "crop 95 %": crop(0.95),
    "crop 90 %": crop(0.9, 0.3, 0.7),
    "crop 80 %": crop(0.8, 0.7, 0.4),
    "crop 60 %": crop(0.6, 0.4, 0.6),
    "crop 4:5": crop_to_shape(4, 5),
    "gamma": gamma(1.6),
    "grey": lambda picture: ImageOps.grayscale(picture).convert("RGB"),
    "warm": tint(1.15, 1.0, 0.8),
    "blur 2": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "watermark": watermark,
    "turned 5": turn(5),
    "letterbox": letterbox,
    "mirrored, crop 90 %, jpeg50": chain(ImageOps.mirror, crop(0.9), recompress(50)),
}

# Others, on which nothing was tuned.
OTHERS: Mapping[str, Transform] = {
    "jpeg10": recompress(10),
    "webp20": recompress(20, "WEBP"),
    "eighth size": resize(0.125),
    "turned 270": lambda picture: picture.transpose(Image.Transpose.ROTATE_270),
    "upside down, mirrored": ImageOps.flip,
    "transposed": lambda picture: picture.transpose(Image.Transpose.TRANSPOSE),
    "crop 70 %, corner": crop(0.7, 0.0, 0.0),
    "crop 50 %": crop(0.5, 0.6, 0.5),
    "crop 1:1": crop_to_shape(1, 1),
    "crop 16:9": crop_to_shape(16, 9),
    "gamma 0.6": gamma(0.6),
    "contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.5),
    "sepia": sepia,
    "cold": tint(0.8, 0.95, 1.2),
    "noise 15": noise(15),
    "sharpened": lambda picture: picture.filter(ImageFilter.UnsharpMask(3, 150)),
    "vignette": vignette,
    "white border": border,
    "caption bar": caption_bar,
    "screenshot": screenshot,
    "turned 12": turn(12),
    "stretched 8 %": stretch(1.08),
    "tilted": tilt,
    "crop 80 %, mirrored, grey": chain(
        crop(0.8, 0.2, 0.8), ImageOps.mirror, ImageOps.grayscale, lambda p: p.convert("RGB")
    ),
    "half size, crop 70 %, jpeg40": chain(resize(0.5), crop(0.7, 0.5, 0.3), recompress(40)),
}
