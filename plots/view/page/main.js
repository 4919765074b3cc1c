// The page: what is chosen, and who draws it when it changes.

import { css, diverging, levels, sequential } from "./colors.js";
import { Flame, tree } from "./flame.js";
import { keys } from "./keys.js";
import { States, facts, memory } from "./panel.js";
import { decode, measures } from "./run.js";
import { count, el, seconds, short } from "./text.js";
import { Timeline } from "./timeline.js";
import { View, WaferMap } from "./wafer.js";

const $ = (id) => document.getElementById(id);

const app = {
  a: null, b: null, // runs
  first: 0, last: 0, firstB: 0, lastB: 0, // windows
  measure: null, unit: "share", fit: true,
  hovered: null, pinned: null, // PEs
  view: null,
  values: {}, // by figure
  frames: [], // milliseconds that recent updates took
  loadedAt: 0, // milliseconds after the page was asked for
};
globalThis.cs2sim = app; // for the console, and for tests

function fail(error) {
  $("error").textContent = error instanceof Error ? error.message : String(error);
  $("error").hidden = false;
}

async function get(path) {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new Error("cs2sim view does not answer; is it still running?");
  }
  if (answer.ok) return answer;
  let words = `the server answers ${answer.status}`;
  try {
    words = (await answer.json()).error;
  } catch { /* the number must do */ }
  throw new Error(words);
}

// --- choosing runs

const loaded = new Map(); // the runs shown last, by their address

async function load(choice) {
  const path = `/api/run?folder=${choice.folder}&read=${choice.read}&run=${choice.run}`;
  let run = loaded.get(path);
  if (!run) {
    run = decode(await (await get(path)).arrayBuffer());
    if (loaded.size > 3) loaded.delete(loaded.keys().next().value);
    loaded.set(path, run);
  }
  return run;
}

async function start() {
  const folders = await (await get("/api/traces")).json();
  const choices = [];
  folders.forEach((f, folder) => f.runs.forEach((r, run) => choices.push({ folder, read: f.read, run, name: r.name, dir: f.dir })));
  if (choices.length === 0) throw new Error(`${folders.map((f) => f.dir).join(", ")}: the trace has no finished run yet; reload later`);
  const early = folders.filter((f) => !f.complete).map((f) => f.dir);
  $("note").textContent = early.length ? `${early.join(", ")}: the run ended early or goes on; reload for more` : "";
  const option = (c, i) => {
    const o = el("option", "", folders.length > 1 ? `${c.dir}: ${c.name}` : c.name);
    o.value = i;
    return o;
  };
  $("run-a").replaceChildren(...choices.map(option));
  const none = el("option", "", "nothing");
  none.value = "";
  $("run-b").replaceChildren(none, ...choices.map(option));
  const second = choices.filter((c) => c.folder === 1);
  if (second.length) $("run-b").value = choices.indexOf(second.find((c) => c.name === choices[0].name) ?? second[0]);
  const choose = async () => {
    $("error").hidden = true;
    document.body.classList.add("loading");
    try {
      const b = $("run-b").value;
      await show(await load(choices[$("run-a").value]), b === "" ? null : await load(choices[b]));
    } catch (e) {
      fail(e);
    }
    document.body.classList.remove("loading");
  };
  $("run-a").onchange = $("run-b").onchange = choose;
  await choose();
}

function show(a, b) {
  const other = !app.a || app.a.phases !== a.phases;
  const size = !app.view || app.view.width !== a.width || app.view.height !== a.height;
  Object.assign(app, { a, b });
  if (size) {
    app.view = new View(a.width, a.height);
    app.pinned = app.hovered = null;
  }
  for (const m of Object.values(maps)) m.view = app.view;
  const list = measures(a), was = app.measure?.id ?? "busy";
  $("measure").replaceChildren(...list.map((m) => {
    const o = el("option", "", m.label);
    o.value = m.id;
    return o;
  }));
  app.measure = list.find((m) => m.id === was);
  $("measure").value = app.measure.id;
  $("slider").max = a.phases - 1;
  document.body.classList.toggle("two", b !== null);
  $("main").hidden = false;
  if (other) setWindow(0, a.phases - 1);
  else setWindow(app.first, app.last);
  changed("pe");
  if (!app.loadedAt) {
    flush();
    app.loadedAt = performance.now();
  }
}

// --- the window of time

/** setWindow looks at the phases first..last. */
function setWindow(first, last) {
  const most = app.a.phases - 1;
  app.first = Math.max(0, Math.min(most, first));
  app.last = Math.max(app.first, Math.min(most, last));
  if (app.b) [app.firstB, app.lastB] = matching(app.a, app.b, app.first, app.last);
  changed("data");
}

/** moveWindow goes to later phases, of as many. */
function moveWindow(by) {
  const size = app.last - app.first;
  const first = Math.max(0, Math.min(app.a.phases - 1 - size, app.first + by));
  setWindow(first, first + size);
}

/** wholeLayer takes all neighbours of the first phase's layer and pass. */
function wholeLayer() {
  const same = (i) => ["layer", "pass"].every((f) => app.a.phaseText(i, f) === app.a.phaseText(app.first, f));
  let first = app.first, last = app.first;
  while (first > 0 && same(first - 1)) first--;
  while (last + 1 < app.a.phases && same(last + 1)) last++;
  setWindow(first, last);
}

// matching is the window of the second run: the same phases where both have the same, else all of it.
function matching(a, b, first, last) {
  if (a.phases === b.phases) {
    let same = true;
    for (let i = first; same && i <= last; i++) same = a.phaseText(i, "name") === b.phaseText(i, "name") && a.phaseText(i, "frame") === b.phaseText(i, "frame");
    if (same) return [first, last];
  }
  return [0, b.phases - 1];
}

function windowText(run, first, last) {
  const cycles = run.window(first, last).cycles;
  const time = `${count(cycles)} cycles, ${seconds(cycles / run.head.machine.clock_hz)}`;
  if (run.phases > 1 && first === 0 && last === run.phases - 1) return `all ${count(run.phases)} phases, ${time}`;
  if (first !== last) return `phases ${first} to ${last}, ${time}`;
  return `phase ${first}, ${run.phaseText(first, "name")}, ${run.phaseText(first, "frame")}, ${time}`;
}

// --- the PE that is looked at

/** pin keeps a PE, null lets go. */
function pin(pe) {
  app.pinned = pe;
  if (pe) {
    app.view.show(pe.x, pe.y);
    const v = app.values.a, i = pe.y * app.a.usedWidth + pe.x;
    const what = v && app.a.inUse(pe.x, pe.y) ? `${app.measure.label} ${short(v.values[i] * v.show)} ${v.unit}` : "not in use";
    $("said").textContent = `PE ${pe.x}, ${pe.y}: ${what}`;
  }
  changed("pe");
}

// --- drawing, once per frame at most

const due = new Set();
let asked = 0;

/** changed redraws what depends on data (window, state), pe or view, in the next frame. */
function changed(...what) {
  for (const w of what) due.add(w);
  if (!asked) asked = requestAnimationFrame(flush);
}

function flush() {
  if (asked) cancelAnimationFrame(asked);
  asked = 0;
  if (!app.a || due.size === 0) return;
  const begin = performance.now();
  const data = due.has("data"), pe = due.has("pe");
  due.clear();
  try {
    if (data) newData();
    if (data || pe) numbers();
    if (pe && !data) timelinePE();
    draw();
  } catch (e) {
    fail(e);
  }
  app.frames.push(performance.now() - begin);
  if (app.frames.length > 500) app.frames.shift();
}

// scaled makes values of a run: cycles of PEs, and what to multiply them with for the unit.
function scaled(run, first, last, buffer) {
  const m = app.measure, { cycles } = run.window(first, last);
  const size = run.usedWidth * run.usedHeight;
  const values = run.raster(first, last, m, buffer?.length === size ? buffer : new Float64Array(size));
  const per = cycles > 0 ? 1 / cycles : 0;
  const out = { values, usedWidth: run.usedWidth, usedHeight: run.usedHeight, width: run.width, height: run.height, columns: run.head.place.columns };
  if (m.unit === "mW") return { ...out, show: per * 1e3 * run.head.machine.watts_per_core, unit: "mW", most: 1e3 * run.head.machine.watts_per_core };
  if (m.unit === "wavelets" && app.unit === "share") return { ...out, show: per, unit: "per cycle", most: 0 };
  if (app.unit === "share") return { ...out, show: 100 * per, unit: "%", most: 100 };
  return { ...out, show: 1, unit: m.unit === "wavelets" ? "wavelets" : "cycles", most: cycles };
}

function extent(v) {
  let lo = Infinity, hi = -Infinity;
  for (const x of v.values) {
    if (x < lo) lo = x;
    if (x > hi) hi = x;
  }
  return lo > hi ? [0, 0] : [lo * v.show, hi * v.show];
}

function newData() {
  const counted = (run, first, last) => app.measure.id !== "wavelets" || run.hasWavelets(first, last);
  const old = app.values;
  const a = scaled(app.a, app.first, app.last, old.a?.values);
  let [lo, hi] = extent(a);
  const all = { a };
  if (app.b) {
    all.b = scaled(app.b, app.firstB, app.lastB, old.b?.values);
    const [l, h] = extent(all.b);
    lo = Math.min(lo, l);
    hi = Math.max(hi, h);
    all.d = difference(a, all.b, old.d?.values);
  }
  if (!app.fit) [lo, hi] = [0, a.most > 0 && app.unit === "share" ? a.most : hi];
  for (const v of [all.a, all.b]) if (v) Object.assign(v, { lo: v.show ? lo / v.show : 0, hi: v.show ? hi / v.show : 0, ramp: sequential });
  app.values = all;
  const complete = counted(app.a, app.first, app.last) && (!app.b || counted(app.b, app.firstB, app.lastB));
  const say = (figure, strong, ...rest) => {
    if (!complete) rest.push("not every kernel's wavelets were counted");
    $("figure-" + figure).querySelector("figcaption").replaceChildren(el("b", "", strong), ` ${rest.join(", ")}`);
  };
  maps.a.set(all.a);
  legend("a", lo, hi, all.a.unit, sequential);
  if (app.b) {
    say("a", app.measure.label, app.a.name);
    say("b", app.measure.label, app.b.name);
    say("d", "difference", "second less first");
    maps.b.set(all.b);
    legend("b", lo, hi, all.b.unit, sequential);
    maps.d.set(all.d);
    legend("d", all.d.lo, all.d.hi, all.d.unit, diverging);
  } else {
    say("a", app.measure.label, ...(app.measure.note ? [app.measure.note] : []));
  }
  timeline.set(app.a, timeline.pe);
  timelinePE();
  newFlame();
  $("slider").value = app.first;
  $("slider").setAttribute("aria-valuetext", windowText(app.a, app.first, app.last));
  $("window").textContent = windowText(app.a, app.first, app.last) + (app.b ? `; second run: ${windowText(app.b, app.firstB, app.lastB)}` : "");
  $("window").title = $("window").textContent;
}

// difference is the second map less the first where both use their PEs, about zero.
function difference(a, b, buffer) {
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
  return { values, usedWidth, usedHeight, width: a.width, height: a.height, columns: a.columns, show: 1, unit: a.unit, lo: -most, hi: most, ramp: diverging };
}

function legend(figure, lo, hi, unit, ramp) {
  const [from, bar, to] = $("figure-" + figure).querySelector(".legend").children;
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

function numbers() {
  const { a, b } = app, pe = app.hovered ?? app.pinned;
  const inside = (run) => pe && pe.x < run.width && pe.y < run.height;
  const columns = [];
  const add = (run, first, last, of) => {
    const all = run.totals(first, last);
    columns.push({ title: `all PEs${of}`, values: all });
    if (!b) columns.push({ title: "PE-cycles", values: all, exact: true });
    if (!inside(run)) return;
    const one = run.peStates(pe.x, pe.y, first, last);
    columns.push({ title: `PE ${pe.x},${pe.y}${of}`, values: one });
    if (!b) columns.push({ title: "cycles", values: one, exact: true });
  };
  add(a, app.first, app.last, b ? ", 1st" : ", %");
  if (b) add(b, app.firstB, app.lastB, ", 2nd");
  states.show(a.states, columns);
  $("pe-title").textContent = pe ? `PE ${pe.x},${pe.y}${app.hovered || !app.pinned ? "" : ", pinned"}` : "The wafer";
  $("unpin").hidden = !app.pinned;
  facts($("facts"), a, pe);
  memory($("memory"), a, pe, app.first);
}

function timelinePE() {
  const pe = app.pinned;
  const key = pe ? `${pe.x},${pe.y}` : "";
  if (key === (timeline.pe?.key ?? "") && (!pe || timeline.pe.run === app.a)) return;
  timeline.set(app.a, pe ? { key, run: app.a, x: pe.x, y: pe.y, shares: app.a.peKinds(pe.x, pe.y) } : null);
}

function newFlame() {
  const second = app.b && $("flame-of").value === "b";
  flame.set(second ? tree(app.b, app.firstB, app.lastB) : tree(app.a, app.first, app.last));
}

function draw() {
  const marks = [];
  if (app.pinned) marks.push({ ...app.pinned, pinned: true });
  if (app.hovered) marks.push(app.hovered);
  maps.a.draw(marks);
  if (app.b) {
    maps.b.draw(marks);
    maps.d.draw(marks);
  }
  timeline.draw(app.first, app.last);
  flame.draw();
}

// --- controls

const on = {
  hover: (pe) => {
    if (pe?.x === app.hovered?.x && pe?.y === app.hovered?.y) return;
    app.hovered = pe;
    changed("pe");
  },
  pick: (pe) => pin(pe && app.pinned && pe.x === app.pinned.x && pe.y === app.pinned.y ? null : pe),
  view: () => changed("view"),
};
const maps = {};
for (const figure of ["a", "b", "d"]) maps[figure] = new WaferMap($("figure-" + figure).querySelector(".map"), on);
const states = new States($("states"));
const timeline = new Timeline($("timeline"), {
  window: setWindow, view: on.view,
  hover: (i) => ($("timeline").title = i === null ? "" : windowText(app.a, i, i)),
});
const flame = new Flame($("flame"), { view: on.view, say: (words) => ($("flame-words").textContent = $("flame-words").title = words) });

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  if (!app.a) return;
  timeline.stale = true;
  changed("data");
}

function zoom(factor) {
  const at = app.pinned ?? app.hovered;
  if (at) app.view.by(factor, at.x + 0.5, at.y + 0.5);
  else app.view.by(factor);
  changed("view");
}

Object.assign(app, {
  setWindow, moveWindow, wholeLayer, pin, zoom, changed, flush, maps,
  fitView: () => {
    app.view.fit();
    changed("view");
  },
  nextMeasure: () => {
    const s = $("measure");
    s.selectedIndex = (s.selectedIndex + 1) % s.options.length;
    s.onchange();
  },
  toggleTheme: () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  help: () => $("help").showModal(),
});
$("measure").onchange = () => {
  app.measure = measures(app.a).find((m) => m.id === $("measure").value);
  changed("data");
};
$("unit").onchange = () => {
  app.unit = $("unit").value;
  changed("data");
};
$("fit").onchange = () => {
  app.fit = $("fit").checked;
  changed("data");
};
$("slider").oninput = () => {
  const size = app.first === 0 && app.last === app.a.phases - 1 ? 0 : app.last - app.first;
  const first = Math.min(Number($("slider").value), app.a.phases - 1 - size);
  setWindow(first, first + size);
};
$("flame-of").onchange = () => changed("data");
for (const [id, act] of Object.entries({
  "zoom-in": () => zoom(1.5), "zoom-out": () => zoom(1 / 1.5), "zoom-fit": app.fitView,
  back: () => moveWindow(-1), on: () => moveWindow(1), one: () => setWindow(app.first, app.first), layer: wholeLayer,
  whole: () => setWindow(0, app.a.phases - 1), unpin: () => pin(null), theme: app.toggleTheme, "help-open": app.help,
})) $(id).onclick = act;
keys(app);
const sizes = new ResizeObserver(() => {
  timeline.stale = true;
  changed("view");
});
for (const canvas of document.querySelectorAll("main canvas[role]")) sizes.observe(canvas);

const dark = matchMedia("(prefers-color-scheme: dark)");
setTheme(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
start().catch(fail);
