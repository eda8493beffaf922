import pytest

from goldspan.generators.specs.hard_cases import find_case


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (["anna", "berlin"], "bonn"),
        (["ANNA", "BERLIN"], "BONN"),
        (["Anna", "berlin"], "Bonn"),
        (["X", "Y"], "Bonn"),
        ([], "Bonn"),
    ],
)
def test_names_of_others_are_written_as_the_document_writes_its_own(values: list[str], written: str) -> None:
    assert find_case(values)("Bonn") == written
