// Windows of time: phases first..last.

import { count, seconds } from "./text.js";

/** matching is the window of the second run: the same phases where both have the same, else all of it. */
export function matching(a, b, first, last) {
  if (a.phases === b.phases) {
    let same = true;
    for (let i = first; same && i <= last; i++) same = a.phaseText(i, "name") === b.phaseText(i, "name") && a.phaseText(i, "frame") === b.phaseText(i, "frame");
    if (same) return [first, last];
  }
  return [0, b.phases - 1];
}

/** windowText says what a window is. */
export function windowText(run, first, last) {
  const cycles = run.window(first, last).cycles;
  const time = `${count(cycles)} cycles, ${seconds(cycles / run.head.machine.clock_hz)}`;
  if (run.phases > 1 && first === 0 && last === run.phases - 1) return `all ${count(run.phases)} phases, ${time}`;
  if (first !== last) return `phases ${first} to ${last}, ${time}`;
  return `phase ${first}, ${run.phaseText(first, "name")}, ${run.phaseText(first, "frame")}, ${time}`;
}
