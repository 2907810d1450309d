"""Names of frames: of a photo, a closer view, and either at a smaller resolution."""

from darkroom.contracts.frame_names import frame_name, one_per_view, view_means, view_of

PHOTO, OTHER = "0123456789abcdef", "fedcba9876543210"


def test_a_view_is_the_same_at_every_resolution() -> None:
    for view in (PHOTO, OTHER, f"{PHOTO}-head"):
        assert frame_name(view, None) == view == view_of(view)
        assert view_of(frame_name(view, 512)) == view
    assert view_of("frame-3") == "frame-3"


def test_a_view_counts_once() -> None:
    frames = [PHOTO, f"{PHOTO}-512", f"{PHOTO}-head", f"{OTHER}-512", f"{OTHER}-768"]
    assert one_per_view(frames) == [PHOTO, f"{PHOTO}-head", f"{OTHER}-512"]
    assert view_means(frames, [1.0, 2.0, 5.0, 7.0, 8.0]) == [1.5, 5.0, 7.5]
