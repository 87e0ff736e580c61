"""From a file's coordinates to points from the top left of the page as it is displayed."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PageBox:
    """The visible box of a page in the file's coordinates [pt], and its rotation."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int
    """0, 90, 180 or 270, clockwise."""
    unit: float = 1.0
    """Points of a unit of the file's coordinates: the page's UserUnit."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as displayed [pt]."""
        width, height = (self.right - self.left) * self.unit, (self.top - self.bottom) * self.unit
        return (height, width) if self.rotation % 180 else (width, height)

    def displayed(self, box: Box) -> Box:
        """Return x0, y0, x1, y1 from the top left as displayed, of a box x0, y0, x1, y1 in the file."""
        x0, y0, x1, y1 = box
        match self.rotation:
            case 90:
                corners = (y0 - self.bottom, x0 - self.left, y1 - self.bottom, x1 - self.left)
            case 180:
                corners = (self.right - x1, y0 - self.bottom, self.right - x0, y1 - self.bottom)
            case 270:
                corners = (self.top - y1, self.right - x1, self.top - y0, self.right - x0)
            case _:
                corners = (x0 - self.left, self.top - y1, x1 - self.left, self.top - y0)
        a, b, c, d = (round(value * self.unit, 1) for value in corners)
        return a, b, c, d

    def target_y(self, x: float | None, y: float | None) -> float:
        """Return the distance of a link's target from the top as displayed [pt].

        Args:
            x, y: in the file's coordinates; None where the link leaves them open, which is the top of the page.
        """
        along = x if self.rotation % 180 else y
        if along is None:
            return 0.0
        distance = {90: along - self.left, 180: along - self.bottom, 270: self.right - along}
        below = self.unit * distance.get(self.rotation, self.top - along)
        return round(min(max(below, 0.0), self.size[1]), 1)


def target_of(kind: str, numbers: list[float | None]) -> tuple[float | None, float | None]:
    """Return x and y of a link's target in the file's coordinates, by its kind: XYZ, FitH, FitV, FitR, ..."""
    padded = [*numbers, None, None, None, None]
    match kind:
        case "XYZ":
            return padded[0], padded[1]
        case "FitR":
            return padded[0], padded[3]
        case "FitH" | "FitBH":
            return None, padded[0]
        case "FitV" | "FitBV":
            return padded[0], None
    return None, None
