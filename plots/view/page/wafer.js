// The wafer as a map: one pixel of an image per PE, moved and scaled with the pointer.

import { levels, packed, theme } from "./colors.js";
import { sharp, short } from "./text.js";

const left = 30, top = 16; // of the rulers

/** View is the part of the wafer that all maps show: the PE in the middle and pixels per PE. */
export class View {
  constructor(width, height) {
    Object.assign(this, { width, height, x: width / 2, y: height / 2, zoom: 1 });
  }

  fit() { Object.assign(this, { x: this.width / 2, y: this.height / 2, zoom: 1 }); }

  /** by zooms around a place. */
  by(factor, x = this.x, y = this.y) {
    const zoom = Math.min(200, Math.max(1, this.zoom * factor));
    const f = this.zoom / zoom;
    this.x = x + (this.x - x) * f;
    this.y = y + (this.y - y) * f;
    this.zoom = zoom;
    if (zoom === 1) this.fit();
    this.clamp();
  }

  clamp() {
    this.x = Math.min(this.width, Math.max(0, this.x));
    this.y = Math.min(this.height, Math.max(0, this.y));
  }

  /** show moves so that a PE is well inside. */
  show(x, y) {
    const half = 0.4 / this.zoom;
    const near = (v, at, size) => Math.min(at + half * size, Math.max(at - half * size, v));
    this.x = near(this.x, x + 0.5, this.width);
    this.y = near(this.y, y + 0.5, this.height);
  }
}

/** WaferMap draws one canvas. on.hover and on.pick get the PE, on.view is called after a move. */
export class WaferMap {
  constructor(canvas, on) {
    Object.assign(this, { canvas, on, image: document.createElement("canvas"), data: null });
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      if (!this.view) return;
      const at = this.at(e);
      this.view.by(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 0.05 : 0.0015)), at.x, at.y);
      on.view();
    }, { passive: false });
    canvas.addEventListener("pointerdown", (e) => {
      if (!this.view || e.button !== 0) return;
      canvas.setPointerCapture(e.pointerId);
      this.drag = { x: e.offsetX, y: e.offsetY, moved: false };
    });
    canvas.addEventListener("pointermove", (e) => this.moved(e));
    canvas.addEventListener("pointerup", (e) => {
      if (this.drag && !this.drag.moved) on.pick(this.pe(e));
      this.drag = null;
    });
    canvas.addEventListener("pointerleave", () => on.hover(null));
    canvas.addEventListener("dblclick", () => {
      this.view?.fit();
      on.view();
    });
  }

  moved(e) {
    if (!this.view) return;
    if (this.drag) {
      const dx = e.offsetX - this.drag.x, dy = e.offsetY - this.drag.y;
      if (!this.drag.moved && Math.hypot(dx, dy) < 4) return;
      this.view.x -= dx / this.scale();
      this.view.y -= dy / this.scale();
      this.view.clamp();
      this.drag = { x: e.offsetX, y: e.offsetY, moved: true };
      this.on.view();
      return;
    }
    this.on.hover(this.pe(e));
  }

  /** scale is pixels per PE. */
  scale() {
    const w = this.canvas.clientWidth - left - 4, h = this.canvas.clientHeight - top - 4;
    return Math.max(0.01, Math.min(w / this.view.width, h / this.view.height)) * this.view.zoom;
  }

  middle() { return { x: left + (this.canvas.clientWidth - left) / 2, y: top + (this.canvas.clientHeight - top) / 2 }; }

  at(e) {
    const m = this.middle(), s = this.scale();
    return { x: this.view.x + (e.offsetX - m.x) / s, y: this.view.y + (e.offsetY - m.y) / s };
  }

  pe(e) {
    const at = this.at(e), x = Math.floor(at.x), y = Math.floor(at.y);
    return x >= 0 && y >= 0 && x < this.view.width && y < this.view.height ? { x, y } : null;
  }

  /** set takes values of the used PEs, row by row, and the range of colours. */
  set(data) {
    this.data = data;
    const { values, usedWidth, usedHeight, width, height, lo, hi, ramp } = data;
    if (this.image.width !== width || this.image.height !== height || !this.pixels) {
      this.image.width = width;
      this.image.height = height;
      this.pixels = new ImageData(width, height);
    }
    const out = new Uint32Array(this.pixels.data.buffer), none = packed(theme().unused);
    const scale = hi > lo ? (levels - 1) / (hi - lo) : 0;
    const flat = hi > lo ? 0 : levels >> 1;
    for (let y = 0; y < height; y++) {
      const row = y * width, from = y * usedWidth, used = y < usedHeight ? usedWidth : 0;
      for (let x = 0; x < used; x++) {
        const level = flat + (values[from + x] - lo) * scale + 0.5;
        out[row + x] = ramp[level < 0 ? 0 : level >= levels ? levels - 1 : level | 0];
      }
      out.fill(none, row + used, row + width);
    }
    this.image.getContext("2d").putImageData(this.pixels, 0, 0);
  }

  /** draw shows the part that is in view, the rulers, and the marked PEs. */
  draw(marks) {
    const { g, w, h } = sharp(this.canvas);
    if (!this.data || !this.view) return;
    const s = this.scale(), m = this.middle(), t = theme();
    const x0 = m.x - this.view.x * s, y0 = m.y - this.view.y * s; // of PE 0,0
    g.save();
    g.beginPath();
    g.rect(left, top, w - left, h - top);
    g.clip();
    g.imageSmoothingEnabled = s < 1;
    g.drawImage(this.image, x0, y0, this.data.width * s, this.data.height * s);
    this.lines(g, x0, y0, s, w, h);
    for (const mark of marks) {
      const size = Math.max(s, 5), dx = (s - size) / 2;
      g.lineWidth = 3;
      g.strokeStyle = "#000000";
      g.strokeRect(x0 + mark.x * s + dx, y0 + mark.y * s + dx, size, size);
      g.lineWidth = 1.5;
      g.strokeStyle = mark.pinned ? "#ffffff" : "#ffd75e";
      g.strokeRect(x0 + mark.x * s + dx, y0 + mark.y * s + dx, size, size);
    }
    g.restore();
    rulers(g, x0, y0, s, w, h, this.data, t);
  }

  // lines are the borders of token groups, and from some size on of PEs with their values.
  lines(g, x0, y0, s, w, h) {
    const { columns, usedWidth, usedHeight, values } = this.data;
    const line = (x) => {
      g.moveTo(Math.round(x0 + x * s) + 0.5, Math.max(top, y0));
      g.lineTo(Math.round(x0 + x * s) + 0.5, Math.min(h, y0 + usedHeight * s));
    };
    g.strokeStyle = "rgb(255 255 255 / 0.35)";
    g.lineWidth = 1;
    g.beginPath();
    if (columns > 0 && columns < usedWidth && columns * s > 16) for (let x = columns; x < usedWidth; x += columns) line(x);
    g.stroke();
    if (s < 8) return;
    const from = Math.max(0, Math.floor((left - x0) / s)), to = Math.min(this.data.width, Math.ceil((w - x0) / s));
    const up = Math.max(0, Math.floor((top - y0) / s)), down = Math.min(this.data.height, Math.ceil((h - y0) / s));
    g.strokeStyle = "rgb(0 0 0 / 0.3)";
    g.beginPath();
    for (let x = from; x <= to; x++) {
      g.moveTo(Math.round(x0 + x * s) + 0.5, y0 + up * s);
      g.lineTo(Math.round(x0 + x * s) + 0.5, y0 + down * s);
    }
    for (let y = up; y <= down; y++) {
      g.moveTo(x0 + from * s, Math.round(y0 + y * s) + 0.5);
      g.lineTo(x0 + to * s, Math.round(y0 + y * s) + 0.5);
    }
    g.stroke();
    if (s < 36) return;
    g.textAlign = "center";
    g.lineWidth = 3;
    g.strokeStyle = "rgb(0 0 0 / 0.7)";
    g.fillStyle = "#ffffff";
    for (let y = up; y < Math.min(down, usedHeight); y++) {
      for (let x = from; x < Math.min(to, usedWidth); x++) {
        const text = short(values[y * usedWidth + x] * this.data.show);
        g.strokeText(text, x0 + (x + 0.5) * s, y0 + (y + 0.5) * s);
        g.fillText(text, x0 + (x + 0.5) * s, y0 + (y + 0.5) * s);
      }
    }
    g.textAlign = "left";
  }
}

function rulers(g, x0, y0, s, w, h, data, t) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((n) => n * s >= 42) ?? 2000;
  g.fillStyle = t.soft;
  g.textAlign = "center";
  for (let x = 0; x <= data.width; x += step) {
    const at = x0 + (x + (s > 8 ? 0.5 : 0)) * s;
    if (at > left + 4 && at < w - 8) g.fillText(String(x), at, top / 2);
  }
  g.textAlign = "right";
  for (let y = 0; y <= data.height; y += step) {
    const at = y0 + (y + (s > 8 ? 0.5 : 0)) * s;
    if (at > top + 4 && at < h - 4) g.fillText(String(y), left - 5, at);
  }
  g.textAlign = "left";
}
