// Wavelets over links: of a color and direction as a map, and of one router in numbers.

import { Painter } from "./painter.js";
import { percent, short } from "./text.js";

const shares = 2 ** 20; // parts of a kernel; trace.Whole

/** Links are those of a run; ways are its colors and directions. */
export class Links {
  constructor(run) {
    this.run = run;
    this.ways = run.head.ways ?? [];
    this.counted = run.head.links === true;
    this.a = (name) => run.a["link." + name];
    this.spans = run.a["linkclass.span"];
  }

  /** measures lists a map's choice for each way, which has the same words in every run. */
  measures() {
    return this.names().map((way) => ({ id: `link.${way}`, label: way, note: "wavelets over the link", unit: "wavelets", states: null, way }));
  }

  names() { return (this.known ??= this.ways.map((w) => `${w.color} ${w.carries}, ${w.direction}`)); }

  /**
   * times are how often each kind of a kernel's links counts in a window. Links are not cut by time: windows of a
   * kernel have shares of them, whose parts are of a power of two, so that all of them are the kernel's exactly.
   */
  times(first, last) {
    const kind = this.a("kind"), share = this.a("share");
    const times = new Float64Array(this.a("first").length - 1);
    for (let i = first; i <= last; i++) times[kind[this.run.launch(i)]] += share[i] / shares;
    return times;
  }

  /** raster adds up the wavelets of a way's links for every used router; a run without it has none. */
  raster(first, last, name, out) {
    const times = this.times(first, last);
    const way = this.names().indexOf(name);
    const classes = this.spans.length / 8;
    const base = (this.base ??= new Float64Array(classes)).fill(0);
    const grow = (this.grow ??= new Float64Array(classes)).fill(0);
    const from = this.a("first"), of = this.a("class"), ways = this.a("way"), wavelets = this.a("wavelets"), more = this.a("more");
    for (let k = 0; k < times.length; k++) {
      const t = times[k];
      if (t === 0) continue;
      for (let i = from[k]; i < from[k + 1]; i++) {
        if (ways[i] !== way) continue;
        base[of[i]] += t * wavelets[i];
        grow[of[i]] += t * more[i];
      }
    }
    this.painter ??= new Painter(this.spans, this.run.usedWidth, this.run.usedHeight);
    return this.painter.paint(base, grow, out);
  }

  /** locate finds the classes that a router is in. */
  locate(x, y) {
    if (this.located?.x === x && this.located.y === y) return this.located.has;
    const spans = this.spans, has = new Uint8Array(spans.length / 8);
    for (let c = 0; c < has.length; c++) has[c] = within(spans, 8 * c, x) && within(spans, 8 * c + 4, y) ? 1 : 0;
    this.located = { x, y, has };
    return has;
  }

  /** at are the wavelets of one router's links by way. */
  at(first, last, x, y) {
    const times = this.times(first, last);
    const spans = this.spans, has = this.locate(x, y);
    const out = new Float64Array(this.ways.length);
    const from = this.a("first"), of = this.a("class"), ways = this.a("way"), wavelets = this.a("wavelets"), more = this.a("more");
    for (let k = 0; k < times.length; k++) {
      const t = times[k];
      if (t === 0) continue;
      for (let i = from[k]; i < from[k + 1]; i++) {
        if (has[of[i]]) out[ways[i]] += t * (wavelets[i] + (more[i] === 0 ? 0 : more[i] * (y - spans[8 * of[i] + 4])));
      }
    }
    return out;
  }

  /** facts says of one router what each of its links carried: all colors, and that with the most. */
  facts(first, last, x, y) {
    if (!this.counted) return [["links", "not counted"]];
    const key = `${first} ${last} ${x} ${y}`;
    if (this.said?.key === key) return this.said.facts;
    const { cycles } = this.run.window(first, last);
    const n = this.at(first, last, x, y), facts = [];
    for (const d of ["north", "east", "south", "west", "ramp_down", "ramp_up", "edge_out", "edge_in"]) {
      let all = 0, most = -1;
      for (let w = 0; w < n.length; w++) {
        if (this.ways[w].direction !== d || n[w] === 0) continue;
        all += n[w];
        if (most < 0 || n[w] > n[most]) most = w;
      }
      if (most < 0) continue;
      const who = n[most] === all ? this.ways[most].carries : `most ${this.ways[most].carries}`;
      facts.push([`${d.replace("_", " ")} link`, `${percent(cycles > 0 ? all / cycles : 0)} %, ${short(Math.round(all))} wavelets: ${who}`]);
    }
    this.said = { key, facts };
    return facts;
  }
}

function within(spans, at, v) {
  const from = spans[at], step = spans[at + 1], block = spans[at + 2], n = spans[at + 3];
  return v >= from && v < from + (n - 1) * step + block && (v - from) % step < block;
}
