"use strict";
/* The Restore dialog: an answer about the masked text gets its originals back. The mapping never leaves this page but to its server. */

function openRestore() {
  byId("restore-result").hidden = true;
  byId("restore-note").textContent = "";
  byId("restore-dialog").showModal();
  byId("restore-input").focus();
}

/** @param {SubmitEvent} event @param {Record<string, string>} mapping */
async function restore(event, mapping) {
  event.preventDefault();
  const text = byId("restore-input").value, result = byId("restore-result"), note = byId("restore-note");
  result.hidden = true;
  if (!text.trim()) return void (note.textContent = "Paste the answer first.");
  try {
    const restored = await call("/v1/restore", { text, mapping });
    result.textContent = restored.text;
    result.hidden = false;
    const count = `${restored.restored} ${restored.restored === 1 ? "value" : "values"} restored`;
    note.textContent = restored.unknown.length ? `${count} · unknown: ${restored.unknown.join(", ")}` : count;
  } catch (error) {
    note.textContent = /** @type {Error} */ (error).message;
  }
}
