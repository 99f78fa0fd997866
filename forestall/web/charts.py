"""Charts as inline SVG that follow the page's colours, in light, in dark and on paper.

Hand-made, so that the same night always gives the same bytes and nothing is fetched. Each chart
carries its message in words for those who cannot see it.
"""

from collections.abc import Sequence
from math import floor, log10

from markupsafe import Markup, escape

from forestall.web.numbers import number

LEFT, RIGHT, TOP, BOTTOM = 40, 6, 8, 20


def nice_ceiling(value: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def band_chart(
    labels: Sequence[str],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    title: str,
    shaded: Sequence[bool] = (),
    ticks: Sequence[int] = (),
    width: int = 520,
    height: int = 128,
) -> Markup:
    """A line with a band around it.

    Args:
        labels: what each point is called.
        mean: the line.
        low: lower edge of the band.
        high: upper edge of the band.
        title: the message in words.
        shaded: points to shade behind, such as weekends.
        ticks: positions whose labels are written below.
        width: of the drawing, in its own units.
        height: likewise.
    """
    top = nice_ceiling(max(high, default=0))
    step = (width - LEFT - RIGHT) / max(len(labels), 1)
    xs = [LEFT + step * (index + 0.5) for index in range(len(labels))]

    def y(value: float) -> float:
        return TOP + (height - TOP - BOTTOM) * (1 - value / top)

    upper = [f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, high, strict=True)]
    lower = [f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, low, strict=True)]
    line = " ".join(f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, mean, strict=True))
    parts = [
        f'<svg class="chart" role="img" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid meet">'
        f"<title>{escape(title)}</title>",
        *(
            f'<rect class="shade" x="{xs[index] - step / 2:.1f}" y="{TOP}" width="{step:.1f}" '
            f'height="{height - TOP - BOTTOM}"/>'
            for index, is_shaded in enumerate(shaded)
            if is_shaded
        ),
        *(_grid_line(y(value), value, width) for value in (0, top / 2, top)),
        f'<polygon class="band" points="{" ".join(upper + lower[::-1])}"/>',
        f'<polyline class="line" points="{line}"/>',
        *(
            f'<text class="tick" x="{xs[at]:.1f}" y="{height - 5}" text-anchor="middle">{escape(labels[at])}</text>'
            for at in ticks
        ),
        "</svg>",
    ]
    return Markup("".join(parts))


def _grid_line(y: float, value: float, width: int) -> str:
    places = 0 if value >= 10 or value == round(value) else 1
    return (
        f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{number(value, places)}</text>'
    )


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
    for index, label in enumerate(labels):
        y = 6 + index * row
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        if ours[index] == ours[index]:
            parts.append(
                f'<rect class="bar" x="{left}" y="{y + 3}" width="{x(ours[index]) - left:.1f}" height="16" rx="2"/>'
            )
            end = max(value for value in (ours[index], rival[index], floor_[index]) if value == value)
            parts.append(
                f'<text class="value" x="{x(end) + 8:.1f}" y="{y + 15}">{number(100 * ours[index], 1)} %</text>'
            )
        parts += [
            f'<line class="{kind}" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{y}" y2="{y + 22}"/>'
            for kind, value in (("rival", rival[index]), ("floor", floor_[index]))
            if value == value
        ]
    return Markup("".join((*parts, "</svg>")))
