"""Why a file is no photo for us."""

from typing import Literal

# Said of a file that does not hold the bytes under whose hash results are filed.
OVERWRITTEN = "it was overwritten after the folder was listed"


class PhotoError(Exception):
    """A file that is no photo for us: its status (`unreadable` or `unsupported`) and the reason in words.

    `passing` where its bytes could not be read: another time they may be.
    """

    def __init__(self, status: Literal["unreadable", "unsupported"], reason: str, passing: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.passing = passing


def check_size(width: int, height: int, max_megapixels: float | None) -> None:
    """Refuse a picture of more pixels than the limit. To be called before anything is decoded."""
    megapixels = width * height / 1e6
    if max_megapixels is not None and megapixels > max_megapixels:
        raise PhotoError("unsupported", f"{megapixels:.0f} megapixels are more than the limit of {max_megapixels:g}")


def damaged(error: Exception) -> PhotoError:
    """What a decoder says of damaged bytes, in one line."""
    words = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
    line = " ".join(words.split())[:120] or type(error).__name__
    return PhotoError("unreadable", f"damaged or truncated picture ({line})")
