from pathlib import Path

import numpy as np
import pytest

from mmprolong.conversations import Image
from mmprolong.errors import ConfigError, DataError
from mmprolong.images.video_frames import VideoFrames, open_film
from tests.images.pictures import write_film, write_picture


@pytest.fixture(params=["folder", "film"])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Five seconds that grow brighter: as a folder of frames, and as a film of 10 frames a second."""
    if request.param == "folder":
        for second in range(5):
            write_picture(tmp_path / "a" / f"{second:02}.png", (80, 60), colour=(50 * second,) * 3)
        return tmp_path / "a"
    return write_film(tmp_path / "a.mp4", [50 * second for second in range(5)], rate=10)


def test_a_film_has_size_and_duration(film: Path):
    opened = open_film(film)
    assert opened.size == (80, 60) and opened.seconds == pytest.approx(5, abs=0.2)
    opened.close()


def test_a_frame_is_that_of_its_second_in_any_order(film: Path, tmp_path: Path):
    images = VideoFrames(tmp_path)
    source = f"video:{film.name}#56x28"
    for second in (0, 1, 4, 2, 3):
        drawn = images.pixels(Image(source, second))
        assert drawn.shape == (28, 56, 3) and drawn.dtype == np.uint8
        assert abs(float(drawn.mean()) - 50 * second) < 12
    assert images.size(Image(source)) == (56, 28)
    images.close()


def test_what_is_no_film_is_named(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no images"):
        open_film(tmp_path / "empty")
    write_picture(tmp_path / "a" / "0.png")
    images = VideoFrames(tmp_path)
    for source, index, said in (
        ("video:a#28x28", 1, "no frame"),
        ("video:a", 0, "no size"),
        ("video:../a#1x1", 0, "out"),
    ):
        with pytest.raises(DataError, match=said):
            images.pixels(Image(source, index))


def test_a_broken_film_is_named(tmp_path: Path):
    pytest.importorskip("av", reason="PyAV is not installed: pip install 'mmprolong[video]'")
    (tmp_path / "a.mp4").write_bytes(b"no film")
    for name in ("a.mp4", "none.mp4"):
        with pytest.raises(DataError, match=rf"{name}: .*; is it a whole film"):
            open_film(tmp_path / name)


def test_without_pyav_a_film_says_what_to_install(tmp_path: Path):
    try:
        import av  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        with pytest.raises(ConfigError, match=r"pip install 'mmprolong\[video\]'"):
            open_film(tmp_path / "a.mp4")
