import pytest

from goldspan.cli.shared.exits import Exit, exit_for
from goldspan.generators.runs.pipeline import RunOutcome
from goldspan.training.finetuning.run import TuningOutcome


@pytest.mark.parametrize("outcome", [*RunOutcome, *TuningOutcome], ids=repr)
def test_every_outcome_has_an_exit_code_and_only_an_end_is_ok(outcome):
    assert (exit_for(outcome) is Exit.OK) == (outcome.value in ("done", "cancelled"))
