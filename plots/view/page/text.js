// Numbers and elements. Names of a trace reach the page as text nodes only.

const digits = new Intl.NumberFormat("en-US");

/** count groups the digits of an integer, of any size. */
export function count(n) { return digits.format(n); }

/** percent shows a share. */
export function percent(share) {
  const p = 100 * share;
  if (!Number.isFinite(p)) return "-";
  if (p !== 0 && Math.abs(p) < 0.05) return p < 0 ? "> -0.1" : "< 0.1";
  return p.toFixed(1);
}

/** short shows a number in four digits. */
export function short(v) {
  if (v === 0) return "0";
  const a = Math.abs(v);
  for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (a >= size) return trim((v / (unit === "k" ? 1e3 : size)).toPrecision(3)) + unit;
  }
  return trim(v.toPrecision(4));
}

function trim(s) { return s.includes(".") && !s.includes("e") ? s.replace(/\.?0+$/, "") : s; }

/** seconds shows a time. */
export function seconds(s) {
  for (const [size, unit] of [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]]) {
    if (s >= size) return trim((s / size).toPrecision(3)) + " " + unit;
  }
  return trim((s / 1e-9).toPrecision(3)) + " ns";
}

/** el makes an element with a class, a text and children. */
export function el(tag, name = "", text = null, ...children) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  if (text !== null) e.textContent = text;
  e.append(...children);
  return e;
}

/** fit shortens a text for a canvas to a width, to nothing if that is all that fits. */
export function fit(g, text, width) {
  if (width < 14) return "";
  if (g.measureText(text).width <= width) return text;
  let n = Math.floor((text.length * width) / g.measureText(text).width);
  while (n > 1 && g.measureText(text.slice(0, n) + "…").width > width) n--;
  return n > 1 ? text.slice(0, n) + "…" : "";
}

/** sharp gives a canvas the resolution of the screen and a context in CSS pixels. */
export function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, w, h);
  g.font = "11px system-ui, sans-serif";
  g.textBaseline = "middle";
  return { g, w, h };
}
