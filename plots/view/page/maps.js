// What the maps show: values of PEs in the chosen unit, their range, and the difference of two runs.

import { css, diverging, levels } from "./colors.js";
import { short } from "./text.js";

/** scaled makes values of a run: cycles of PEs, and what to multiply them with for the unit. */
export function scaled(run, first, last, { measure: m, unit }, buffer) {
  const { cycles } = run.window(first, last);
  const size = run.usedWidth * run.usedHeight;
  const values = run.raster(first, last, m, buffer?.length === size ? buffer : new Float64Array(size));
  const per = cycles > 0 ? 1 / cycles : 0;
  const out = { values, usedWidth: run.usedWidth, usedHeight: run.usedHeight, width: run.width, height: run.height, columns: run.head.place.columns };
  if (m.unit === "mW") return { ...out, show: per * 1e3 * run.head.machine.watts_per_core, unit: "mW", most: 1e3 * run.head.machine.watts_per_core };
  if (m.unit === "wavelets" && unit === "share") return { ...out, show: per, unit: "per cycle", most: 0 };
  if (unit === "share") return { ...out, show: 100 * per, unit: "%", most: 100 };
  return { ...out, show: 1, unit: m.unit === "wavelets" ? "wavelets" : "cycles", most: cycles };
}

/** extent is the lowest and the highest value in the unit. */
export function extent(v) {
  let lo = Infinity, hi = -Infinity;
  for (const x of v.values) {
    if (x < lo) lo = x;
    if (x > hi) hi = x;
  }
  return lo > hi ? [0, 0] : [lo * v.show, hi * v.show];
}

/** difference is the second map less the first where both use their PEs, about zero. */
export function difference(a, b, buffer) {
  const usedWidth = Math.min(a.usedWidth, b.usedWidth), usedHeight = Math.min(a.usedHeight, b.usedHeight);
  const values = buffer?.length === usedWidth * usedHeight ? buffer : new Float64Array(usedWidth * usedHeight);
  let most = 0;
  for (let y = 0; y < usedHeight; y++) {
    for (let x = 0; x < usedWidth; x++) {
      const d = b.values[y * b.usedWidth + x] * b.show - a.values[y * a.usedWidth + x] * a.show;
      values[y * usedWidth + x] = d;
      if (Math.abs(d) > most) most = Math.abs(d);
    }
  }
  return { values, usedWidth, usedHeight, width: a.width, height: a.height, columns: a.columns, show: 1, unit: a.unit === "%" ? "points" : a.unit, lo: -most, hi: most, ramp: diverging };
}

/** legend labels a ramp below a map. */
export function legend(figure, lo, hi, unit, ramp) {
  const [from, bar, to] = figure.querySelector(".legend").children;
  const sign = (v) => (ramp === diverging && v > 0 ? "+" : "") + short(v);
  from.textContent = sign(lo);
  to.textContent = `${sign(hi)} ${unit}`;
  if (bar.width !== levels) {
    bar.width = levels;
    bar.height = 1;
  }
  const g = bar.getContext("2d");
  for (let i = 0; i < levels; i++) {
    g.fillStyle = css(ramp[i]);
    g.fillRect(i, 0, 1, 1);
  }
}
