// A run as the server sends it, and what it adds up to: maps, sums and one PE's life over a window
// of phases. Everything shown is one of these sums; nothing is sampled. A phase is a window of a kernel's
// time, or a whole kernel where the trace has no finer one; a launch is all phases of one kernel.

import { Links } from "./links.js";
import { Painter } from "./painter.js";

const magic = "cs2view1";
const types = { u32: Uint32Array, i32: Int32Array, f64: Float64Array, i64: BigInt64Array };

/** decode reads the server's message; see encode.go. */
export function decode(buffer) {
  const text = (from, size) => new TextDecoder().decode(new Uint8Array(buffer, from, size));
  if (buffer.byteLength < 16 || text(0, 8) !== magic) throw new Error("the server's answer is not a run");
  const size = Number(new DataView(buffer).getBigUint64(8, true));
  const head = JSON.parse(text(16, size));
  const arrays = {};
  for (const a of head.arrays) arrays[a.name] = new types[a.type](buffer, 16 + size + a.offset, a.length);
  return new Run(head, arrays);
}

/** Run holds one run. Coordinates are PEs, times are cycles, windows are phases first..last. */
export class Run {
  constructor(head, arrays) {
    this.head = head;
    this.name = head.name;
    this.width = head.machine.width;
    this.height = head.machine.height;
    this.usedWidth = head.place.width;
    this.usedHeight = head.place.height;
    this.states = head.states.map((s) => s.name);
    this.a = arrays;
    this.phases = arrays["phase.start"].length;
    if (this.phases === 0) throw new Error(`${head.name}: the run has no phases`);
    const of = arrays["phase.launch"];
    this.launches = of[this.phases - 1] + 1;
    this.launchStart = new Int32Array(this.launches + 1).fill(this.phases); // first phase of each
    for (let i = this.phases - 1; i >= 0; i--) this.launchStart[of[i]] = i;
    this.kinds = arrays["kind.first"].length - 1;
    this.memory = arrays["memory.name"].length;
    this.measured = new Map();
    this.links = new Links(this);
  }

  phaseText(i, field) { return this.head.names[this.a["phase." + field][i]]; }

  start(i) { return this.a["phase.start"][i]; }

  cycles(i) { return this.a["phase.cycles"][i]; }

  end(i) { return this.start(i) + this.cycles(i); }

  launch(i) { return this.a["phase.launch"][i]; }

  /** ofLaunch is its first and its last phase. */
  ofLaunch(n) { return [this.launchStart[n], this.launchStart[n + 1] - 1]; }

  /** whole tells whether phases first..last are launches without a rest. */
  whole(first, last) { return this.ofLaunch(this.launch(first))[0] === first && this.ofLaunch(this.launch(last))[1] === last; }

  inUse(x, y) { return x < this.usedWidth && y < this.usedHeight; }

  /** window counts how often each kind occurs in the phases, and their cycles. */
  window(first, last) {
    if (this.windowIs && this.windowIs.first === first && this.windowIs.last === last) return this.windowIs;
    const times = new Float64Array(this.kinds);
    let cycles = 0;
    for (let i = first; i <= last; i++) {
      times[this.a["phase.kind"][i]]++;
      cycles += this.cycles(i);
    }
    return (this.windowIs = { first, last, times, cycles });
  }

  /** upTo is, by phase and state, the PE-cycles of the whole rectangle in all phases before it. */
  upTo() {
    if (!this.before) {
      const n = this.states.length, sums = this.a["kind.sums"], kind = this.a["phase.kind"];
      this.before = new BigInt64Array((this.phases + 1) * n); // a run's PE-cycles fit, see trace.Check
      for (let i = 0; i < this.phases; i++) {
        for (let s = 0; s < n; s++) this.before[(i + 1) * n + s] = this.before[i * n + s] + sums[kind[i] * n + s];
      }
    }
    return this.before;
  }

  /** totals are the PE-cycles of the whole rectangle by state, exact. */
  totals(first, last) {
    const before = this.upTo(), n = this.states.length;
    return Array.from({ length: n }, (_, s) => before[(last + 1) * n + s] - before[first * n + s]);
  }

  /** phaseShares are the shares of all PEs by state in one phase. */
  phaseShares(i) {
    if (!this.shares) {
      const n = this.states.length, sums = this.a["kind.sums"];
      this.shares = new Float64Array(this.kinds * n);
      for (let k = 0; k < this.kinds; k++) {
        let all = 0;
        for (let s = 0; s < n; s++) all += Number(sums[k * n + s]);
        for (let s = 0; s < n; s++) this.shares[k * n + s] = all ? Number(sums[k * n + s]) / all : 0;
      }
    }
    const n = this.states.length, k = this.a["phase.kind"][i];
    return this.shares.subarray(k * n, (k + 1) * n);
  }

  /** locate finds the cell of one PE in every kind. */
  locate(x, y) {
    if (this.located && this.located.x === x && this.located.y === y) return this.located.cells;
    const spans = this.a["class.span"], n = spans.length / 8;
    const has = new Uint8Array(n);
    for (let c = 0; c < n; c++) has[c] = within(spans, 8 * c, x) && within(spans, 8 * c + 4, y) ? 1 : 0;
    const cells = new Int32Array(this.kinds).fill(-1);
    const first = this.a["kind.first"], of = this.a["cell.class"];
    for (let k = 0; k < this.kinds; k++) {
      for (let i = first[k]; i < first[k + 1]; i++) {
        if (has[of[i]]) {
          cells[k] = i;
          break;
        }
      }
    }
    this.located = { x, y, cells };
    return cells;
  }

  /** addCell adds the cycles by state of the PE in row y, times over, in a cell. */
  addCell(cell, y, times, out) {
    const from = this.a["class.span"][8 * this.a["cell.class"][cell] + 4];
    const late = (y - from) * times;
    const w = this.a["cell.late_wait_weights"][cell] * late, p = this.a["cell.late_wait_partial_sums"][cell] * late;
    for (let s = 0; s < this.states.length; s++) {
      const name = this.states[s];
      out[s] += this.a["cell." + name][cell] * times;
      if (name === "wait_weights") out[s] += w;
      if (name === "wait_partial_sums") out[s] += p;
      if (name === "idle") out[s] -= w + p;
    }
  }

  /** peStates are the cycles by state of one PE. */
  peStates(x, y, first, last) {
    const { times } = this.window(first, last);
    const cells = this.locate(x, y);
    const out = new Float64Array(this.states.length);
    for (let k = 0; k < this.kinds; k++) {
      if (times[k] > 0 && cells[k] >= 0) this.addCell(cells[k], y, times[k], out);
    }
    return out;
  }

  /** peKinds are the shares of one PE by state in every kind, for its timeline. */
  peKinds(x, y) {
    const n = this.states.length, cells = this.locate(x, y);
    const out = new Float64Array(this.kinds * n);
    for (let k = 0; k < this.kinds; k++) {
      if (cells[k] < 0) continue;
      const one = out.subarray(k * n, (k + 1) * n);
      this.addCell(cells[k], y, 1, one);
      let all = 0;
      for (const v of one) all += v;
      for (let s = 0; s < n; s++) one[s] = all ? one[s] / all : 0;
    }
    return out;
  }

  /** live lists what lies in SRAM in a phase, by address. */
  live(phase) {
    const m = (field, i) => this.a["memory." + field][i];
    const out = [];
    for (let i = 0; i < this.memory; i++) {
      if (m("first", i) <= phase && phase <= m("last", i)) {
        out.push({ name: this.head.names[m("name", i)], base: m("base", i), bytes: m("bytes", i) });
      }
    }
    return out.sort((a, b) => a.base - b.base);
  }

  /** memoryEnd is the highest address in use at any time. */
  memoryEnd() {
    let end = 0;
    for (let i = 0; i < this.memory; i++) end = Math.max(end, this.a["memory.base"][i] + this.a["memory.bytes"][i]);
    return end;
  }

  /** featuresOf says which features a column holds. */
  featuresOf(x) {
    const p = this.head.place, bounds = p.features ?? [];
    if (bounds.length === 0 || x >= p.width || p.columns === 0) return "-";
    const c = x % p.columns;
    return `${bounds[c]}..${bounds[c + 1] - 1}`;
  }

  /** tokensOf says which tokens a PE holds: those of a sequence are dealt out to its rows in turn. */
  tokensOf(x, y) {
    const p = this.head.place, rows = p.sequence_rows ?? 0;
    if (!this.inUse(x, y) || p.columns === 0) return "none: not in use";
    const group = Math.floor(x / p.columns);
    if (rows === 0) {
      const first = (group * p.height + y) * p.tokens_per_pe;
      return `${first}..${first + p.tokens_per_pe - 1}`;
    }
    const first = y % rows;
    return `${first}, ${first + rows}, .. ${first + (p.tokens_per_pe - 1) * rows} of sequence ${group * Math.floor(p.height / rows) + Math.floor(y / rows)}`;
  }

  /** hasWavelets tells whether they were counted PE by PE in all of the phases. */
  hasWavelets(first, last) {
    const counted = this.a["phase.counted"];
    for (let i = first; i <= last; i++) if (counted[i] === 0) return false;
    return true;
  }

  /** measure is a number per cell: of a PE in its first row, and how it grows per row. */
  measure(m) {
    const known = this.measured.get(m.id);
    if (known) return known;
    if (this.measured.size > 2) this.measured.clear(); // one is 16 bytes for each of up to a million cells
    const cells = this.a["cell.class"].length;
    const value = new Float64Array(cells), slope = new Float64Array(cells);
    const grow = (state, column, by) => {
      if (!m.states?.includes(state)) return;
      const late = this.a["cell.late_" + column];
      for (let i = 0; i < cells; i++) slope[i] += by * late[i];
    };
    for (const name of m.states ?? []) {
      const of = this.a["cell." + name];
      for (let i = 0; i < cells; i++) value[i] += of[i];
    }
    if (m.id === "wavelets") value.set(this.a["cell.wavelets"]);
    grow("wait_weights", "wait_weights", 1);
    grow("wait_partial_sums", "wait_partial_sums", 1);
    grow("idle", "wait_weights", -1);
    grow("idle", "wait_partial_sums", -1);
    const made = { value, slope };
    this.measured.set(m.id, made);
    return made;
  }

  /** raster adds up a measure for every used PE, row by row of the used rectangle. */
  raster(first, last, m, out) {
    if (m.way !== undefined) return this.links.raster(first, last, m.way, out);
    const { times } = this.window(first, last);
    const { value, slope } = this.measure(m);
    const classes = this.a["class.span"].length / 8;
    // What is still in the window since the last call is not added up again: sums of whole cycles are exact.
    if (this.added?.id !== m.id) this.added = { id: m.id, times: new Float64Array(this.kinds), base: new Float64Array(classes), grow: new Float64Array(classes) };
    const { base, grow, times: before } = this.added;
    const of = this.a["cell.class"], from = this.a["kind.first"];
    for (let k = 0; k < this.kinds; k++) {
      const t = times[k] - before[k];
      if (t === 0) continue;
      before[k] = times[k];
      for (let i = from[k]; i < from[k + 1]; i++) {
        base[of[i]] += t * value[i];
        grow[of[i]] += t * slope[i];
      }
    }
    this.painter ??= new Painter(this.a["class.span"], this.usedWidth, this.usedHeight);
    return this.painter.paint(base, grow, out);
  }
}

function within(spans, at, v) {
  const from = spans[at], step = spans[at + 1], block = spans[at + 2], count = spans[at + 3];
  return v >= from && v < from + (count - 1) * step + block && (v - from) % step < block;
}

/** measures lists what a map can show of a run. */
export function measures(run) {
  const of = (kind) => run.head.states.filter((s) => s.class === kind).map((s) => s.name);
  const all = [
    { id: "busy", label: "busy", note: "datapath or dispatcher works", states: of("busy") },
    { id: "waiting", label: "waiting", note: "has work and cannot go on", states: of("waiting") },
  ];
  for (const s of run.states) all.push({ id: "state." + s, label: s.replaceAll("_", " "), states: [s] });
  all.push({ id: "wavelets", label: "wavelets", note: "into the router", unit: "wavelets", states: null });
  all.push({ id: "energy", label: "core power", note: "mean", unit: "mW", states: of("busy") });
  all.push(...run.links.measures());
  return all;
}
