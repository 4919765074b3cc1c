// The keyboard. Fields and the flame graph, which has its own arrows, come first.

/** keys gives every key its act. */
export function keys(app) {
  const move = (dx, dy) => {
    const { width, height } = app.view, at = app.pinned ?? { x: width >> 1, y: height >> 1 };
    app.pin({ x: Math.min(width - 1, Math.max(0, at.x + dx)), y: Math.min(height - 1, Math.max(0, at.y + dy)) });
  };
  const acts = {
    ArrowLeft: (n) => move(-n, 0), ArrowRight: (n) => move(n, 0), ArrowUp: (n) => move(0, -n), ArrowDown: (n) => move(0, n),
    "+": () => app.zoom(1.5), "=": () => app.zoom(1.5), "-": () => app.zoom(1 / 1.5), 0: app.fitView,
    "[": () => app.moveWindow(-1), "]": () => app.moveWindow(1),
    "{": () => app.stretchWindow(-1), "}": () => app.stretchWindow(1), w: () => app.setWindow(app.first, app.first),
    1: () => app.wholeKernels(app.a.launch(app.first)), 2: app.wholeLayer, 3: () => app.setWindow(0, app.a.phases - 1),
    s: app.nextMeasure, t: app.toggleTheme, "?": app.help, Escape: () => app.pin(null),
  };
  document.addEventListener("keydown", (e) => {
    if (!app.a || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("dialog, select")) return;
    if (e.target.type === "range" && e.key.startsWith("Arrow")) return;
    const act = acts[e.key];
    if (!act) return;
    e.preventDefault();
    act(e.shiftKey ? 10 : 1);
  });
}
