"""Versions of the packages that are installed here."""

from importlib import metadata

# Packages that are installed under another name than they are imported.
DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "open_clip": "open_clip_torch"}


def installed_version(package: str) -> str:
    """The version of a package by the name under which it is imported or installed; empty where it is not installed."""
    try:
        return metadata.version(DISTRIBUTIONS.get(package, package))
    except metadata.PackageNotFoundError:
        return ""
