// Windows of time: phases first..last.

import { count, seconds } from "./text.js";

/** matching is the window of the second run: the same part of the same kernels where both have them, else all of it. */
export function matching(a, b, first, last) {
  const [n, m] = [a.launch(first), a.launch(last)];
  if (a.launches === b.launches) {
    const text = (run, launch, field) => run.phaseText(run.launchStart[launch], field);
    let same = true;
    for (let i = n; same && i <= m; i++) same = text(a, i, "name") === text(b, i, "name") && text(a, i, "frame") === text(b, i, "frame");
    if (same) return [place(a, b, n, a.start(first), 0), place(a, b, m, a.end(last), 1)];
  }
  return [0, b.phases - 1];
}

// place is the phase of the second run in which the same share of a launch has passed: that which
// begins then (side 0) or ends then (1), or is under way.
function place(a, b, launch, time, side) {
  const [a0, a1] = a.ofLaunch(launch), [b0, b1] = b.ofLaunch(launch);
  const all = a.end(a1) - a.start(a0);
  const at = b.start(b0) + (all > 0 ? ((time - a.start(a0)) / all) * (b.end(b1) - b.start(b0)) : 0);
  for (let i = b0; i < b1; i++) if (side === 0 ? b.end(i) > at : b.end(i) >= at) return i;
  return b1;
}

/** windowText says what a window is. */
export function windowText(run, first, last) {
  const cycles = run.window(first, last).cycles;
  const time = `${count(cycles)} cycles, ${seconds(cycles / run.head.machine.clock_hz)}`;
  const n = run.launch(first), m = run.launch(last);
  if (run.launches > 1 && first === 0 && last === run.phases - 1) return `all ${count(run.launches)} phases, ${time}`;
  const from = first - run.launchStart[n], to = last - run.launchStart[m];
  if (n !== m) return `phases ${n} to ${m}${run.whole(first, last) ? "" : `, from window ${from} to window ${to}`}, ${time}`;
  const [begin, end] = run.ofLaunch(n);
  const part = run.whole(first, last) ? "" : `, ${first === last ? `window ${from}` : `windows ${from} to ${to}`} of ${end - begin + 1}`;
  return `phase ${n}${part}, ${run.phaseText(first, "name")}, ${run.phaseText(first, "frame")}, ${time}`;
}
