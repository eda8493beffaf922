"use strict";
/* Calls of the server. Errors carry the server's message; they never hold a text. */

/** @param {string} path @param {any} [body] @param {RequestInit} [options] @returns {Promise<any>} */
async function call(path, body, options = {}) {
  const headers = /** @type {Record<string, string>} */ ({});
  const token = sessionStorage.getItem("goldspan-token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
      headers, ...options,
    });
  } catch {
    throw new Error("The server does not answer. Is goldspan serve running?");
  }
  if (response.status === 401) {
    await askToken();
    return call(path, body, options);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? `The server answered ${response.status}.`);
  return answer;
}

/** @param {string} path @param {string} name */
async function download(path, name) {
  const token = sessionStorage.getItem("goldspan-token");
  const response = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (!response.ok) throw new Error("The result is not there any more.");
  saveBlob(await response.blob(), name);
}

/** @param {Blob} blob @param {string} name */
function saveBlob(blob, name) {
  const link = make("a", "", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function askToken() {
  const dialog = byId("token-dialog");
  return /** @type {Promise<void>} */ (new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      sessionStorage.setItem("goldspan-token", byId("token").value);
      resolve();
    }, { once: true });
    dialog.showModal();
  }));
}
