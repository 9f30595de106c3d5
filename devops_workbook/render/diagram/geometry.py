"""Points, boxes and curves, in points, with y downwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Box", "Point", "samples"]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def around(cls, centre: Point, size: tuple[float, float]) -> Box:
        """The box of this size around `centre`."""
        return cls(centre[0] - size[0] / 2, centre[1] - size[1] / 2, *size)

    @property
    def centre(self) -> Point:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def overlap(self, other: Box) -> float:
        """The area the two have in common."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return wide * high if wide > 0 and high > 0 else 0.0

    def holds(self, point: Point) -> bool:
        """Whether `point` is inside."""
        return self.x <= point[0] <= self.x + self.width and self.y <= point[1] <= self.y + self.height

    def encloses(self, other: Box) -> bool:
        """Whether all of `other` is inside."""
        return self.holds((other.x, other.y)) and self.holds((other.x + other.width, other.y + other.height))


def samples(points: Sequence[Point], each: int) -> Iterator[Point]:
    """Points on a chain of cubic Bezier curves (first point, then three a piece), `each` a piece."""
    yield points[0]
    for at in range(0, len(points) - 3, 3):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[at : at + 4]
        for step in range(1, each + 1):
            t = step / each
            s = 1 - t
            a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
            yield a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3
