// What the window and one PE did, in numbers.

import { stateColor } from "./colors.js";
import { count, el, percent } from "./text.js";

/** States is the table of states; its rows stay, their numbers change. */
export class States {
  constructor(table) {
    this.table = table;
  }

  /** show takes columns of {title, values by state, exact}; exact ones show cycles, others shares. */
  show(states, columns) {
    const shape = states.join() + "|" + columns.map((c) => c.title).join("|");
    if (shape !== this.shape) this.build(states, columns);
    this.shape = shape;
    columns.forEach((c, j) => {
      let all = 0;
      for (const v of c.values) all += Number(v);
      [...c.values, c.values.reduce((a, b) => a + b)].forEach((v, i) => {
        const cell = this.cells[i][j];
        const text = c.exact ? count(v) : all > 0 ? percent(Number(v) / all) : "-";
        if (cell.textContent !== text) cell.textContent = text;
      });
    });
  }

  build(states, columns) {
    const head = el("tr", "", null, el("th", "", "state"));
    for (const c of columns) {
      const th = el("th", "number", c.title);
      th.scope = "col";
      head.append(th);
    }
    const row = (name, color) => {
      const chip = el("span", "chip");
      if (color) chip.style.background = color;
      const th = el("th", "", null, ...(color ? [chip] : []), name);
      th.scope = "row";
      const cells = columns.map(() => el("td", "number"));
      this.cells.push(cells);
      return el("tr", color ? "" : "sum", null, th, ...cells);
    };
    this.cells = [];
    const rows = states.map((s) => row(s.replaceAll("_", " "), stateColor(s)));
    this.table.replaceChildren(el("thead", "", null, head), el("tbody", "", null, ...rows, row("sum", "")));
  }
}

/** facts says what a PE holds, and after it what more is given. */
export function facts(list, run, pe, more = []) {
  const out = [];
  const say = (name, text) => {
    const said = el("dd", "", text);
    said.title = text; // the column is narrow
    out.push(el("dt", "", name), said);
  };
  if (!pe) {
    const p = run.head.place;
    say("machine", `${run.head.machine.name}, ${run.width} x ${run.height} PEs`);
    say("in use", `${run.usedWidth} x ${run.usedHeight} PEs`);
    say("mapping", `${p.groups} groups of ${p.columns} columns, ${p.tokens_per_pe} tokens per PE`);
    if (p.sequence_rows) say("sequence", `${p.sequence_rows} rows of PEs`);
    say("run", `${count(run.head.cycles)} cycles, ${count(run.launches)} phases, ${count(run.phases)} windows of time`);
    if (run.head.of_phases) say("not whole", `the first ${count(run.launches)} of ${count(run.head.of_phases)} phases`);
  } else {
    const p = run.head.place, used = run.inUse(pe.x, pe.y) && p.columns > 0;
    say("group", used ? `${Math.floor(pe.x / p.columns)}, column ${pe.x % p.columns} of ${p.columns}` : "none: not in use");
    say("features", run.featuresOf(pe.x));
    say("tokens", run.tokensOf(pe.x, pe.y));
  }
  for (const [name, text] of more) say(name, text);
  list.replaceChildren(...out);
}

/** memory shows what lies in the SRAM of a PE that is in use, as a bar and a list. */
export function memory(box, run, pe, phase) {
  const live = !pe || run.inUse(pe.x, pe.y) ? run.live(phase) : [];
  const key = `${run.name} ${live.map((m) => `${m.name} ${m.base} ${m.bytes}`).join()}`;
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  const end = run.memoryEnd();
  const bar = el("div", "sram");
  const list = el("ul");
  let used = 0;
  live.forEach((m, i) => {
    const part = el("span", "part" + (i % 2));
    part.style.left = `${(100 * m.base) / end}%`;
    part.style.width = `${(100 * m.bytes) / end}%`;
    part.title = `${m.name}: ${count(m.bytes)} bytes from ${count(m.base)}`;
    bar.append(part);
    if (i < 100) list.append(el("li", "", null, el("span", "", m.name), el("span", "number", count(m.bytes))));
    used += m.bytes;
  });
  if (live.length > 100) list.append(el("li", "", `${live.length - 100} more`));
  box.replaceChildren(el("h3", "", live.length ? `SRAM of a PE: ${count(used)} bytes in use` : "SRAM: nothing recorded"), bar, list);
}
