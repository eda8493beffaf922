"use strict";
/* The masking page: state in one place, drawn anew after each change. */

const EXAMPLE = `Dear Ms Keller,

thank you for your call. We have changed your address to 12 Elm Street, Boston, MA 02134, and your e-mail to
anna.keller@mail.net. Please confirm by telephone: +1 617 555 0148. Your card 4111 1111 1111 1111 is blocked, and the
refund goes to IBAN DE89 3704 0044 0532 0130 00.

Kind regards
Tom Baker`;
const OPERATOR_NAMES = { "": "as the policy says", number: "number", replace: "[LABEL]", redact: "redact", mask: "****", fake: "invent", keep: "keep" };

const state = {
  text: new Text(""),
  /** @type {Entity[]} */ entities: [],
  /** @type {Entity[][]} */ history: [],
  /** @type {any[]} */ labels: [], /** @type {any[]} */ methods: [],
  method: "", threshold: 0, run: 0,
  /** @type {Set<string>} */ selected: new Set(),
  /** @type {Record<string, string>} */ operators: {},
  /** @type {any} */ masked: null, detected: /** @type {any} */ (null), current: -1,
};

const isActive = (/** @type {Entity} */ one) =>
  !one.off && state.selected.has(one.label) && (one.score === null || one.score >= state.threshold);
const colorOf = (/** @type {string} */ label) => state.labels.find((one) => one.label === label)?.color ?? "#8a5a00";

/** @param {string} message */
function showNotice(message) {
  byId("notice").textContent = message;
  byId("notice").hidden = !message;
}

function readSettings() {
  const operators = Object.fromEntries(state.labels
    .filter((one) => state.operators[one.group]).map((one) => [one.label, state.operators[one.group]]));
  return { method: state.method, policy: byId("policy").value, operators, language: byId("language").value };
}

async function detect() {
  const text = byId("input").value;
  const run = ++state.run;
  clearResult();
  if (!text.trim()) return showNotice("There is no text to mask.");
  byId("summary").textContent = "Reading …";
  try {
    const { method, policy, language } = readSettings();
    const found = await call("/v1/detect", { text, method, policy, language });
    if (run !== state.run) return;
    state.text = new Text(text);
    state.detected = found;
    state.entities = found.entities.map((/** @type {any} */ one) => ({ ...one, off: false }));
    for (const label of new Set(state.entities.map((one) => one.label))) {
      if (!state.labels.some((one) => one.label === label)) state.selected.add(label);
    }
    showEditor(false);
    await draw();
  } catch (error) {
    if (run === state.run) fail(error);
  }
}

function clearResult() {
  Object.assign(state, { entities: [], history: [], masked: null, detected: null });
  byId("masked").replaceChildren();
  byId("summary").replaceChildren();
  showNotice("");
  closeMenu(false);
  enableActions();
}

/** @param {any} error */
function fail(error) {
  state.masked = null;
  byId("masked").replaceChildren();
  byId("summary").replaceChildren();
  showNotice(error.message);
  enableActions();
}

/** Draw the original at once, and ask the server for the masked text; the method is not run again. */
async function draw() {
  if (!state.detected) return;
  drawOriginal();
  const run = ++state.run;
  const active = state.entities.filter(isActive);
  const entities = active.map(({ start, end, label }) => ({ start, end, label }));
  const { policy, operators, language } = readSettings();
  try {
    const masked = await call("/v1/mask", { text: state.text.value, entities, policy, operators, language, include_mapping: true });
    if (run !== state.run) return;
    if (masked.complete !== true) throw new Error("The answer is not complete; it is not shown.");
    state.masked = masked;
    showNotice("");
    drawMasked();
    drawSummary(masked);
  } catch (error) {
    if (run === state.run) fail(error);
  }
  enableActions();
}

function drawOriginal() {
  const pieces = [];
  let cursor = 0;
  state.entities.forEach((one, number) => {
    if (one.start < cursor) return;
    pieces.push(state.text.slice(cursor, one.start));
    pieces.push(makeEntity(state.text.slice(one.start, one.end), one.label, number, isActive(one)));
    cursor = one.end;
  });
  byId("original").replaceChildren(...pieces, state.text.slice(cursor, state.text.points.length));
}

function drawMasked() {
  const masked = new Text(state.masked.masked_text);
  const pieces = [];
  let cursor = 0;
  for (const one of state.masked.entities) {
    pieces.push(masked.slice(cursor, one.masked_start));
    const number = state.entities.findIndex((entity) => entity.start <= one.start && one.start < entity.end && isActive(entity));
    pieces.push(makeEntity(one.replacement || "∅", one.label, number, true));
    cursor = one.masked_end;
  }
  byId("masked").replaceChildren(...pieces, masked.slice(cursor, masked.points.length));
  byId("masked-hint").hidden = !state.masked.entities.length;
}

/** @param {string} text @param {string} label @param {number} number @param {boolean} active */
function makeEntity(text, label, number, active) {
  const button = make("button", text, { type: "button", className: active ? "entity" : "entity off", title: label });
  button.setAttribute("aria-label", `${text}, ${label}${active ? "" : ", not masked"}`);
  button.style.setProperty("--label", colorOf(label));
  button.addEventListener("click", () => openMenu(button, number));
  return button;
}

/** @param {any} masked */
function drawSummary(masked) {
  const persons = new Set(masked.entities.filter((/** @type {any} */ one) => groupOf(one.label) === "PERSON")
    .map((/** @type {any} */ one) => one.referent)).size;
  const count = masked.entities.length, left = state.entities.length - state.entities.filter(isActive).length;
  const parts = [`${count} ${count === 1 ? "entity" : "entities"}`, `${persons} ${persons === 1 ? "person" : "persons"}`];
  if (left) parts.push(`${left} left readable`);
  const milliseconds = Math.round(state.detected.milliseconds + masked.milliseconds);
  const summary = byId("summary");
  summary.replaceChildren(`${parts.join(" · ")} · `, make("span", "complete ✓", { className: "good" }), ` · ${milliseconds} ms`);
  const unread = state.detected.unread_labels.filter((/** @type {string} */ label) => state.selected.has(label));
  if (unread.length) summary.append(make("span", ` · this method cannot find: ${unread.map(nameOf).join(", ")}`, { className: "bad" }));
}

const nameOf = (/** @type {string} */ label) => state.labels.find((one) => one.label === label)?.name ?? label;
const groupOf = (/** @type {string} */ label) => state.labels.find((one) => one.label === label)?.group ?? "OTHER";

function enableActions() {
  for (const name of ["copy", "download", "send"]) byId(`${name}-button`).disabled = !state.masked;
  byId("restore-button").disabled = !Object.keys(state.masked?.mapping ?? {}).length;
  byId("undo-button").disabled = !state.history.length;
}

/** Change the entities so that it can be undone. @param {(entities: Entity[]) => Entity[]} change */
function edit(change) {
  state.history.push(state.entities);
  const changed = change(state.entities.map((one) => ({ ...one })));
  state.entities = changed.sort((one, other) => one.start - other.start || other.end - one.end);
  return draw();
}

function undo() {
  const before = state.history.pop();
  if (before) { state.entities = before; draw(); }
}

/** @param {HTMLElement} anchor @param {number} number */
function openMenu(anchor, number) {
  const one = state.entities[number];
  if (!one) return;
  state.current = number;
  const menu = byId("menu"), box = anchor.getBoundingClientRect();
  byId("menu-title").textContent = `${one.label}${one.score === null ? "" : ` · score ${one.score.toFixed(2)}`} · ${one.source}`;
  menu.querySelector("[data-action=unmask]").textContent = isActive(one) ? "Unmask this one" : "Mask this one";
  byId("menu-label").value = one.label;
  menu.hidden = false;
  const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - menu.offsetWidth - 8));
  menu.style.left = `${left + scrollX}px`;
  menu.style.top = `${box.bottom + scrollY + 4}px`;
  state.opener = anchor;
  menu.querySelector("button").focus();
}

/** @param {boolean} [refocus] */
function closeMenu(refocus = true) {
  if (byId("menu").hidden) return;
  byId("menu").hidden = true;
  if (refocus) (state.opener?.isConnected ? state.opener : byId("masked")).focus();
}

/** @param {string} action */
function act(action) {
  const { start, end, label } = state.entities[state.current];
  const value = state.text.slice(start, end), number = state.current;
  const same = (/** @type {Entity} */ one) => state.text.slice(one.start, one.end) === value;
  closeMenu();
  if (action === "unmask") return edit((all) => { toggle(all[number]); return all; });
  if (action === "unmask-all") return edit((all) => all.map((one) => same(one) ? { ...one, off: true } : one));
  return edit((all) => {
    const kept = all.map((one) => same(one) ? { ...one, label, off: false, score: null } : one);
    const free = state.text.find(value).filter(([from, to]) => !kept.some((one) => one.start < to && from < one.end));
    return [...kept, ...free.map(([from, to]) => ({ start: from, end: to, label, score: null, source: "reviewed", off: false }))];
  });
}

/** @param {Entity} one */
function toggle(one) {
  if (isActive(one)) one.off = true;
  else { one.off = false; one.score = null; state.selected.add(one.label); }
}

/** @param {string} label */
function relabel(label) {
  const number = state.current;
  closeMenu();
  state.selected.add(label);
  edit((all) => { Object.assign(all[number], { label, source: "reviewed", score: null, off: false }); return all; });
}

/** Mark what is selected in the original as a new entity. */
function markSelection() {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return;
  const range = selection.getRangeAt(0), original = byId("original");
  if (!original.contains(range.commonAncestorContainer)) return;
  const before = document.createRange();
  before.setStart(original, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const raw = range.toString(), trimmed = raw.trim();
  if (!trimmed) return;
  const unit = before.toString().length + raw.indexOf(trimmed);
  const start = state.text.toPoint(unit), end = state.text.toPoint(unit + trimmed.length);
  selection.removeAllRanges();
  const label = state.entities[state.current]?.label ?? state.labels[0].label;
  state.selected.add(label);
  edit((all) => [...all.filter((one) => one.end <= start || end <= one.start),
    { start, end, label, score: null, source: "reviewed", off: false }]).then(() => {
    const number = state.entities.findIndex((one) => one.start === start && one.end === end);
    const button = [...original.querySelectorAll(".entity")].find((_, place) => place === number);
    if (button) openMenu(/** @type {HTMLElement} */ (button), number);
  });
}

/** @param {boolean} editing */
function showEditor(editing) {
  byId("input").hidden = !editing;
  byId("original").hidden = editing;
  byId("edit-button").hidden = editing;
  if (editing) byId("input").focus();
}

function drawGroups() {
  const groups = new Map();
  for (const label of state.labels) groups.set(label.group, [...(groups.get(label.group) ?? []), label]);
  byId("groups").replaceChildren(...[...groups].map(([group, labels]) => {
    const frame = make("fieldset");
    frame.append(make("legend", group.replaceAll("_", " ").toLowerCase()));
    const operator = make("select");
    operator.setAttribute("aria-label", `Operator for ${group}`);
    for (const [value, name] of Object.entries(OPERATOR_NAMES)) operator.append(make("option", name, { value }));
    operator.value = state.operators[group] ?? "";
    operator.addEventListener("change", () => { state.operators[group] = operator.value; draw(); });
    for (const one of labels) frame.append(makeCheck(one));
    frame.append(operator);
    return frame;
  }));
}

/** @param {any} one */
function makeCheck(one) {
  const label = make("label"), box = make("input", "", { type: "checkbox", checked: state.selected.has(one.label) });
  const swatch = make("span", "", { className: "swatch" });
  swatch.style.setProperty("--label", one.color);
  box.addEventListener("change", () => {
    if (box.checked) state.selected.add(one.label); else state.selected.delete(one.label);
    draw();
  });
  label.append(box, swatch, one.name);
  return label;
}

/** @param {(one: any) => boolean} wanted */
function select(wanted) {
  state.selected = new Set(state.labels.filter(wanted).map((one) => one.label));
  drawGroups();
  draw();
}

const percent = (/** @type {number|null|undefined} */ value) => value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`;

function drawMethods() {
  byId("methods").replaceChildren(...state.methods.map((one) => {
    const card = make("button", "", { type: "button", className: "card" });
    card.setAttribute("aria-pressed", String(one.method === state.method));
    card.append(make("strong", one.method));
    card.append(make("span", one.healthy ? `runs on ${one.runs} · ${one.model_version}` : one.error, { className: one.healthy ? "" : "warn" }));
    const measured = one.measured;
    if (measured.documents) {
      card.append(make("span", `recall ${percent(measured.recall)} · leakage ${percent(measured.leakage_rate)} · n = ${measured.documents}`));
      card.append(make("span", `F1 ${percent(measured.f1_score)} · ${measured.milliseconds ?? "–"} ms a document`));
    } else {
      card.append(make("span", "not measured yet: goldspan evaluate"));
    }
    if (one.healthy && one.unread_labels.length) {
      card.append(make("span", `cannot find: ${one.unread_labels.map(nameOf).join(", ")}`, { className: "warn" }));
    }
    card.addEventListener("click", () => { state.method = one.method; byId("method-dialog").close(); drawMethods(); });
    return card;
  }));
  byId("method-button").textContent = `Method: ${state.method}`;
}

async function refreshMethods() {
  const { methods, formats } = await call("/v1/methods");
  state.methods = methods;
  if (!methods.some((/** @type {any} */ one) => one.method === state.method)) state.method = methods[0].method;
  byId("formats").textContent = `Formats: ${formats.join(" ")}`;
  drawMethods();
  drawHealth();
}

function drawHealth() {
  const one = state.methods.find((method) => method.method === state.method);
  byId("health").textContent = one.healthy ? "Healthy" : "Not available";
  byId("health-dot").className = `dot ${one.healthy ? "good" : "bad"}`;
  byId("model-state").textContent = `${one.method}: ${one.healthy ? `healthy, ${one.model_version}` : "not available"}${one.error ? `. Last error: ${one.error}` : ""}`;
  byId("model-source").value ||= one.source;
  drawPoints(one);
}

/** @param {any} method */
function drawPoints(method) {
  byId("points").hidden = !method.operating_points.length;
  const choices = [{ value: "", text: "as it was trained" }, ...method.operating_points.map((/** @type {any} */ point) => ({
    value: String(point.recall_wanted),
    text: `recall ${point.recall_wanted}: gave recall ${percent(point.recall)}, precision ${percent(point.precision)}, F1 ${percent(point.f1)}`,
  }))];
  byId("point-list").replaceChildren(...choices.map(({ value, text }) => {
    const label = make("label"), radio = make("input", "", { type: "radio", name: "point", value });
    radio.checked = value === String(method.recall ?? "");
    label.append(radio, text);
    return label;
  }));
}

/** @param {Event} event */
async function reload(event) {
  event.preventDefault();
  byId("reload-result").textContent = "Loading …";
  try {
    const chosen = /** @type {HTMLInputElement|null} */ (document.querySelector("[name=point]:checked"))?.value;
    const recall = chosen === undefined ? {} : { recall: chosen ? Number(chosen) : null };
    const model = await call("/v1/model/reload", { method: state.method, source: byId("model-source").value, ...recall });
    byId("reload-result").textContent = `${model.model_version} serves now.`;
  } catch (error) {
    byId("reload-result").textContent = error.message;
  }
  await refreshMethods().catch((error) => showNotice(error.message));
}

async function send() {
  const entities = state.entities.filter(isActive).map(({ start, end, label }) => ({ start, end, label }));
  try {
    const answer = await call("/v1/tasks", { text: state.text.value, entities, language: byId("language").value });
    byId("summary").textContent = answer.message;
  } catch (error) {
    showNotice(error.message);
  }
}

/** @param {string} name */
function showTab(name) {
  for (const tab of ["text", "files"]) {
    const chosen = tab === name;
    byId(`panel-${tab}`).hidden = !chosen;
    byId(`tab-${tab}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
  }
}

/** Scroll the other text to the same share of its height, so that a long document stays side by side.
 * @param {HTMLElement} one
 * @param {HTMLElement} other */
function linkScroll(one, other) {
  one.addEventListener("scroll", () => {
    if (!one.matches(":hover, :focus-within")) return;
    const share = one.scrollTop / Math.max(one.scrollHeight - one.clientHeight, 1);
    other.scrollTop = share * (other.scrollHeight - other.clientHeight);
  }, { passive: true });
}

/** @param {string} theme */
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme-button").setAttribute("aria-pressed", String(theme === "dark"));
  localStorage.setItem("goldspan-theme", theme);
}

/** @param {number} value */
function setThreshold(value) {
  state.threshold = value;
  byId("threshold").value = String(value);
  byId("threshold-value").textContent = value ? `score ${value.toFixed(2)} and above` : "everything that was found";
  draw();
}

/** @param {HTMLElement} target @param {(files: FileList) => void} take */
function acceptDrops(target, take) {
  target.addEventListener("dragover", (event) => { event.preventDefault(); target.classList.add("over"); });
  target.addEventListener("dragleave", () => target.classList.remove("over"));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    target.classList.remove("over");
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
  });
}

function readFileSettings() {
  const settings = /** @type {any} */ (readSettings());
  settings.labels = [...state.selected];
  settings.threshold = state.threshold;
  return settings;
}

/** @param {FileList} files */
async function takeDropped(files) {
  const [file] = files;
  if (files.length === 1 && (file.type === "text/plain" || /\.(txt|md)$/i.test(file.name)) && file.size < 400_000) {
    byId("input").value = await file.text();
  } else {
    showTab("files");
    uploadFiles(files, readFileSettings);
  }
}

function listen() {
  byId("mask-button").addEventListener("click", detect);
  byId("example-button").addEventListener("click", () => { byId("input").value = EXAMPLE; clearResult(); showEditor(true); });
  byId("edit-button").addEventListener("click", () => { state.run++; clearResult(); showEditor(true); });
  byId("undo-button").addEventListener("click", undo);
  byId("copy-button").addEventListener("click", async () => {
    await navigator.clipboard.writeText(state.masked.masked_text);
    byId("copy-button").textContent = "Copied";
    setTimeout(() => { byId("copy-button").textContent = "Copy"; }, 1500);
  });
  byId("download-button").addEventListener("click", () =>
    saveBlob(new Blob([state.masked.masked_text], { type: "text/plain" }), "masked.txt"));
  byId("send-button").addEventListener("click", send);
  byId("restore-button").addEventListener("click", openRestore);
  byId("restore-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => restore(event, state.masked?.mapping ?? {}));
  byId("select-all").addEventListener("click", () => select(() => true));
  byId("select-none").addEventListener("click", () => select(() => false));
  byId("select-common").addEventListener("click", () => select((one) => one.common));
  byId("threshold").addEventListener("input", () => setThreshold(Number(byId("threshold").value)));
  for (const button of document.querySelectorAll("[data-threshold]")) {
    button.addEventListener("click", () => setThreshold(Number(/** @type {HTMLElement} */ (button).dataset.threshold)));
  }
  byId("policy").addEventListener("change", draw);
  linkScroll(byId("original"), byId("masked"));
  linkScroll(byId("masked"), byId("original"));
  byId("theme-button").addEventListener("click", () =>
    setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  for (const name of ["method", "settings"]) {
    byId(`${name}-button`).addEventListener("click", () => { byId(`${name}-dialog`).showModal(); refreshMethods().catch((error) => showNotice(error.message)); });
  }
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog")?.close());
  byId("reload-form").addEventListener("submit", reload);
  byId("menu").addEventListener("click", (/** @type {any} */ event) => { if (event.target.dataset.action) act(event.target.dataset.action); });
  byId("menu-label").addEventListener("change", () => relabel(byId("menu-label").value));
  byId("original").addEventListener("mouseup", markSelection);
  byId("file-input").addEventListener("change", () => { uploadFiles(byId("file-input").files, readFileSettings); byId("file-input").value = ""; });
  acceptDrops(byId("drop"), (files) => uploadFiles(files, readFileSettings));
  acceptDrops(byId("input"), takeDropped);
  for (const tab of ["text", "files"]) {
    byId(`tab-${tab}`).addEventListener("click", () => showTab(tab));
    byId(`tab-${tab}`).addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      const other = tab === "text" ? "files" : "text";
      showTab(other);
      byId(`tab-${other}`).focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenu();
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !byId("input").hidden) detect();
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && byId("input").hidden) { event.preventDefault(); undo(); }
  });
  document.addEventListener("mousedown", (event) => {
    const target = /** @type {Node} */ (event.target);
    if (!byId("menu").contains(target)) closeMenu(false);
  });
}

async function start() {
  setTheme(localStorage.getItem("goldspan-theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  listen();
  setThreshold(0);
  try {
    const [{ labels }, { policies, default: chosen }] = await Promise.all([call("/v1/labels"), call("/v1/policy"), refreshMethods()]);
    state.labels = labels;
    state.selected = new Set(labels.map((/** @type {any} */ one) => one.label));
    for (const one of policies) byId("policy").append(make("option", one.name, { value: one.name, title: one.description }));
    byId("policy").value = chosen;
    for (const one of labels) byId("menu-label").append(make("option", one.name, { value: one.label }));
    drawGroups();
  } catch (error) {
    showNotice(error.message);
  }
}

start();
