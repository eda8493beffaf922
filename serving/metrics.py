"""Counters in the Prometheus text format (version 0.0.4): numbers and labels, never texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts of one server."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._entities: Counter[str] = Counter()
        self._characters = 0

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests[route, status] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]
        for bound in _BUCKETS:
            self._buckets[route, bound] += seconds <= bound

    def count_masking(self, labels: Mapping[str, int], characters: int) -> None:
        """Count a masked text."""
        self._entities.update(labels)
        self._characters += characters

    def render(self, gauges: Mapping[str, float], versions: Iterable[tuple[str, str]]) -> str:
        """All figures; `gauges` by name, `versions` as method and model version."""
        lines = ["# TYPE goldspan_requests_total counter"]
        for (route, status), count in sorted(self._requests.items()):
            lines.append(f'goldspan_requests_total{{route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE goldspan_request_seconds histogram")
        for route, total in sorted(self._seconds.items()):
            count = sum(number for (name, _), number in self._requests.items() if name == route)
            for bound in _BUCKETS:
                le = f'route="{route}",le="{bound}"'
                lines.append(f"goldspan_request_seconds_bucket{{{le}}} {self._buckets[route, bound]}")
            lines.append(f'goldspan_request_seconds_bucket{{route="{route}",le="+Inf"}} {count}')
            lines.append(f'goldspan_request_seconds_sum{{route="{route}"}} {total:.6f}')
            lines.append(f'goldspan_request_seconds_count{{route="{route}"}} {count}')
        lines.append("# TYPE goldspan_masked_entities_total counter")
        lines += [f'goldspan_masked_entities_total{{label="{k}"}} {v}' for k, v in sorted(self._entities.items())]
        lines += ["# TYPE goldspan_masked_characters_total counter"]
        lines += [f"goldspan_masked_characters_total {self._characters}"]
        for name, value in gauges.items():
            lines += [f"# TYPE goldspan_{name} gauge", f"goldspan_{name} {value:g}"]
        lines.append("# TYPE goldspan_model_info gauge")
        lines += [f'goldspan_model_info{{method="{_quote(m)}",version="{_quote(v)}"}} 1' for m, v in versions]
        return "\n".join(lines) + "\n"


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
