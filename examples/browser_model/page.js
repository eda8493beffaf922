import { openModel } from "./model.js";

const byId = (id) => document.getElementById(id);
const folder = new URLSearchParams(location.search).get("model") ?? "model/quantized";

function show(text, entities) {
  const points = [...text], pieces = [];
  let cursor = 0;
  for (const one of entities) {
    pieces.push(points.slice(cursor, one.start).join(""));
    const mark = document.createElement("mark");
    mark.textContent = one.value;
    mark.dataset.label = one.label;
    mark.title = `${one.label}, score ${one.score.toFixed(2)}`;
    pieces.push(mark);
    cursor = one.end;
  }
  byId("result").replaceChildren(...pieces, points.slice(cursor).join(""));
}

try {
  const model = await openModel(folder);
  window.findEntities = (text) => model.find(text);
  byId("run").addEventListener("click", async () => show(byId("text").value, await model.find(byId("text").value)));
  byId("run").disabled = false;
  byId("state").textContent = "Ready.";
} catch (error) {
  byId("state").textContent = error.message;
}
