/* A Goldspan model directory in the browser, decoded as `goldspan.predictors.model` decodes it.

Works with tokenizers of the kind WordPiece, which read each word alone. Offsets are code points, as everywhere. */

import { Tokenizer } from "./vendor/tokenizers.min.mjs";
import * as ort from "./vendor/ort.wasm.bundle.min.mjs";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
ort.env.wasm.numThreads = 1;

const CONTEXT = 32; // tokens on both sides with which a window's judgement of a token counts
const WORD = /[\p{L}\p{N}\p{M}_]+|[^\s]/gu;

/** @param {string} address */
async function fetchJson(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: status ${answer.status}`);
  return answer.json();
}

/** Open the folder `quantized` of a model directory. @param {string} folder */
export async function openModel(folder) {
  const [tokenizer, config, labels, calibration, manifest] = await Promise.all(
    ["tokenizer.json", "config.json", "label_mappings.json", "calibration.json", "manifest.json"].map((name) => fetchJson(`${folder}/${name}`)));
  if (tokenizer.model.type !== "WordPiece") throw new Error(`The tokenizer is of the kind ${tokenizer.model.type}; this page reads WordPiece.`);
  const session = await ort.InferenceSession.create(`${folder}/model_quantized.onnx`);
  const names = labels.pii.id2label;
  const tags = Object.keys(names).map(Number).sort((a, b) => a - b).map((id) => names[id]);
  return new Model(new Tokenizer(tokenizer, config), session, tags, calibration, manifest.windows);
}

class Model {
  constructor(tokenizer, session, tags, calibration, windows) {
    Object.assign(this, { tokenizer, session, tags, calibration, windows });
    const wrapped = tokenizer.encode("").ids;
    this.prefix = wrapped.slice(0, 1);
    this.suffix = wrapped.slice(1);
  }

  /** The entities of a text: start, end, label and score. @param {string} text */
  async find(text) {
    const tokens = this.encode(text);
    if (!tokens.length) return [];
    const logs = await this.run(tokens.map((one) => one.id));
    return decode(text, tokens, logs, this.tags, this.calibration);
  }

  /** Tokens with the number and the place of their word, in code points. @param {string} text */
  encode(text) {
    const tokens = [];
    let unit = 0, point = 0, word = 0;
    for (const match of text.matchAll(WORD)) {
      point += [...text.slice(unit, match.index)].length;
      const length = [...match[0]].length;
      for (const id of this.tokenizer.encode(match[0], { add_special_tokens: false }).ids) {
        tokens.push({ id, word, start: point, end: point + length });
      }
      unit = match.index + match[0].length;
      point += length;
      word += 1;
    }
    return tokens;
  }

  /** Log-probabilities of each token, averaged over the windows that see it. @param {number[]} ids */
  async run(ids) {
    const size = this.windows.tokens - this.prefix.length - this.suffix.length, width = this.tags.length;
    const windows = [];
    for (let start = 0; start < ids.length; start = windows.at(-1).end - this.windows.overlap) {
      windows.push({ start, end: Math.min(start + size, ids.length) });
      if (windows.at(-1).end === ids.length) break;
    }
    const sums = ids.map(() => new Float64Array(width)), counts = new Array(ids.length).fill(0);
    const margin = (window, place) => place < window.start || place >= window.end ? -1 : Math.min(
      window.start === 0 ? Infinity : place - window.start, window.end === ids.length ? Infinity : window.end - 1 - place);
    const enough = ids.map((_, place) => Math.min(CONTEXT, Math.max(...windows.map((window) => margin(window, place)))));
    for (const window of windows) {
      const row = [...this.prefix, ...ids.slice(window.start, window.end), ...this.suffix].map(BigInt);
      const shape = [1, row.length];
      const found = await this.session.run({
        input_ids: new ort.Tensor("int64", BigInt64Array.from(row), shape),
        attention_mask: new ort.Tensor("int64", BigInt64Array.from(row, () => 1n), shape),
      });
      for (let place = window.start; place < window.end; place++) {
        if (margin(window, place) < enough[place]) continue;
        const from = (place - window.start + this.prefix.length) * width;
        logSoftmax(found.pii_logits.data.subarray(from, from + width)).forEach((value, tag) => { sums[place][tag] += value; });
        counts[place] += 1;
      }
    }
    return sums.map((sum, place) => sum.map((value) => value / counts[place]));
  }
}

function logSoftmax(values) {
  const top = Math.max(...values);
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0)) + top;
  return Array.from(values, (value) => value - total);
}

/** Words get `B-X I-X …`, `I-X …` or `O …` together; the best path keeps the BIO rules (Viterbi). */
function decode(text, tokens, logs, tags, calibration) {
  const scaled = logs.map((row) => logSoftmax(Array.from(row, (value) => value / calibration.temperature)));
  const words = [];
  tokens.forEach((token, place) => {
    if (!words.length || words.at(-1).word !== token.word) words.push({ word: token.word, tokens: [] });
    words.at(-1).tokens.push(place);
  });
  const scores = words.map(({ tokens: places }) => tags.map((tag, number) => {
    const inside = tag.startsWith("B-") ? number + 1 : number;
    return places.reduce((sum, place, order) => sum + scaled[place][order === 0 ? number : inside], 0);
  }));
  const path = findPath(scores);
  const points = [...text], entities = [];
  for (let step = 0; step < path.length;) {
    if (path[step] === 0) { step += 1; continue; }
    const label = (path[step] - 1) >> 1;
    let last = step;
    while (last + 1 < path.length && path[last + 1] === 2 * label + 2) last += 1;
    const places = words.slice(step, last + 1).flatMap((word) => word.tokens);
    const name = tags[2 * label + 1].slice(2);
    const mean = places.reduce((sum, place) => sum + Math.exp(scaled[place][2 * label + 1]) + Math.exp(scaled[place][2 * label + 2]), 0) / places.length;
    const start = tokens[places[0]].start, end = tokens[places.at(-1)].end;
    if (mean >= (calibration.thresholds[name] ?? 0)) entities.push({ start, end, label: name, score: mean, value: points.slice(start, end).join("") });
    step = last + 1;
  }
  return entities;
}

function findPath(scores) {
  const width = scores[0].length, back = [];
  let best = scores[0].map((score, tag) => tag && tag % 2 === 0 ? -Infinity : score);
  for (const row of scores.slice(1)) {
    const source = best.indexOf(Math.max(...best));
    const from = row.map((_, tag) => tag && tag % 2 === 0 ? (best[tag] >= best[tag - 1] ? tag : tag - 1) : source);
    best = row.map((score, tag) => score + best[from[tag]]);
    back.push(from);
  }
  const path = [best.indexOf(Math.max(...best))];
  for (const from of back.reverse()) path.push(from[path.at(-1)]);
  return path.reverse();
}
