from pathlib import Path

from mmprolong.store.environment import hardware


def test_the_machine_names_its_graphics_cards(tmp_path: Path):
    alone = hardware(tmp_path)
    for card in range(2):
        folder = tmp_path / f"0000:0{card}:00.0"
        folder.mkdir()
        (folder / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 24\n")
    assert hardware(tmp_path) == f"{alone}; 2 x NVIDIA H100 80GB HBM3"
