// The flame graph: experiment, layer, operation, kernel and state, as wide as their PE-cycles. Frames
// and their nesting are those of the pprof profile.

import { inkOn, nameColor, stateColor, theme } from "./colors.js";
import { count, fit, percent, sharp } from "./text.js";

const rowHeight = 21;

/** tree adds up the phases first..last. */
export function tree(run, first, last) {
  const root = node(run.head.experiment, null, 0);
  const n = run.states.length, before = run.upTo(), of = (f) => run.a["phase." + f];
  const layer = of("layer"), op = of("op"), frame = of("frame");
  const names = run.head.names;
  const leaves = new Map();
  for (let i = first; i <= last;) {
    const key = (layer[i] * names.length + op[i]) * names.length + frame[i];
    let leaf = leaves.get(key);
    if (!leaf) {
      leaf = child(root, names[layer[i]], layer[i]);
      if (op[i] !== layer[i] && names[op[i]] !== "") leaf = child(leaf, names[op[i]], op[i]);
      leaf = child(leaf, names[frame[i]], frame[i]);
      leaf.states ??= new Array(n).fill(0n);
      leaves.set(key, leaf);
    }
    const end = Math.min(last, run.ofLaunch(run.launch(i))[1]) + 1;
    for (let s = 0; s < n; s++) leaf.states[s] += before[end * n + s] - before[i * n + s];
    i = end;
  }
  for (const leaf of new Set(leaves.values())) {
    for (let s = 0; s < n; s++) {
      const cycles = leaf.states[s];
      if (cycles === 0n) continue;
      const state = child(leaf, run.states[s], 0);
      state.state = run.states[s];
      for (let at = state; at; at = at.parent) at.cycles += cycles;
    }
  }
  return root;
}

function node(name, parent, number) { return { name, parent, number, cycles: 0n, children: new Map(), depth: parent ? parent.depth + 1 : 0 }; }

function child(parent, name, number) {
  let c = parent.children.get(name);
  if (!c) parent.children.set(name, (c = node(name, parent, number)));
  return c;
}

function path(n) { return n ? [...path(n.parent), n.name] : []; }

/** Flame draws one canvas; on.say gets the words of the frame under pointer or keys. */
export class Flame {
  constructor(canvas, on) {
    Object.assign(this, { canvas, on, root: null, top: null, at: null, boxes: [], path: [] });
    canvas.addEventListener("pointermove", (e) => this.point(this.hit(e)));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("click", (e) => {
      const hit = this.hit(e);
      if (hit) this.zoom(hit === this.top && hit.parent ? hit.parent : hit);
    });
    canvas.addEventListener("dblclick", () => this.root && this.zoom(this.root));
    canvas.addEventListener("keydown", (e) => this.key(e));
  }

  /** set takes the tree of a new window and stays at the frame of the same path, if there is one. */
  set(root) {
    const find = (names) => {
      let at = root;
      for (const name of names.slice(1)) {
        if (!at.children.has(name)) break;
        at = at.children.get(name);
      }
      return at;
    };
    this.top = this.top ? find(path(this.top)) : root;
    this.at = null;
    this.root = root;
  }

  zoom(n) {
    this.top = n.state ? n.parent : n;
    this.on.view();
  }

  point(n) {
    if (n === this.at) return;
    this.at = n;
    this.on.say(n ? this.words(n) : "");
    this.on.view();
  }

  words(n) {
    const share = (of) => percent(of > 0n ? Number(n.cycles) / Number(of) : 0);
    const rest = this.top && this.top !== this.root && n !== this.top ? `, ${share(this.top.cycles)} % of ${this.top.name}` : "";
    return `${path(n).join(" › ")}: ${count(n.cycles)} PE-cycles, ${share(this.root.cycles)} % of the window${rest}`;
  }

  // key walks with the arrows: down to the widest child, left and right among siblings.
  key(e) {
    const at = this.at ?? this.top;
    if (!at) return;
    const siblings = at.parent ? sorted(at.parent) : [at], i = siblings.indexOf(at);
    const widest = sorted(at).reduce((a, b) => (a && a.cycles >= b.cycles ? a : b), null);
    const to = { ArrowDown: widest, ArrowUp: at.parent, ArrowLeft: siblings[i - 1], ArrowRight: siblings[i + 1] }[e.key];
    if (e.key === "Enter") this.zoom(at);
    else if (e.key === "Backspace") this.zoom(this.top.parent ?? this.top);
    else if (!e.key.startsWith("Arrow")) return;
    e.preventDefault();
    e.stopPropagation();
    if (to) this.point(to);
  }

  hit(e) {
    for (const b of this.boxes) if (e.offsetX >= b.x && e.offsetX < b.x + b.w && e.offsetY >= b.y && e.offsetY < b.y + rowHeight) return b.n;
    return null;
  }

  draw() {
    const { g, w } = sharp(this.canvas);
    this.boxes = [];
    if (!this.top || this.root.cycles === 0n) return;
    const above = [];
    for (let n = this.top.parent; n; n = n.parent) above.unshift(n);
    const t = theme();
    above.forEach((n, i) => this.box(g, n, 0, i * rowHeight, w, t));
    this.children(g, this.top, 0, above.length * rowHeight, w, t);
  }

  children(g, n, x, y, w, t) {
    this.box(g, n, x, y, w, t);
    let at = x;
    for (const c of sorted(n)) {
      const size = (w * Number(c.cycles)) / Number(n.cycles);
      if (size >= 0.7) this.children(g, c, at, y + rowHeight, size, t);
      at += size;
    }
  }

  box(g, n, x, y, w, t) {
    const color = n.state ? stateColor(n.state) : n.depth === 0 ? "#8a8f98" : nameColor(n.number);
    g.globalAlpha = this.at && this.at !== n ? 0.8 : 1;
    g.fillStyle = color;
    g.fillRect(x, y, Math.max(0.6, w - (w > 3 ? 1 : 0)), rowHeight - 1);
    g.fillStyle = inkOn(color);
    g.fillText(fit(g, n.name.replaceAll("_", " "), w - 9), x + 4, y + rowHeight / 2);
    g.globalAlpha = 1;
    if (this.at === n) {
      g.strokeStyle = t.ink;
      g.lineWidth = 2;
      g.strokeRect(x + 1, y + 1, Math.max(1, w - 3), rowHeight - 3);
    }
    this.boxes.push({ n, x, y, w });
  }
}

// sorted keeps the order of time for layers, and puts what is wider first below them.
function sorted(n) {
  const all = [...n.children.values()];
  return n.depth === 0 ? all : all.sort((a, b) => (b.cycles > a.cycles ? 1 : b.cycles < a.cycles ? -1 : 0));
}
