"""The dashboard's entry: `streamlit run` calls this file."""

from __future__ import annotations

import streamlit as st

from annotation.labels import load_labels
from annotation.workspace import find_workspace
from dashboards.mirror import refresh_mirror

st.set_page_config(page_title="Goldspan", layout="wide")
mirror = refresh_mirror(find_workspace(None), load_labels())
st.title("Coverage")
st.dataframe(mirror["entities"].group_by("label", "side").len().pivot("side", index="label", values="len"))
