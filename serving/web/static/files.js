"use strict";
/* The Files tab: uploads, their jobs, and the results. */

const POLL = 500;

/** @param {FileList|File[]} files @param {() => any} readSettings */
function uploadFiles(files, readSettings) {
  for (const file of files) uploadFile(file, readSettings());
}

/** @param {File} file @param {any} settings */
async function uploadFile(file, settings) {
  byId("no-jobs")?.remove();
  const row = make("tr");
  const cells = [file.name, "uploading", "", "", ""].map((text, number) =>
    row.appendChild(make("td", text, { className: number === 2 ? "number" : "" })));
  byId("jobs").append(row);
  try {
    const form = new FormData();
    form.append("settings", JSON.stringify(settings));
    form.append("file", file);
    let job = await call("/v1/files", form);
    while (job.state === "queued" || job.state === "running") {
      cells[1].textContent = job.state;
      await new Promise((resolve) => setTimeout(resolve, POLL));
      job = await call(`/v1/jobs/${job.id}`);
    }
    if (job.state !== "done") throw new Error(job.error);
    showDone(cells, job);
  } catch (error) {
    cells[1].textContent = `failed: ${error.message}`;
    cells[1].className = "bad";
    cells[4].textContent = "nothing to download";
  }
}

/** @param {HTMLElement[]} cells @param {any} job */
function showDone(cells, job) {
  const counts = /** @type {number[]} */ (Object.values(job.counts));
  cells[1].textContent = job.notes.length ? `masked (${job.notes.join("; ")})` : "masked";
  cells[2].textContent = String(counts.reduce((sum, count) => sum + count, 0));
  cells[3].textContent = "passed ✓";
  cells[3].className = "good";
  const button = make("button", "Download", { type: "button", ariaLabel: `Download ${job.file}` });
  button.addEventListener("click", () => download(job.result, job.file).catch((error) => showNotice(error.message)));
  cells[4].append(button);
}
