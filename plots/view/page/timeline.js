// Kernels over time: layers, kernels, what all PEs and one PE did, and the window that is looked at.

import { inkOn, nameColor, stateColor, theme } from "./colors.js";
import { fit, seconds, sharp, short } from "./text.js";

const gutter = 74;

// stackOrder draws work from the bottom, then waiting, then nothing to do.
const stackOrder = ["compute", "memory_conflict", "ring_add", "overhead", "wait_weights", "wait_partial_sums", "blocked_output", "idle"];

/** Timeline draws one canvas; on.window gets the first and last phase of a brush. */
export class Timeline {
  constructor(canvas, on) {
    Object.assign(this, { canvas, on, base: document.createElement("canvas"), stale: true });
    canvas.addEventListener("pointerdown", (e) => {
      if (!this.run || e.button !== 0 || e.offsetX < gutter) return;
      canvas.setPointerCapture(e.pointerId);
      this.brush = this.phaseAt(this.time(e));
      on.window(this.brush, this.brush);
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!this.run) return;
      const at = this.phaseAt(this.time(e));
      if (this.brush !== undefined) on.window(Math.min(at, this.brush), Math.max(at, this.brush));
      else on.hover(e.offsetX < gutter ? null : at);
    });
    canvas.addEventListener("pointerup", () => (this.brush = undefined));
    canvas.addEventListener("pointerleave", () => on.hover(null));
    canvas.addEventListener("dblclick", () => this.run && on.window(0, this.run.phases - 1));
    canvas.addEventListener("wheel", (e) => {
      if (!this.run) return;
      e.preventDefault();
      this.zoom(Math.exp(e.deltaY * (e.deltaMode === 1 ? 0.05 : 0.0015)), this.time(e), e.deltaX);
    }, { passive: false });
  }

  /** set takes a run, and the shares by kind of one PE or null. */
  set(run, pe) {
    if (run !== this.run) Object.assign(this, { run, from: 0, to: Math.max(1, run.head.cycles), stale: true });
    if (pe !== this.pe) this.stale = true;
    this.pe = pe;
  }

  zoom(factor, at, sideways) {
    const all = Math.max(1, this.run.head.cycles);
    const size = Math.min(all, Math.max(10, (this.to - this.from) * factor));
    let from = at - ((at - this.from) / (this.to - this.from)) * size + (sideways * size) / 2000;
    from = Math.min(all - size, Math.max(0, from));
    Object.assign(this, { from, to: from + size, stale: true });
    this.on.view();
  }

  time(e) { return this.from + ((e.offsetX - gutter) / (this.canvas.clientWidth - gutter)) * (this.to - this.from); }

  /** phaseAt is the phase that runs at a time. */
  phaseAt(time) {
    const r = this.run;
    let lo = 0, hi = r.phases - 1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (r.start(mid) <= time) lo = mid;
      else hi = mid - 1;
    }
    return lo;
  }

  /** draw shows the tracks, and over them the window. */
  draw(first, last) {
    const { g, w, h } = sharp(this.canvas);
    if (!this.run || this.run.phases === 0) return;
    if (this.stale || this.base.width !== this.canvas.width || this.base.height !== this.canvas.height) this.tracks(w, h);
    g.drawImage(this.base, 0, 0, w, h);
    const x = (t) => gutter + ((t - this.from) / (this.to - this.from)) * (w - gutter);
    const a = Math.max(gutter, x(this.run.start(first))), b = Math.min(w, Math.max(x(this.run.end(last)), a + 2));
    const t = theme();
    g.globalAlpha = 0.55;
    g.fillStyle = t.panel;
    if (a > gutter) g.fillRect(gutter, 0, a - gutter, h - 16);
    if (b < w) g.fillRect(b, 0, w - b, h - 16);
    g.globalAlpha = 1;
    g.strokeStyle = t.accent;
    g.lineWidth = 2;
    if (b >= gutter && a <= w) g.strokeRect(a + 1, 1, Math.max(1, b - a - 2), h - 18);
  }

  tracks(w, h) {
    this.base.width = this.canvas.width;
    this.base.height = this.canvas.height;
    const g = this.base.getContext("2d");
    const ratio = this.canvas.width / w;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.font = "11px system-ui, sans-serif";
    g.textBaseline = "middle";
    const t = theme();
    const stack = (h - 16 - 2 * 19 - 8) / (this.pe ? 2 : 1);
    let y = 0;
    this.blocks(g, w, y, 17, "layer", "layers", t);
    this.blocks(g, w, (y += 19), 17, "frame", "kernels", t);
    this.stack(g, w, (y += 21), stack - 3, (i) => this.run.phaseShares(i), "all PEs", t);
    if (this.pe) {
      const n = this.run.states.length, kind = this.run.a["phase.kind"];
      this.stack(g, w, y + stack, stack - 3, (i) => this.pe.shares.subarray(kind[i] * n, (kind[i] + 1) * n), `PE ${this.pe.x},${this.pe.y}`, t);
    }
    this.axis(g, w, h, t);
    this.stale = false;
  }

  label(g, y, height, text, t) {
    g.fillStyle = t.soft;
    g.textAlign = "right";
    g.fillText(text, gutter - 6, y + height / 2);
    g.textAlign = "left";
  }

  // blocks are neighbours of one name drawn as one; what is narrower than a pixel is covered by its neighbours.
  blocks(g, w, y, height, field, title, t) {
    this.label(g, y, height, title, t);
    const r = this.run, of = r.a["phase." + field], pass = r.a["phase.pass"];
    const x = (time) => gutter + ((time - this.from) / (this.to - this.from)) * (w - gutter);
    let drawn = gutter;
    for (let i = this.phaseAt(this.from); i < r.phases && r.start(i) < this.to;) {
      let j = i;
      while (j + 1 < r.phases && of[j + 1] === of[i] && pass[j + 1] === pass[i]) j++;
      const a = Math.max(drawn, gutter, x(r.start(i))), b = Math.min(w, x(r.end(j)));
      if (b - a >= 0.4) {
        const color = r.a["phase.barrier"][i] === 1 && field === "frame" ? "#888888" : nameColor(of[i]);
        g.fillStyle = color;
        g.fillRect(a, y, Math.max(0.5, b - a - (b - a > 4 ? 1 : 0)), height);
        g.fillStyle = inkOn(color);
        const text = field === "layer" ? `${r.phaseText(i, "layer")}, ${r.phaseText(i, "pass")}` : r.phaseText(i, "frame");
        if (b - a > 24) g.fillText(fit(g, text, b - a - 8), a + 4, y + height / 2 + 0.5);
        drawn = b;
      }
      i = j + 1;
    }
  }

  // stack shows shares of states over time; a pixel has the mean of what it covers.
  stack(g, w, y, height, shares, title, t) {
    this.label(g, y, height, title, t);
    const r = this.run, order = stackOrder.map((s) => r.states.indexOf(s)).filter((s) => s >= 0);
    const step = (this.to - this.from) / (w - gutter), n = r.states.length;
    const sum = new Float64Array(n);
    let i = this.phaseAt(this.from);
    for (let px = gutter; px < w; px++) {
      const a = this.from + (px - gutter) * step, b = Math.min(r.head.cycles, a + step);
      sum.fill(0);
      let all = 0;
      while (i < r.phases && r.start(i) < b) {
        const part = Math.min(b, r.end(i)) - Math.max(a, r.start(i));
        if (part > 0) {
          const s = shares(i);
          for (let k = 0; k < n; k++) sum[k] += part * s[k];
          all += part;
        }
        if (r.end(i) > b) break;
        i++;
      }
      if (all === 0) continue;
      let at = y + height;
      for (const k of order) {
        const size = (sum[k] / all) * height;
        if (size < 0.01) continue;
        g.fillStyle = stateColor(r.states[k]);
        g.fillRect(px, at - size, 1.1, size);
        at -= size;
      }
    }
  }

  axis(g, w, h, t) {
    const clock = this.run.head.machine.clock_hz;
    const span = this.to - this.from, raw = span / Math.max(2, Math.floor((w - gutter) / 130));
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
    g.fillStyle = t.soft;
    g.strokeStyle = t.line;
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const x = gutter + ((at - this.from) / span) * (w - gutter);
      g.fillRect(x, h - 16, 1, 4);
      const text = `${short(at)} · ${seconds(at / clock)}`;
      const size = g.measureText(text).width;
      g.fillText(text, Math.min(w - size, Math.max(gutter, x - (at === 0 ? 0 : size / 2))), h - 6);
    }
    g.textAlign = "right";
    g.fillText("cycles", gutter - 6, h - 6);
    g.textAlign = "left";
  }
}
