// Colours. States have those of the figures (Okabe and Ito), maps viridis, differences blue to red.

const stateColors = {
  idle: "#56b4e9", compute: "#0072b2", ring_add: "#009e73", overhead: "#f0e442", memory_conflict: "#e69f00",
  wait_weights: "#d55e00", wait_partial_sums: "#cc79a7", blocked_output: "#808080",
};

/** stateColor is the fill of a state. */
export function stateColor(name) { return stateColors[name] ?? "#808080"; }

const kernels = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999933", "#882255", "#44aa99", "#ddcc77"]; // Tol, bright and muted

/** nameColor is a colour for a kernel or layer, by its number. */
export function nameColor(n) { return kernels[n % kernels.length]; }

/** inkOn is the text colour that reads best on a fill. */
export function inkOn(color) {
  const v = parseInt(color.slice(1), 16);
  return 299 * (v >> 16) + 587 * ((v >> 8) & 255) + 114 * (v & 255) > 140000 ? "#1a1a1a" : "#ffffff";
}

const viridis = [[0x44, 0x01, 0x54], [0x48, 0x28, 0x78], [0x3e, 0x4a, 0x89], [0x31, 0x68, 0x8e], [0x26, 0x82, 0x8e],
  [0x1f, 0x9e, 0x89], [0x35, 0xb7, 0x79], [0x6d, 0xcd, 0x59], [0xb4, 0xde, 0x2c], [0xfd, 0xe7, 0x25]];
const lessToMore = [[0x1a, 0x5f, 0xb4], [0x5a, 0x9b, 0xd8], [0xa9, 0xcb, 0xe8], [0xf2, 0xf2, 0xf2], [0xf3, 0xb4, 0x9b], [0xd9, 0x6a, 0x4a], [0xa5, 0x1d, 0x2d]];

function ramp(stops, n) {
  const out = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const t = (i / (n - 1)) * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(t)), f = t - k;
    const c = stops[k].map((v, j) => Math.round(v + f * (stops[k + 1][j] - v)));
    out[i] = (255 << 24) | (c[2] << 16) | (c[1] << 8) | c[0]; // RGBA as the canvas has it in memory, little-endian
  }
  return out;
}

export const levels = 256;
export const sequential = ramp(viridis, levels);
export const diverging = ramp(lessToMore, levels);

/** css writes a ramp's entry for a style. */
export function css(v) { return `rgb(${v & 255} ${(v >> 8) & 255} ${(v >> 16) & 255})`; }

/** theme reads the page's colours for canvases. */
export function theme() {
  const s = getComputedStyle(document.documentElement);
  const get = (name) => s.getPropertyValue("--" + name).trim();
  return { ink: get("ink"), soft: get("soft"), line: get("line"), panel: get("panel"), unused: get("unused"), accent: get("accent"), paper: get("paper") };
}

/** packed is a #rrggbb colour as a ramp's entry. */
export function packed(color) {
  const v = parseInt(color.slice(1), 16);
  return (255 << 24) | ((v & 255) << 16) | (((v >> 8) & 255) << 8) | (v >> 16);
}
