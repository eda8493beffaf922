"""Tables, records and logs of the offline author."""

from __future__ import annotations

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecConstraints


def test_rows_of_a_table_about_nobody_differ() -> None:
    labels = load_labels()
    wanted = SpecConstraints(document_type="table", hard_negative=True)
    for index in range(40):
        spec = draw_spec(7, index, ("en", "de"), labels, wanted=wanted)
        lines = compose_document(spec, labels).text.splitlines()
        rows = [line for line in lines if line.strip() and not set(line) <= set("|- ")]
        assert len(set(rows)) == len(rows), lines
