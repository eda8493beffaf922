import json

import pytest
from typer.testing import CliRunner

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Mention, Sample
from goldspan.cli.evaluate.commands import app as evaluate_app
from goldspan.cli.evaluate.compare import app as compare_app
from goldspan.cli.evaluate.worst import app as errors_app
from goldspan.cli.shared.exits import Exit
from goldspan.training.methods.fits import fit
from tests.training.tiny_model import TOML, make_bundle

LABELS = load_labels()
TEXTS = [
    ("<FIRSTNAME>Maria</FIRSTNAME> moved to <CITY>Lyon</CITY>.", "<FIRSTNAME>Maria</FIRSTNAME> moved to Lyon."),
    ("Write to <EMAIL>ann@example.org</EMAIL>.", "Write to <EMAIL>ann@example.org</EMAIL>."),
    ("Nobody was there.", "<FIRSTNAME>Nobody</FIRSTNAME> was there."),
]
WORDS = ("Maria", "moved", "Lyon", "Write", "ann@example", "Nobody", "there")
runner = CliRunner()


def make_sample(gold: str | None, predicted: str | None) -> Sample:
    readings, text = [], ""
    for tagged, author in ((gold, Author.person("ann")), (predicted, Author.model("toy-1"))):
        if tagged is not None:
            read = parse_tagged(tagged, LABELS)
            text = read.text
            readings.append(Annotation(author, read.entities, id=author.name))
    return Sample(text, "en", "GB", "note", tuple(readings), sample_id=make_sample_id(text, "en"))


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDSPAN_DATA", str(tmp_path / "data"))
    gold, predicted = tmp_path / "gold.jsonl", tmp_path / "predicted.jsonl"
    write_samples(gold, [make_sample(gold, None) for gold, _ in TEXTS], LABELS)
    write_samples(predicted, [make_sample(None, predicted) for _, predicted in TEXTS], LABELS)
    return gold, predicted


def run(app, *arguments, code=Exit.OK):
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_evaluate_shows_scores_and_writes_the_result(files, tmp_path):
    shown = run(evaluate_app, *files)
    assert "strict spans" in shown.stdout
    assert "masked characters" in shown.stdout
    written = json.loads((tmp_path / "data" / "results" / "toy-1.json").read_text())
    assert written["metrics"]["recall"] == pytest.approx(2 / 3)
    assert written["metrics"]["exact_match_accuracy"] == pytest.approx(1 / 3)
    assert set(written["baselines"]) == {"mask-nothing", "mask-everything", "regex+checksum"}


def test_results_on_other_gold_get_a_file_of_their_own(files, tmp_path):
    gold, predicted = files
    results = tmp_path / "data" / "results"
    for _ in range(2):
        run(evaluate_app, gold, predicted, "--no-baselines")
        assert [path.name for path in results.iterdir()] == ["toy-1.json"]
    run(evaluate_app, gold, predicted, "--no-baselines", "--only", "language=en")
    write_samples(gold, [make_sample(gold, None) for gold, _ in TEXTS[:2]], LABELS)
    run(evaluate_app, gold, predicted, "--no-baselines", code=Exit.REFUSED_SOME)
    assert len(list(results.iterdir())) == 2


def test_evaluate_for_machines(files, tmp_path):
    output = tmp_path / "here.json"
    printed = run(
        evaluate_app, *files, "--json", "--output", output, "--level", "group", "--scheme", "partial", "--no-baselines"
    )
    document = json.loads(printed.stdout)
    assert (document["level"], document["scheme"]) == ("group", "partial")
    assert json.loads(output.read_text())["metrics"] == document["metrics"]


@pytest.mark.parametrize(("places", "shown"), [((), "not measured"), ((0, 6), "1.000"), ((17, 22), "0.000")])
def test_coreference_of_a_model_without_mentions_is_not_measured(files, places, shown):
    def make(author, starts):
        mentions = tuple(Mention(start, start + 2, "MENTION", "c") for start in starts)
        return [Sample("ab cd ef gh ij kl mn op qr st", "en", annotations=(Annotation(author, mentions=mentions),))]

    write_samples(files[0], make(Author.person("ann"), (0, 6)), LABELS)
    write_samples(files[1], make(Author.model("toy-1"), [start // 3 * 3 for start in places]), LABELS)
    printed = run(evaluate_app, *files, "--no-baselines").stdout
    (line,) = (line for line in printed.splitlines() if "coreference" in line)
    assert shown in line


def test_evaluate_lets_a_predictor_read(files, tmp_path):
    run(evaluate_app, files[0], "--predictor", "regex", "--name", "patterns", "--no-baselines")
    written = json.loads((tmp_path / "data" / "results" / "patterns.json").read_text())
    assert written["per_class_metrics"]["EMAIL"]["recall"] == 1.0
    assert written["timing"]["documents"] == 3


def test_evaluate_can_look_at_a_part(files, tmp_path):
    run(evaluate_app, *files, "--only", "language=en", "--only", "length=0-199", "--name", "short / english")
    written = json.loads((tmp_path / "data" / "results" / "short-english.json").read_text())
    assert written["data"]["filters"] == {"language": "en", "length": "0-199"}
    assert "NAME=VALUE" in str(run(evaluate_app, *files, "--only", "en", code=1).exception)


def test_evaluate_wants_one_kind_of_prediction(files):
    assert "--predictor" in str(run(evaluate_app, files[0], code=1).exception)
    assert "--predictor" in str(run(evaluate_app, *files, "--predictor", "regex", code=1).exception)


def test_examples_may_not_come_from_the_gold(files):
    refused = run(evaluate_app, files[0], "--predictor", "llm", "--option", f"shots_file={files[0]}", code=1)
    assert "show the model the answers" in str(refused.exception)


def test_what_is_not_paired_is_named_and_changes_the_exit_code(files, tmp_path):
    gold, _ = files
    write_samples(tmp_path / "part.jsonl", [make_sample(None, TEXTS[0][1])], LABELS)
    shown = run(evaluate_app, gold, tmp_path / "part.jsonl", code=Exit.REFUSED_SOME)
    for tagged, _ in TEXTS[1:]:
        assert make_sample(tagged, None).sample_id in shown.stderr


def test_gold_that_no_person_has_read_is_said(files):
    gold, predicted = files
    assert "Gold of these documents is prediction" in run(evaluate_app, predicted, gold).stderr


def test_a_prediction_is_not_measured_against_itself(files):
    refused = run(evaluate_app, files[1], files[1], code=1)
    assert "its gold is the prediction itself" in str(refused.exception)


def test_nothing_to_pair_is_an_error(files, tmp_path):
    write_samples(tmp_path / "other.jsonl", [make_sample(None, "Another text.")], LABELS)
    assert "Nothing can be scored" in str(run(evaluate_app, files[0], tmp_path / "other.jsonl", code=1).exception)


def test_compare_always_shows_the_baselines(files, tmp_path):
    run(evaluate_app, *files, "--cost-per-1000", "1.25")
    run(evaluate_app, files[0], "--predictor", "regex", "--no-baselines")
    results = sorted((tmp_path / "data" / "results").iterdir(), reverse=True)
    for arguments in (results, [*results[1:], "--gold", files[0]]):
        shown = run(compare_app, *arguments)
        assert all(name in shown.stdout for name in ("mask-nothing", "mask-everything", "regex+checksum"))
    document = json.loads(run(compare_app, *results, "--json").stdout)
    assert document["reference"] == "toy-1"
    assert document["rows"][0]["cost_per_1000"] == 1.25
    assert document["rows"][1]["latency_p50_seconds"] > 0
    assert document["rows"][1]["deltas"]["f1_score"]["p_value"] <= 1


def test_charts_are_written_on_request(files, tmp_path):
    pytest.importorskip("matplotlib")
    run(evaluate_app, *files, "--charts", tmp_path / "charts")
    run(compare_app, tmp_path / "data" / "results" / "toy-1.json", "--charts", tmp_path / "charts")
    assert {file.name for file in (tmp_path / "charts").iterdir()} >= {"confusion.png", "comparison.svg"}


def test_errors_shows_the_worst_documents(files):
    shown = run(errors_app, *files, "--show-text")
    assert "- <FIRSTNAME>Maria</FIRSTNAME> moved to <CITY>Lyon</CITY>." in shown.stdout
    assert "+ <FIRSTNAME>Maria</FIRSTNAME> moved to Lyon." in shown.stdout
    document = json.loads(run(errors_app, *files, "--top", "1", "--json").stdout)
    assert len(document) == 1


def test_errors_of_a_perfect_prediction(files, tmp_path):
    perfect = tmp_path / "perfect.jsonl"
    write_samples(perfect, [make_sample(None, gold) for gold, _ in TEXTS], LABELS)
    assert "exactly as in gold" in run(errors_app, files[0], perfect).stderr


@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        (evaluate_app, ()),
        (evaluate_app, ("--json",)),
        (evaluate_app, ("--level", "pii")),
        (errors_app, ()),
        (errors_app, ("--json",)),
    ],
)
def test_reports_carry_no_text_unless_asked(files, tmp_path, app, arguments):
    shown = run(app, *files, *arguments)
    written = [file.read_text() for file in tmp_path.glob("data/results/*.json")]
    for word in WORDS:
        assert word not in shown.stdout + shown.stderr + "".join(written)


def test_text_is_shown_where_asked_and_stays_out_of_the_result(files, tmp_path):
    shown = run(evaluate_app, *files, "--show-text")
    assert "Maria" in shown.stdout
    assert "Maria" not in (tmp_path / "data" / "results" / "toy-1.json").read_text()


def test_predicted_labels_that_the_schema_lacks_are_named(files):
    gold, predicted = files
    predicted.write_text(predicted.read_text("utf-8").replace("FIRSTNAME", "PERSON"), "utf-8")
    shown = run(evaluate_app, gold, predicted)
    assert "The label schema has no label PERSON;" in shown.stderr
    assert "--labels-map" in shown.stderr


def test_records_that_cannot_be_read_are_named_even_if_nothing_is_left_to_score(files, tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"data": {"text": "x"\n[1,2\n')
    failed = run(evaluate_app, broken, files[1], code=1)
    assert "broken.jsonl:1: not valid JSON" in failed.stderr
    assert "Nothing can be scored" in str(failed.exception)


def test_a_folder_stands_for_the_results_in_it(files, tmp_path):
    run(evaluate_app, *files, "--name", "a")
    run(evaluate_app, files[0], "--predictor", "regex", "--name", "b")
    document = json.loads(run(compare_app, tmp_path / "data" / "results", "--json").stdout)
    assert [row["name"] for row in document["rows"]][:2] == ["a", "b"]
    (tmp_path / "none").mkdir()
    assert "holds no results" in str(run(compare_app, tmp_path / "none", code=1).exception)


def test_scores_on_texts_that_the_model_was_trained_on_say_so(tmp_path, monkeypatch):
    pytest.importorskip("pycrfsuite")
    data, labels_file = tmp_path / "data", tmp_path / "labels.toml"
    labels_file.write_text(TOML)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(labels_file))
    bundle = make_bundle(data / "bundles" / "tiny", 30)
    made = fit("crf", bundle, {}, name="c", data=data, labels_file=labels_file)
    sizes = json.loads((bundle / "manifest.json").read_text())["split"]["sizes"]
    for split, code in (("train", Exit.OK), ("test", Exit.OK)):
        shown = run(evaluate_app, bundle / f"{split}.jsonl", "-p", made.folder, "--data", data, code=code)
        said = f"{sizes[split]} of {sizes[split]} documents are in the training split of bundle"
        assert (said in " ".join(shown.stderr.split())) == (split == "train")
