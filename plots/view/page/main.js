// The page: what is chosen, and who draws it when it changes.

import { diverging, sequential } from "./colors.js";
import { Flame, tree } from "./flame.js";
import { keys } from "./keys.js";
import { difference, extent, legend, scaled } from "./maps.js";
import { States, facts, memory } from "./panel.js";
import { decode, measures } from "./run.js";
import { count, el, short } from "./text.js";
import { Timeline } from "./timeline.js";
import { View, WaferMap } from "./wafer.js";
import { matching, windowText } from "./window.js";

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
  let asked = 0;
  const choose = async () => {
    const now = ++asked;
    $("error").hidden = true;
    try {
      const b = $("run-b").value;
      const runs = [await load(choices[$("run-a").value]), b === "" ? null : await load(choices[b])];
      if (now === asked) show(...runs); // else another was chosen meanwhile
    } catch (e) {
      fail(e);
    }
  };
  $("run-a").onchange = $("run-b").onchange = choose;
  app.chooseRuns = (a, b = "") => {
    $("run-a").value = a;
    $("run-b").value = b;
    return choose();
  };
  await choose();
}

function show(a, b) {
  const other = !app.a || app.a.phases !== a.phases || app.a.launches !== a.launches;
  const size = !app.view || app.view.width !== a.width || app.view.height !== a.height;
  Object.assign(app, { a, b });
  if (size) {
    app.view = new View(a.width, a.height);
    app.pinned = app.hovered = null;
  }
  for (const m of Object.values(maps)) m.view = app.view;
  const list = measures(a), was = app.measure?.id ?? "busy";
  const option = (m) => {
    const o = el("option", "", m.label);
    o.value = m.id;
    return o;
  };
  const links = list.filter((m) => m.way !== undefined).map(option);
  $("measure").replaceChildren(...list.filter((m) => m.way === undefined).map(option));
  if (links.length) {
    const group = el("optgroup", "", null, ...links);
    group.label = "wavelets over links";
    $("measure").append(group);
  }
  app.measure = list.find((m) => m.id === was) ?? list[0];
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

// inKernels tells whether the window goes by whole kernels: it does unless a part of one was chosen.
const inKernels = () => app.a.whole(app.first, app.last);

/** moveWindow goes to later kernels, or windows of them, of as many. */
function moveWindow(by) {
  if (inKernels()) {
    const n = app.a.launch(app.first), size = app.a.launch(app.last) - n;
    wholeKernels(Math.max(0, Math.min(app.a.launches - 1 - size, n + by)), size);
    return;
  }
  const size = app.last - app.first;
  const first = Math.max(0, Math.min(app.a.phases - 1 - size, app.first + by));
  setWindow(first, first + size);
}

/** stretchWindow makes it longer or shorter at its end. */
function stretchWindow(by) {
  if (!inKernels()) return setWindow(app.first, app.last + by);
  const n = app.a.launch(app.first);
  wholeKernels(n, Math.max(0, app.a.launch(app.last) - n + by));
}

/** wholeKernels takes kernel n and so many more. */
function wholeKernels(n, more = 0) {
  setWindow(app.a.ofLaunch(n)[0], app.a.ofLaunch(Math.min(app.a.launches - 1, n + more))[1]);
}

/** wholeLayer takes all neighbours of the first phase's layer and pass. */
function wholeLayer() {
  const same = (i) => ["layer", "pass"].every((f) => app.a.phaseText(i, f) === app.a.phaseText(app.first, f));
  let first = app.first, last = app.first;
  while (first > 0 && same(first - 1)) first--;
  while (last + 1 < app.a.phases && same(last + 1)) last++;
  setWindow(first, last);
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
let frame = 0;

/** changed redraws what depends on data (window, state), pe or view, in the next frame. */
function changed(...what) {
  for (const w of what) due.add(w);
  if (!frame) frame = requestAnimationFrame(flush);
}

function flush() {
  if (frame) cancelAnimationFrame(frame);
  frame = 0;
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

function newData() {
  const counted = (run, first, last) => app.measure.id !== "wavelets" || run.hasWavelets(first, last);
  const old = app.values;
  const a = scaled(app.a, app.first, app.last, app, old.a?.values);
  let [lo, hi] = extent(a);
  const all = { a };
  if (app.b) {
    all.b = scaled(app.b, app.firstB, app.lastB, app, old.b?.values);
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
  legend($("figure-a"), lo, hi, all.a.unit, sequential);
  if (app.b) {
    say("a", app.measure.label, app.a.name);
    say("b", app.measure.label, app.b.name);
    say("d", "difference", "second less first");
    maps.b.set(all.b);
    legend($("figure-b"), lo, hi, all.b.unit, sequential);
    maps.d.set(all.d);
    legend($("figure-d"), all.d.lo, all.d.hi, all.d.unit, diverging);
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

function numbers() {
  const { a, b } = app, pe = app.hovered ?? app.pinned;
  const inside = (run) => pe && pe.x < run.width && pe.y < run.height;
  const columns = [], pes = [], more = [];
  const add = (run, first, last, which) => {
    const all = run.totals(first, last);
    columns.push({ title: b ? `all, ${which}` : "all PEs, %", values: all });
    if (!b) columns.push({ title: "PE-cycles", values: all, exact: true });
    if (!inside(run)) return;
    const one = run.peStates(pe.x, pe.y, first, last);
    pes.push({ title: b ? `PE, ${which}` : `PE ${pe.x},${pe.y}, %`, values: one });
    if (!b) pes.push({ title: "cycles", values: one, exact: true });
  };
  add(a, app.first, app.last, "1st");
  if (b) {
    add(b, app.firstB, app.lastB, "2nd");
    const [m, n] = [a.window(app.first, app.last).cycles, b.window(app.firstB, app.lastB).cycles];
    more.push(["1st run", `${count(m)} cycles`], ["2nd run", `${count(n)} cycles, ${n > 0 ? short(m / n) : "-"} times as fast`]);
  }
  if (pe && a.inUse(pe.x, pe.y)) more.push(...a.links.facts(app.first, app.last, pe.x, pe.y));
  columns.push(...pes);
  states.show(a.states, columns);
  $("pe-title").textContent = pe ? `PE ${pe.x},${pe.y}${app.hovered || !app.pinned ? "" : ", pinned"}` : "The wafer";
  $("unpin").hidden = !app.pinned;
  facts($("facts"), a, pe, more);
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
  setWindow, moveWindow, stretchWindow, wholeKernels, wholeLayer, pin, zoom, changed, flush, maps,
  fitView: () => {
    app.view.fit();
    changed("view");
  },
  show: (id) => {
    $("measure").value = id;
    $("measure").onchange();
  },
  nextMeasure: () => { // the links, which are many, are left to the list
    const all = measures(app.a).filter((m) => m.way === undefined);
    app.show(all[(all.findIndex((m) => m.id === app.measure.id) + 1) % all.length].id);
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
  const all = app.first === 0 && app.last === app.a.phases - 1, at = Number($("slider").value);
  if (inKernels() && app.a.launches > 1) {
    const size = all ? 0 : app.a.launch(app.last) - app.a.launch(app.first);
    wholeKernels(Math.min(app.a.launch(at), app.a.launches - 1 - size), size);
    return;
  }
  const size = all ? 0 : app.last - app.first;
  const first = Math.min(at, app.a.phases - 1 - size);
  setWindow(first, first + size);
};
$("flame-of").onchange = () => changed("data");
for (const [id, act] of Object.entries({
  "zoom-in": () => zoom(1.5), "zoom-out": () => zoom(1 / 1.5), "zoom-fit": app.fitView,
  back: () => moveWindow(-1), on: () => moveWindow(1), one: () => wholeKernels(app.a.launch(app.first)), fine: () => setWindow(app.first, app.first), layer: wholeLayer,
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
