import numpy as np

from mmprolong.images import stamps

WHITE = np.full((56, 56), 255, np.uint8)


def test_a_stamp_covers_its_cell_and_nothing_else():
    grey = np.full((56, 56), 99, np.uint8)
    page = stamps.draw(grey, "A7", 0)
    assert (page[:28, :28] != 99).all()
    assert (page[28:] == 99).all()
    assert (page[:, 28:] == 99).all()


def test_the_same_stamp_is_printed_at_most_a_pixel_apart():
    prints = [stamps.draw(WHITE, "W8", seed) for seed in range(300)]
    assert len({page.tobytes() for page in prints}) == 9
    tops = [int(np.argmax((page < 128).any(1))) for page in prints]
    assert max(tops) - min(tops) == 2


def test_nothing_wraps_around_the_cell():
    for seed in range(30):
        page = stamps.draw(WHITE, "W0", seed)
        assert (page[:2, :28] == 255).all()
        assert (page[26:28, :28] == 255).all()


def test_stamps_differ():
    cells = {stamps.draw(WHITE, key + value, 0).tobytes() for key in "ABIJKW" for value in "0178"}
    assert len(cells) == 24
