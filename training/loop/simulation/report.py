"""The report of a simulation: Markdown tables, and one self-contained HTML page with curves. No text of the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from goldspan.training.loop.simulation.replay import OWN, Replay
from goldspan.training.loop.simulation.run import Simulation
from goldspan.training.loop.simulation.summary import (
    Estimate,
    OrderSummary,
    SuggestionSummary,
    summarise_orders,
    summarise_suggestions,
)

_COLOURS = ("#1f6feb", "#bf5700", "#1a7f37", "#8250df", "#57606a")
_WIDTH, _HEIGHT, _EDGE = 460, 260, 44
Table = tuple[list[str], list[list[str]]]


def write_markdown(simulation: Simulation) -> str:
    """The report as Markdown."""
    parts = [f"# Simulated annotation loop\n\n{_describe(simulation)}\n"]
    for title, (heads, rows), note in _list_tables(simulation):
        lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows)]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + f"\n\n{note}\n")
    return "\n".join(parts)


def write_html(simulation: Simulation) -> str:
    """The report as one HTML page with curves."""
    body = [f"<h1>Simulated annotation loop</h1><p>{escape(_describe(simulation))}</p>"]
    costs = simulation.settings.costs
    body.append(
        _draw("Strict F1 of the trained model, by estimated hours", simulation.replays, lambda p: (
            costs.estimate(p.efforts[OWN]) / 3600, p.candidate.f1))
    )  # fmt: skip
    body.append(
        _draw("Edits a sample with the model in service, by reviews", simulation.replays, lambda p: (
            float(p.reviews), p.service.edits))
    )  # fmt: skip
    for title, (heads, rows), note in _list_tables(simulation):
        head = "".join(f"<th>{escape(one)}</th>" for one in heads)
        cells = "".join("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows)
        body.append(f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{cells}</table><p>{escape(note)}</p>")
    style = (
        "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328;"
        "background:#fff}table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #d0d7de;"
        "text-align:right}td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"
        "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}td,th{border-color:#30363d}}"
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Simulated annotation loop</title><style>{style}</style><body>{''.join(body)}</body></html>\n"
    )


def format_estimate(one: Estimate, show: Callable[[float], str], *, interval: bool = False) -> str:
    """A mean with its range over seeds, or its 95 % interval; how many seeds reached the target where not all did."""
    if one.mean is None:
        return "not reached"
    text = show(one.mean)
    bounds = one.interval if interval else (one.least, one.most)
    if bounds and one.reached > 1:
        text += f" [{', '.join(show(bound) for bound in bounds if bound is not None)}]"
    return text if one.reached == one.seeds else f"{text} ({one.reached} of {one.seeds} seeds)"


def tabulate_orders(found: Sequence[OrderSummary]) -> Table:
    """Work until the target by order, and the change against random order."""
    heads = ["order", "samples", "tokens", "seconds", "samples vs. random", "seconds vs. random", "F1 at the end"]
    rows = []
    for one in found:
        row = [one.order, *(format_estimate(one.until[unit], _whole) for unit in ("samples", "tokens", "seconds"))]
        changes = [one.change[unit] for unit in ("samples", "seconds")] if one.change else []
        row += [format_estimate(change, _percent, interval=True) for change in changes] or ["–", "–"]
        rows.append([*row, format_estimate(one.final_f1, _rate)])
    return heads, rows


def tabulate_suggestions(found: Sequence[SuggestionSummary]) -> Table:
    """What people may be shown: scores on the test set, and work until the target."""
    heads = ["shown to people", "strict F1", "edits a sample", "edits saved", "s a sample", "no edit needed"]
    heads += ["edits until target", "seconds until target"]
    rows = []
    for one in found:
        row = [one.name, format_estimate(one.f1, _rate), format_estimate(one.edits, _rate)]
        row += [format_estimate(one.fewer_edits, _percent, interval=True), format_estimate(one.seconds, _tenth)]
        row.append(format_estimate(one.untouched, _rate))
        row += [format_estimate(one.until[unit], _whole) if one.until else "–" for unit in ("edits", "seconds")]
        rows.append(row)
    return heads, rows


def explain_orders(found: Sequence[OrderSummary]) -> str:
    """What the table of orders shows, and what it does not."""
    said = []
    for one in found:
        if one.helps is not None:
            verdict = "takes fewer seconds than random order" if one.helps else "no evidence that this order helps"
            said.append(f"{one.order}: {verdict}.")
    promoted = ", ".join(f"{one.order} {one.promotions.mean:.1f}" for one in found if one.promotions.mean is not None)
    worse = sum(one.worse_promotions for one in found)
    drop = max((one.worst_drop for one in found), default=0.0)
    said.append(
        f"Promotions a seed: {promoted}. {worse} of all lowered F1 on the test set"
        + (f", by at most {drop:.3f}." if worse else ".")
    )
    return " ".join(said)


def _list_tables(simulation: Simulation) -> Iterable[tuple[str, Table, str]]:
    s = simulation.settings
    orders = summarise_orders(simulation.replays, s.target, s.costs)
    yield f"Order, until strict F1 {s.target}", tabulate_orders(orders), explain_orders(orders)
    rounds = [number for number in (20, 40, 60, 100, 200) if number in s.rounds]
    suggestions = summarise_suggestions(simulation.replays, s.base, s.target, s.costs, rounds)
    note = (
        f"Scores on the test set; edits saved are against {s.base}. Work until the target: random order, people are "
        "shown this all the time."
    )
    yield "What people are shown", tabulate_suggestions(suggestions), note


def _describe(simulation: Simulation) -> str:
    s = simulation.settings
    t = s.truth
    pool = "half of it empty, the rest mostly chat and support mail" if t.skewed else "drawn evenly"
    made = (
        f"documents of the offline author in {', '.join(t.languages)}, test set of document types that are not in the "
        f"pool; pool of {t.pool}, {pool}"
        if simulation.source == "offline author"
        else f"reviewed samples, pool of at most {t.pool}"
    )
    return (
        f"Truth: {made}; {t.door} samples decide promotions, {t.test} measure. Learner: {simulation.learner}; "
        f"{s.base} serves at first. {len(s.seeds)} seeds: brackets hold the range over them, for differences the "
        f"95 % interval (Student's t). Costs of actions: "
        f"{s.costs.source}. Simulated people never err or tire, so these figures are upper bounds. Entities only. The "
        f"{t.door} samples of the door are reviewed beforehand, and are not part of the figures."
    )


def _draw(title: str, replays: Sequence[Replay], read: Callable[..., tuple[float, float]]) -> str:
    """Curves of all seeds, one colour an order."""
    curves = [(one.order, [read(point) for point in one.points]) for one in replays if one.points]
    xs, ys = [x for _, curve in curves for x, _ in curve], [y for _, curve in curves for _, y in curve]
    if not xs:
        return ""
    left, right, low, high = 0.0, max(xs), min(ys), max(ys)
    spread = (high - low) or 1.0

    def place(x: float, y: float) -> str:
        across = _EDGE + (x - left) / ((right - left) or 1) * (_WIDTH - _EDGE - 12)
        return f"{across:.1f},{_HEIGHT - _EDGE + 8 - (y - low) / spread * (_HEIGHT - _EDGE - 40):.1f}"

    orders = list(dict.fromkeys(order for order, _ in curves))
    lines = "".join(
        f'<polyline fill="none" stroke="{_COLOURS[orders.index(order) % len(_COLOURS)]}" stroke-width="1.6" '
        f'points="{" ".join(place(x, y) for x, y in curve)}"/>'
        for order, curve in curves
    )
    legend = "".join(
        f'<text x="{_EDGE + 110 * number}" y="18" fill="{_COLOURS[number % len(_COLOURS)]}">{escape(order)}</text>'
        for number, order in enumerate(orders)
    )
    marks = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor">{value:.3g}</text>'
        for x, y, anchor, value in (
            (_EDGE - 6, _HEIGHT - _EDGE + 12, "end", low),
            (_EDGE - 6, 36, "end", high),
            (_EDGE, _HEIGHT - 10, "middle", left),
            (_WIDTH - 12, _HEIGHT - 10, "end", right),
        )
    )
    return (
        f'<h2>{escape(title)}</h2><svg role="img" aria-label="{escape(title)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" font-size="12">{lines}{legend}{marks}</svg>'
    )


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _tenth(value: float) -> str:
    return f"{value:.1f}"


def _rate(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{value:+.0%}"
