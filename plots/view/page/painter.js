// From classes of PEs to every PE: a value in a class's first row, and what it grows by per row.

/** Painter lays classes, spans of eight numbers each, over the used rectangle. */
export class Painter {
  constructor(spans, width, height) {
    Object.assign(this, { spans, width, height, stretches: [], scattered: [] });
    const byRows = new Map();
    for (let c = 0; c < spans.length / 8; c++) {
      const [x, , , , y, step, block, count] = spans.subarray(8 * c, 8 * c + 8);
      if (x >= width || y >= height) continue; // not in use
      if (count === 1 || step === block) {
        this.stretches.push(c);
        continue;
      }
      const key = `${y} ${step} ${block} ${count}`;
      if (!byRows.has(key)) byRows.set(key, { y, step, block, count, classes: [] });
      byRows.get(key).classes.push(c);
    }
    this.scattered = [...byRows.values()];
    const size = (height + 1) * width;
    this.jump = new Float64Array(size); // of the value, where a stretch begins or ends
    this.bend = new Float64Array(size); // of what it grows by
    this.marked = new Uint8Array(height + 1); // rows with a jump
    this.value = new Float64Array(width);
    this.grow = new Float64Array(width);
  }

  columns(c, f) {
    const at = 8 * c, [from, step, block, count] = this.spans.subarray(at, at + 4);
    for (let n = 0; n < count; n++) {
      const x0 = from + n * step, x1 = Math.min(this.width, x0 + block);
      for (let x = x0; x < x1; x++) f(x);
    }
  }

  /** paint fills out, row by row, with the sum of all classes. */
  paint(base, grow, out) {
    this.stretch(base, grow, out);
    for (const f of this.scattered) this.scatter(f, base, grow, out);
    return out;
  }

  // stretch paints classes of neighbouring rows. Each is noted only where it begins and ends; one
  // pass down the rows adds up what is going on, so that thousands of them cost no more than one.
  stretch(base, grow, out) {
    const { spans, width: w, height: h, jump, bend, marked, value, grow: slope } = this;
    for (const c of this.stretches) {
      const b = base[c], g = grow[c];
      if (b === 0 && g === 0) continue;
      const from = spans[8 * c + 4], to = Math.min(h, from + spans[8 * c + 6] * spans[8 * c + 7]);
      const end = b + (to - from) * g;
      marked[from] = marked[to] = 1;
      this.columns(c, (x) => {
        jump[from * w + x] += b;
        bend[from * w + x] += g;
        jump[to * w + x] -= end;
        bend[to * w + x] -= g;
      });
    }
    value.fill(0);
    slope.fill(0);
    for (let y = 0; y < h; y++) {
      const row = y * w;
      if (marked[y]) {
        for (let x = 0; x < w; x++) {
          out[row + x] = value[x] += slope[x] + jump[row + x];
          slope[x] += bend[row + x];
        }
      } else {
        for (let x = 0; x < w; x++) out[row + x] = value[x] += slope[x];
      }
    }
    for (let y = 0; y <= h; y++) {
      if (!marked[y]) continue;
      jump.fill(0, y * w, (y + 1) * w);
      bend.fill(0, y * w, (y + 1) * w);
      marked[y] = 0;
    }
  }

  // scatter paints classes of the same rows, some apart, by a template of one row.
  scatter(f, base, grow, out) {
    const { width: w, height: h, value, grow: slope } = this;
    if (!f.classes.some((c) => base[c] !== 0 || grow[c] !== 0)) return;
    value.fill(0);
    slope.fill(0);
    for (const c of f.classes) {
      const b = base[c], g = grow[c];
      this.columns(c, (x) => {
        value[x] += b;
        slope[x] += g;
      });
    }
    for (let n = 0; n < f.count; n++) {
      for (let k = 0; k < f.block; k++) {
        const y = f.y + n * f.step + k, row = y * w, d = y - f.y;
        if (y >= h) return;
        for (let x = 0; x < w; x++) out[row + x] += value[x] + d * slope[x];
      }
    }
  }
}
