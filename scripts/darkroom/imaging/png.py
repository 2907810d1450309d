"""Pictures as bytes of PNG, the same for the same pixels."""

import io

from PIL import Image


def png_bytes(image: Image.Image) -> bytes:
    """A picture as PNG."""
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=6)
    return data.getvalue()
