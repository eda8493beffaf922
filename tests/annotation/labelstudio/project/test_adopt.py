"""Projects taken over as they are: mapping, label schema, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.project.adopt import AdoptOptions, adopt_projects, make_code
from goldspan.annotation.labelstudio.project.adoption import find_adoption, load_adoption
from goldspan.annotation.labelstudio.project.mapping import map_tags
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.tasks.workspace import Workspace

CREATED = "2026-01-01T00:00:00.000001Z"
XML = """<View><Header value="Ours"/><Labels name="ner" toName="body">
<Label value="Person name" background="#112233" hint="Also nicknames"/><Label value="Ort" background="red"/>
<Label value="人名"/><Label value="4 \\ &quot;weird&quot;"/></Labels>
<Choices name="mood" toName="body"><Choice value="sure"/></Choices><Text name="body" value="$content"/></View>"""


class Server:
    """Knows some projects by number and title."""

    url = "http://127.0.0.1/"

    def __init__(self, *configs: str) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.projects: list[dict[str, Any]] = [
            {"id": number, "title": f"Team {number}", "created_at": CREATED, "label_config": config}
            for number, config in enumerate(configs, start=3)
        ]

    def read_project(self, number: int) -> dict[str, Any]:
        return next(project for project in self.projects if project["id"] == number)

    def iter_tasks(self, number: int, include: str) -> list[dict[str, Any]]:
        return self.tasks

    def find_project(self, title: str) -> dict[str, Any] | None:
        return next((project for project in self.projects if project["title"] == title), None)


def adopt(workspace: Workspace, server: Server, projects: list[int | str], **options: Any) -> Any:
    client: Any = server
    return adopt_projects(client, workspace, projects, AdoptOptions(**options))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_a_label_schema_is_made_of_the_teams_labels(workspace: Workspace) -> None:
    adoption = adopt(workspace, Server(XML), ["Team 3"], language="en")
    assert adoption.codes == {
        "Person name": "PERSON_NAME",
        "Ort": "ORT",
        "人名": "LABEL_3",
        '4 \\ "weird"': "L_4_WEIRD",
    }
    schema = load_labels(adoption.labels)
    assert [label.code for label in schema.labels] == ["PERSON_NAME", "ORT", "LABEL_3", "L_4_WEIRD"]
    assert (schema["PERSON_NAME"].color, schema["PERSON_NAME"].hints) == ("#112233", ("Also nicknames",))
    assert load_adoption(adoption.folder) == adoption
    assert find_adoption(workspace, 3) == find_adoption(workspace, "Team 3") == find_adoption(workspace, "team-3")
    assert find_adoption(workspace, 9) is None


def test_adopting_again_adds_new_labels_and_keeps_what_was_edited(workspace: Workspace) -> None:
    server = Server(XML)
    first = adopt(workspace, server, [3], codes={"Ort": "CITY"}, language="de")
    first.labels.write_text(first.labels.read_text().replace('name = "Person name"', 'name = "Somebody"'))
    server.projects[0]["label_config"] = XML.replace('<Label value="Ort"', '<Label value="New one"/><Label value="Ort"')
    schema = load_labels(first.labels)
    with pytest.raises(ConfigurationError, match="New one"):
        first.map_project(server.projects[0], schema)
    again = adopt(workspace, server, [3])
    assert (again.codes["Ort"], again.codes["New one"], again.language) == ("CITY", "NEW_ONE", "de")
    assert load_labels(again.labels)["PERSON_NAME"].name == "Somebody"


def test_labels_can_be_mapped_onto_a_schema_or_kept_verbatim(workspace: Workspace) -> None:
    schema = workspace.root / "mine.toml"
    schema.write_text('[labels.FIRSTNAME]\nname = "Person name"\n[labels.CITY]\nname = "City"\n')
    codes = {"Ort": "CITY", "人名": "", '4 \\ "weird"': ""}
    adoption = adopt(workspace, Server(XML), [3], labels=schema, codes=codes)
    assert adoption.codes == {"Person name": "FIRSTNAME", **codes}
    assert load_adoption(adoption.folder).labels == schema
    with pytest.raises(ConfigurationError, match="--labels-map"):
        adopt(workspace, Server(XML), [3], name="other", labels=schema)
    assert not (adoption.folder.parent / "other").exists()


def test_another_project_of_the_same_number_is_noticed(workspace: Workspace) -> None:
    server = Server(XML, XML)
    adoption = adopt(workspace, server, [3], name="ner")
    server.projects[0]["created_at"] = "2026-02-02T00:00:00.000001Z"
    with pytest.raises(StateError, match="was created"):
        adoption.map_project(server.projects[0], load_labels(adoption.labels))
    with pytest.raises(StateError, match="--name"):
        adopt(workspace, server, [4], name="ner")


def test_annotators_of_shared_accounts_are_remembered(workspace: Workspace) -> None:
    server = Server(XML, XML)
    adopt(workspace, server, [3, 4], name="ner", annotators={3: "ann", 4: "bob"})
    assert [item.annotator for item in adopt(workspace, server, [3, 4], name="ner").projects] == ["ann", "bob"]


def test_relations_that_name_coreference_bring_mentions(workspace: Workspace) -> None:
    related = XML.replace("<Choices", '<Relations><Relation value="coref"/><Relation value="met"/></Relations><Choices')
    server = Server(related)
    adoption = adopt(workspace, server, [3])
    schema = load_labels(adoption.labels)
    assert (adoption.coreference, len(schema.mentions)) == ("coref", 3)
    mapping = adoption.map_project(server.projects[0], schema)
    assert (mapping.coreference, mapping.implicit) == ("coref", False)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ('<View><Image name="i" value="$i"/><RectangleLabels name="l" toName="i"/></View>', "Image"),
        (
            '<View><Labels name="a" toName="t"/><Text name="t" value="$t"/><Labels name="b" toName="u"/>'
            '<Text name="u" value="$u"/></View>',
            "--text",
        ),
        ('<View><Labels name="a" toName="zz"/><Text name="t" value="$t"/></View>', 'toName="t"'),
        ('<View><Choices name="a" toName="t"><Choice value="x"/></Choices><Text name="t" value="$t"/></View>', "spans"),
        ('<View><Labels name="a" toName="t"/><Text name="t" value="$t" encoding="base64"/></View>', "base64"),
        ("<View>", "XML"),
    ],
)
def test_projects_without_one_text_are_refused(workspace: Workspace, xml: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        adopt(workspace, Server(xml), [3])


def test_one_of_several_texts_can_be_chosen(workspace: Workspace) -> None:
    xml = (
        '<View><Labels name="a" toName="t"><Label value="A"/></Labels><Text name="t" value="$t"/>'
        '<Labels name="b" toName="u"><Label value="B"/></Labels><Text name="u" value="$u"/></View>'
    )
    server = Server(xml)
    adoption = adopt(workspace, server, [3], text="u")
    mapping = adoption.map_project(server.projects[0], load_labels(adoption.labels))
    assert (mapping.text.field, dict(mapping.codes)) == ("u", {"B": "B"})


def test_a_broken_mapping_says_how_to_go_on(workspace: Workspace) -> None:
    adoption = adopt(workspace, Server(XML), [3])
    (adoption.folder / "mapping.toml").write_text("labels = 3")
    with pytest.raises(ConfigurationError, match="adopt the projects again"):
        load_adoption(adoption.folder)


@given(st.text())
def test_codes_are_codes(label: str) -> None:
    code = make_code(label)
    assert code == "" or (code[0].isalpha() and code.isascii() and code == code.upper() and len(code) <= 40)


def test_aliases_url_types_and_text_keys_are_read() -> None:
    tags = parse_tags(
        '<View><ParagraphLabels name="p" toName="d" choice="multiple"><Label value="Person" alias="PER"/>'
        '</ParagraphLabels><Paragraphs name="d" value="$talk" textKey="said" valueType="url"/></View>'
    )
    mapping = map_tags(tags, load_labels())
    assert (mapping.text.is_url, mapping.text.text_key, mapping.text.field) == (True, "said", "talk")
    assert (mapping.controls["p"].labels, mapping.controls["p"].multiple) == (("PER",), True)
    assert mapping.unmapped == ("PER",)


def wrap(labels: str, text: str = 'value="$text"') -> str:
    return f'<View>{labels}<Text name="t" {text}/></View>'


LABEL = '<Label value="P"/>'


@pytest.mark.parametrize(
    "xml",
    [
        wrap(f'<!-- <Label value="no"/> --><View><Labels name="a" toName="t"><!-- P -->{LABEL}</Labels></View>'),
        wrap(f'<Style><![CDATA[ .a > .b {{}} ]]></Style><Labels name="a" toName="t">{LABEL}</Labels>'),
        wrap('<Labels name="a" toName="t"><Label value="Person" alias="P" hotkey="1" predicted_values="x"/></Labels>'),
        wrap(f'<Labels name="a" toName="t, u">{LABEL}</Labels><Image name="u" value="$i"/>'),
        wrap(f'<Text name="hint" value="Read this"/><Labels name="a" toName="t">{LABEL}</Labels>'),
        wrap(
            f'<Labels name="a" toName="t">{LABEL}</Labels><Taxonomy name="x" toName="t" perRegion="true">'
            '<Choice value="A"><Choice value="B"/></Choice></Taxonomy>',
        ),
        wrap('<Labels name="a" toName="t" value="$labels"/>'),
    ],
)  # fmt: skip
def test_labels_are_found_wherever_they_stand(workspace: Workspace, xml: str) -> None:
    server = Server(xml)
    server.tasks = [{"id": 1, "data": {"text": "Ann", "labels": [{"value": "P"}, "P"]}}, {"id": 2, "data": {}}]
    adoption = adopt(workspace, server, [3])
    assert adoption.codes == {"P": "P"}
    mapping = adoption.map_project(server.read_project(3), load_labels(adoption.labels))
    assert [control.labels for control in mapping.controls.values()] == [("P",)]


def test_a_declared_encoding_is_that_of_the_file_not_of_the_answer() -> None:
    xml = '<?xml version="1.0" encoding="ISO-8859-1"?>' + wrap(
        '<Labels name="a" toName="t"><Label value="É"/></Labels>', 'value="$doc.body"'
    )
    tags = parse_tags(xml)
    assert tags.controls[0].labels == ("É",)
    assert [tags.objects[0].read(data) for data in ({"doc": {"body": "x"}}, {"doc.body": "y"}, {"doc": "z"})] == [
        "x",
        "y",
        None,
    ]
