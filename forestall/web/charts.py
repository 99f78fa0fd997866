"""Charts as inline SVG that follow the page's colours, in light, in dark and on paper.

Hand-made, so that the same night always gives the same bytes and nothing is fetched. Each chart
carries its message in words for those who cannot see it.
"""

from collections.abc import Sequence
from math import floor, log10

from markupsafe import Markup, escape

from forestall.web.numbers import number

HEIGHT = 128
LEFT, RIGHT, TOP, BOTTOM = 40, 6, 8, 20


def nice_ceiling(value: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def day_chart(
    labels: Sequence[str],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    title: str,
    shaded: Sequence[bool],
    ticks: Sequence[int],
    width: int = 520,
) -> Markup:
    """A bar a day, with a whisker from `low` to `high`; `shaded` days, such as weekends, stand on a tint."""
    frame = _Frame(width, len(labels), max(high, default=0))
    half = frame.step * 0.36
    parts = [f'<rect class="shade" {frame.column(at)}/>' for at, is_shaded in enumerate(shaded) if is_shaded]
    parts += frame.grid()
    for at, (value, lower, upper) in enumerate(zip(mean, low, high, strict=True)):
        if value > 0:
            x, y = frame.x(at), frame.y(value)
            parts.append(
                f'<rect class="bar" x="{x - half:.1f}" y="{y:.1f}" width="{2 * half:.1f}" '
                f'height="{frame.y(0) - y:.1f}" rx="1.5"><title>{escape(labels[at])}: {number(value)}</title></rect>'
                f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.y(lower):.1f}" y2="{frame.y(upper):.1f}"/>'
            )
    return frame.drawn(parts, title, labels, ticks)


def band_chart(
    labels: Sequence[str],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    title: str,
    ticks: Sequence[int],
    width: int = 520,
) -> Markup:
    """A line for the mean of each point, with a band from `low` to `high` around it."""
    frame = _Frame(width, len(labels), max(high, default=0))
    upper = [f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in enumerate(high)]
    lower = [f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in enumerate(low)]
    line = [f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in enumerate(mean)]
    parts = [
        *frame.grid(),
        f'<polygon class="band" points="{" ".join(upper + lower[::-1])}"/>',
        f'<polyline class="line" points="{" ".join(line)}"/>',
    ]
    return frame.drawn(parts, title, labels, ticks)


def capacity_chart(
    labels: Sequence[str], required: Sequence[float], there: Sequence[float], with_hires: Sequence[float], *,
    title: str, ticks: Sequence[int], width: int = 960,
) -> Markup:  # fmt: skip
    """Heads required as a line over the heads that are there as an area, and a broken line with the plan's hires."""
    frame = _Frame(width, len(labels), max((*required, *there, *with_hires), default=0))

    def line(kind: str, values: Sequence[float]) -> str:
        points = " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in enumerate(values))
        return f'<polyline class="{kind}" points="{points}"/>'

    area = [f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in enumerate(there)]
    ground = [f"{frame.x(len(there) - 1):.1f},{frame.y(0):.1f}", f"{frame.x(0):.1f},{frame.y(0):.1f}"]
    parts = [
        *frame.grid(), f'<polygon class="band" points="{" ".join(area + ground)}"/>', line("line", required),
        line("hires", with_hires),
    ]  # fmt: skip
    return frame.drawn(parts, title, labels, ticks)


class _Frame:
    """Where points and values lie in a drawing of `count` equal columns, from zero to a round top."""

    def __init__(self, width: int, count: int, most: float) -> None:
        self.width, self.top = width, nice_ceiling(most)
        self.step = (width - LEFT - RIGHT) / max(count, 1)

    def x(self, at: int) -> float:
        return LEFT + self.step * (at + 0.5)

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top)

    def column(self, at: int) -> str:
        """The place of a whole column as attributes of a rectangle."""
        x = self.x(at) - self.step / 2
        return f'x="{x:.1f}" y="{TOP}" width="{self.step:.1f}" height="{HEIGHT - TOP - BOTTOM}"'

    def grid(self) -> list[str]:
        return [_grid_line(self.y(value), value, self.width) for value in (0, self.top / 2, self.top)]

    def drawn(self, parts: Sequence[str], title: str, labels: Sequence[str], ticks: Sequence[int]) -> Markup:
        below = [
            f'<text class="tick" x="{self.x(at):.1f}" y="{HEIGHT - 5}" text-anchor="middle">{escape(labels[at])}</text>'
            for at in ticks
        ]
        head = f'<svg class="chart" role="img" viewBox="0 0 {self.width} {HEIGHT}"><title>{escape(title)}</title>'
        return Markup("".join((head, *parts, *below, "</svg>")))


def effect_chart(
    labels: Sequence[str],
    effect: Sequence[float],
    fixed: tuple[Sequence[float], Sequence[float]],
    always: tuple[Sequence[float], Sequence[float]],
    *,
    title: str,
    width: int = 520,
) -> Markup:
    """An effect over nights around a line of none: an inner band for one date, an outer one for every night at once.

    Args:
        labels: of the points; the first and the last are shown.
        effect: percentage points.
        fixed: lower and upper ends of the inner band.
        always: the same of the outer one.
        title: the message.
        width: pixels.
    """
    top = nice_ceiling(max((abs(value) for ends in (*fixed, *always) for value in ends), default=0))
    step = (width - LEFT - RIGHT) / max(len(labels) - 1, 1)

    def point(at: int, value: float) -> str:
        return f"{LEFT + step * at:.1f},{TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / (2 * top):.1f}"

    def band(kind: str, low: Sequence[float], high: Sequence[float]) -> str:
        around = [point(at, value) for at, value in enumerate(high)] + [
            point(at, value) for at, value in reversed(list(enumerate(low)))
        ]
        return f'<polygon class="{kind}" points="{" ".join(around)}"/>'

    parts = [f'<svg class="chart" role="img" viewBox="0 0 {width} {HEIGHT}"><title>{escape(title)}</title>']
    parts += [_grid_line(TOP + (HEIGHT - TOP - BOTTOM) * (top - at) / (2 * top), at, width) for at in (-top, 0, top)]
    parts += [band("band outer", *always), band("band", *fixed)]
    parts.append(f'<polyline class="line" points="{" ".join(point(at, value) for at, value in enumerate(effect))}"/>')
    ends = ((0, "start"), (len(labels) - 1, "end"))
    parts += [
        f'<text class="tick" x="{LEFT + step * at:.1f}" y="{HEIGHT - 5}" text-anchor="{side}">'
        f"{escape(labels[at])}</text>"
        for at, side in ends
    ]
    return Markup("".join((*parts, "</svg>")))


def _grid_line(y: float, value: float, width: int) -> str:
    places = 0 if value >= 10 or value == round(value) else 1
    return (
        f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{number(value, places)}</text>'
    )


def cause_chart(
    labels: Sequence[str],
    leavers: tuple[Sequence[float], Sequence[float], Sequence[float]],
    excess: tuple[Sequence[float], Sequence[float], Sequence[float]],
    *,
    title: str,
) -> Markup:
    """For each topic how many are expected to leave, and beside it how many more left than of customers alike.

    Args:
        labels: the topics.
        leavers: customers: expected, lower and upper end.
        excess: percentage points: estimate, lower and upper end; NaN where too few are known.
        title: the message.
    """
    width, row, left, middle, right = 960, 26, 190, 520, 600
    height = row * len(labels) + 30
    most = nice_ceiling(max(leavers[2], default=0))
    farthest = nice_ceiling(max((abs(end) for ends in excess[1:] for end in ends if end == end), default=0))

    def of_leavers(value: float) -> float:
        return left + (middle - left) * value / most

    def of_excess(value: float) -> float:
        return right + (width - 20 - right) * (value + farthest) / (2 * farthest)

    bottom = row * len(labels) + 8
    parts = [f'<svg class="chart" role="img" viewBox="0 0 {width} {height}"><title>{escape(title)}</title>']
    for x, value in (
        *((of_leavers(at), at) for at in (0, most / 2, most)),
        *((of_excess(at), at) for at in (-farthest, 0, farthest)),
    ):
        kind = "zero" if x == of_excess(0) else "grid"
        parts.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{bottom}"/>')
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">'
            f"{number(value, 0 if value == round(value) else 1)}</text>"
        )
    for at, label in enumerate(labels):
        y = 4 + row * (at + 0.5)
        parts.append(f'<text class="label" x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
        mean, low, high = (of_leavers(ends[at]) for ends in leavers)
        parts.append(
            f'<rect class="bar" x="{left}" y="{y - 8:.1f}" width="{mean - left:.1f}" height="16" rx="2">'
            f"<title>{escape(label)}: {number(leavers[0][at])}</title></rect>"
            f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        if excess[0][at] != excess[0][at]:
            parts.append(f'<text class="tick" x="{of_excess(0) + 8:.1f}" y="{y + 4:.1f}">too few</text>')
            continue
        mean, low, high = (of_excess(ends[at]) for ends in excess)
        parts.append(
            f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<circle class="dot" cx="{mean:.1f}" cy="{y:.1f}" r="4.5"/>'
        )
    return Markup("".join((*parts, "</svg>")))


def accuracy_chart(
    labels: Sequence[str], ours: Sequence[float], rival: Sequence[float], floor_: Sequence[float], *, title: str
) -> Markup:
    """For each lead bucket our error as a bar, the rival's as a mark, the noise floor as a dashed mark."""
    width, row, left = 520, 30, 74
    height = row * len(labels) + 20
    known = [value for value in (*ours, *rival, *floor_) if value == value]
    top = nice_ceiling(max(known, default=0))

    def x(value: float) -> float:
        return left + (width - left - 60) * value / top

    parts = [f'<svg class="chart" role="img" viewBox="0 0 {width} {height}"><title>{escape(title)}</title>']
    for at, label in enumerate(labels):
        y = 6 + at * row
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        if ours[at] == ours[at]:
            long, told = x(ours[at]) - left, f"{number(100 * ours[at], 1)} %"
            parts.append(f'<rect class="bar solid" x="{left}" y="{y + 3}" width="{long:.1f}" height="18" rx="2"/>')
            parts.append(f'<text class="value" x="{left + 8}" y="{y + 16}">{told}</text>')
        parts += [
            f'<line class="{kind}" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{y}" y2="{y + 24}"/>'
            for kind, value in (("rival", rival[at]), ("floor", floor_[at]))
            if value == value
        ]
    return Markup("".join((*parts, "</svg>")))
