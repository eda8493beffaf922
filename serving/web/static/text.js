"use strict";
/* Offsets: the server counts Unicode code points, JavaScript UTF-16 units. */

/** @typedef {{start: number, end: number, label: string, score: number|null, source: string, off: boolean}} Entity */

/** A text by code points. */
class Text {
  /** @param {string} value */
  constructor(value) {
    this.value = value;
    this.points = Array.from(value);
    this.units = [0];
    for (const point of this.points) this.units.push(this.units[this.units.length - 1] + point.length);
  }

  /** @param {number} start @param {number} end */
  slice(start, end) {
    return this.value.slice(this.units[start], this.units[end]);
  }

  /** The code point offset of a UTF-16 offset. @param {number} unit */
  toPoint(unit) {
    let low = 0, high = this.units.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.units[middle] < unit) low = middle + 1; else high = middle;
    }
    return low;
  }

  /** Every place where a value stands alone. @param {string} value @returns {[number, number][]} */
  find(value) {
    /** @type {[number, number][]} */
    const places = [];
    const word = /[\p{L}\p{N}_]/u;
    for (let at = this.value.indexOf(value); value && at >= 0; at = this.value.indexOf(value, at + value.length)) {
      const start = this.toPoint(at), end = this.toPoint(at + value.length);
      const before = this.points[start - 1] ?? " ", after = this.points[end] ?? " ";
      if (!(word.test(before) && word.test(this.points[start])) && !(word.test(after) && word.test(this.points[end - 1]))) {
        places.push([start, end]);
      }
    }
    return places;
  }
}

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** An element with text and properties; text is never read as HTML.
 * @param {string} tag @param {string} [text] @param {Record<string, any>} [properties] @returns {any} */
function make(tag, text = "", properties = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  return Object.assign(element, properties);
}
