// A line chart as SVG: series over steps, direct labels, a shared cursor, numbers behind. No library, no network.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 440, HEIGHT = 250, LEFT = 58, RIGHT = 352, TOP = 28, BOTTOM = 208;
const MOST = 1500; // points kept of each series; older ones are thinned
const cursors = new Set();

export function make(name, attributes = {}, children = []) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...[children].flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e9 || (value && size < 1e-4)) return value.toExponential(3).replace(/\.?0*e\+?/, "e");
  if (Number.isInteger(value) || size >= 1e4) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(4)));
}

// Labels stand in a narrow margin: a million and more is written as a power.
function tick(value) { return Math.abs(value) >= 1e6 ? value.toExponential(3).replace(/\.?0*e\+?/, "e") : number(value); }

function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

// Bias-corrected moving average (Kingma and Ba, section 3): the first values are not pulled towards zero.
export function smooth(points, weight) {
  let mean = 0, mass = 0;
  return points.map(([step, value]) => {
    if (value === null) return [step, null];
    mean = weight * mean + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return [step, mean / mass];
  });
}

export class Chart {
  // series: [{name, label, style}]; time: step -> position on the x axis.
  constructor(title, series, { smoothing = false } = {}) {
    this.series = series.map((one) => ({ ...one, points: [] }));
    this.log = null; // true or false once somebody chose; until then as the values ask for
    this.logged = false;
    this.weight = 0;
    this.time = { name: "step", at: (step) => step };
    this.cursor = null;
    this.dirty = false;
    this.svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: "0", class: "figure" });
    this.readout = make("span", { class: "readout" });
    this.scale = make("button", { type: "button", "aria-pressed": "false" }, "log");
    this.scale.addEventListener("click", () => { this.log = !this.logged; this.ask(); });
    const tools = make("span", { class: "tools" }, this.scale);
    if (smoothing) {
      const steady = make("button", { type: "button", "aria-pressed": "false" }, "smooth");
      steady.addEventListener("click", () => { this.weight = this.weight ? 0 : 0.9; steady.setAttribute("aria-pressed", this.weight > 0); this.ask(); });
      tools.append(steady);
    }
    this.numbers = make("details", {}, make("summary", {}, "Numbers"));
    this.numbers.addEventListener("toggle", () => this.tabulate());
    this.element = make("figure", { class: "chart" }, [make("figcaption", {}, [make("b", {}, title), tools, this.readout]), this.svg, this.numbers]);
    this.title = title;
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => share(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("blur", () => share(null));
    this.seen = false;
    new IntersectionObserver((entries) => { this.seen = entries.at(-1).isIntersecting; this.ask(); }, { rootMargin: "600px" }).observe(this.element);
    addEventListener("beforeprint", () => this.paint());
    cursors.add(this);
  }

  clear() { for (const one of this.series) one.points = []; this.ask(); }

  add(name, points) {
    const one = this.series.find((series) => series.name === name);
    if (!one) return false;
    for (const point of points) one.points.push(point);
    one.points = thin(one.points);
    this.ask();
    return true;
  }

  // Drawing waits for the next frame, and for the chart to be seen.
  ask() {
    this.element.hidden = !this.series.some((one) => one.points.length);
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => { this.dirty = false; if (this.seen && !document.hidden) this.paint(); });
  }

  paint() {
    const shown = this.series.filter((one) => one.points.length).map((one) => ({ ...one, drawn: this.weight && one.smooth ? smooth(one.points, this.weight) : one.points }));
    if (shown.length === 1 && !shown[0].label) Object.assign(shown[0], { label: "training", style: "train" });
    const found = shown.flatMap((one) => one.drawn.map(([, value]) => value).filter((value) => value !== null));
    const lowest = least(found, 0), wide = lowest > 0 && -least(found.map((value) => -value), 0) / lowest > 30;
    const log = this.logged = this.log ?? (wide && this.title !== "Learning rate");
    this.scale.setAttribute("aria-pressed", log);
    const good = (value) => value !== null && (!log || value > 0);
    const values = found.filter(good);
    const times = shown.flatMap((one) => one.drawn.map(([step]) => this.time.at(step)));
    let low = least(values, 0), high = -least(values.map((value) => -value), -1);
    const air = (high - low) * 0.05 || Math.abs(high) * 0.05 || 0.5;
    if (log) { low /= 1.2; high *= 1.2; } else { low = low >= 0 ? Math.max(0, low - air) : low - air; high += air; }
    const first = least(times, 0), last = -least(times.map((at) => -at), -1);
    const scale = log ? Math.log10 : (value) => value;
    const x = (step) => LEFT + (RIGHT - LEFT) * (last > first ? (this.time.at(step) - first) / (last - first) : 0.5);
    const y = (value) => BOTTOM + (TOP - BOTTOM) * ((scale(value) - scale(low)) / (scale(high) - scale(low) || 1));
    const parts = [];
    const marks = log ? decades(low, high) : ticks(low, high, 4);
    for (const at of marks) {
      parts.push(draw("line", { x1: LEFT, x2: RIGHT, y1: y(at), y2: y(at), class: "grid" }));
      parts.push(draw("text", { x: LEFT - 8, y: y(at) + 4.5, class: "tick", "text-anchor": "end" }, tick(at)));
    }
    for (const at of ticks(first, last, 5)) {
      if (!Number.isInteger(at) && last - first >= 2) continue;
      const across = LEFT + (RIGHT - LEFT) * (last > first ? (at - first) / (last - first) : 0.5);
      parts.push(draw("text", { x: across, y: BOTTOM + 18, class: "tick", "text-anchor": "middle" }, tick(at)));
    }
    parts.push(draw("line", { x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM, class: "axis" }));
    parts.push(draw("text", { x: RIGHT, y: BOTTOM + 36, class: "name", "text-anchor": "end" }, this.time.name));
    const ends = [];
    for (const one of shown) {
      parts.push(draw("path", { d: path(one.drawn, x, y, good), class: `line ${one.style}` }));
      if (one.drawn.length === 1 && good(one.drawn[0][1])) parts.push(draw("circle", { cx: x(one.drawn[0][0]), cy: y(one.drawn[0][1]), r: 4, class: `dot ${one.style}` }));
      const newest = one.drawn.findLast(([, value]) => good(value));
      if (newest && one.label) ends.push({ one, at: y(newest[1]) });
    }
    apart(ends, 16);
    for (const { one, at } of ends) parts.push(draw("text", { x: RIGHT + 8, y: at + 4.5, class: `end ${one.style}` }, one.label));
    const broken = least(shown.flatMap((one) => one.drawn.filter(([, value]) => value === null).map(([step]) => step)), null);
    if (broken !== null) {
      const left = x(broken) > (LEFT + RIGHT) / 2;
      parts.push(draw("line", { x1: x(broken), x2: x(broken), y1: TOP, y2: BOTTOM, class: "break" }));
      parts.push(draw("text", { x: x(broken) + (left ? -8 : 8), y: TOP + 12, class: "broken", "text-anchor": left ? "end" : "start" }, "NaN"));
    }
    this.trace(shown, x, y, good, parts);
    this.svg.replaceChildren(...parts);
    const said = shown.filter((one) => one.label).map((one) => `${one.label} ${number(one.drawn.findLast(([, value]) => good(value))?.[1])}`);
    this.svg.setAttribute("aria-label", `${this.title}, newest values: ${said.join(", ")}. Arrow keys move the cursor.`);
    if (this.numbers.open) this.tabulate();
  }

  trace(shown, x, y, good, parts) {
    const lead = shown.find((one) => one.label) ?? shown[0];
    if (this.cursor === null || !lead) { this.readout.textContent = ""; return; }
    const step = nearest(lead.drawn, this.cursor)[0];
    parts.push(draw("line", { x1: x(step), x2: x(step), y1: TOP, y2: BOTTOM, class: "cursor" }));
    const said = [];
    for (const one of shown) {
      if (!one.label) continue;
      const [, value] = nearest(one.drawn, step);
      said.push(`${one.label} ${number(value)}`);
      if (good(value)) parts.push(draw("circle", { cx: x(nearest(one.drawn, step)[0]), cy: y(value), r: 4, class: `dot ${one.style}` }));
    }
    this.readout.textContent = `${this.time.name} ${number(this.time.at(step))}: ${said.join(", ")}`;
  }

  point(event) {
    const box = this.svg.getBoundingClientRect(), points = this.series.flatMap((one) => one.points);
    if (!points.length) return;
    const share_ = Math.min(1, Math.max(0, ((event.clientX - box.left) * WIDTH / box.width - LEFT) / (RIGHT - LEFT)));
    const steps = points.map(([step]) => step), first = least(steps, 0), last = -least(steps.map((step) => -step), 0);
    share(first + share_ * (last - first));
  }

  key(event) {
    const lead = this.series.find((one) => one.label && one.points.length);
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!lead || (!move && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    const points = lead.points, now = this.cursor === null ? points.length : points.indexOf(nearest(points, this.cursor));
    const next = event.key === "Home" ? 0 : event.key === "End" ? points.length - 1 : Math.min(points.length - 1, Math.max(0, now + move));
    share(points[next][0]);
  }

  tabulate() {
    if (!this.numbers.open) return;
    const shown = this.series.filter((one) => one.label && one.points.length);
    const steps = [...new Set(shown.flatMap((one) => one.points.map(([step]) => step)))].sort((a, b) => b - a).slice(0, 40);
    const row = (cells, name) => make("tr", {}, cells.map((cell) => make(name, name === "th" ? { scope: "col" } : {}, cell)));
    const of = (one, step) => number(one.points.find(([at]) => at === step)?.[1]);
    const table = make("table", {}, [
      make("thead", {}, row(["step", ...shown.map((one) => one.label)], "th")),
      make("tbody", {}, steps.map((step) => row([number(step), ...shown.map((one) => of(one, step))], "td"))),
    ]);
    this.numbers.replaceChildren(this.numbers.firstChild, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": this.title }, table));
  }
}

function share(step) {
  for (const chart of cursors) { if (chart.element.isConnected) { chart.cursor = step; chart.ask(); } else cursors.delete(chart); }
}

function least(values, otherwise) {
  let found = Infinity;
  for (const value of values) if (value < found) found = value;
  return found === Infinity ? otherwise : found;
}

function decades(low, high) {
  const found = [];
  const first = Math.ceil(Math.log10(low)), last = Math.floor(Math.log10(high)), step = Math.max(1, Math.ceil((last - first + 1) / 5));
  for (let power = first; power <= last; power += step) found.push(10 ** power);
  return found.length > 1 ? found : ticks(low, high, 4);
}

function nearest(points, step) {
  let low = 0, high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1; else high = middle;
  }
  return low > 0 && step - points[low - 1][0] < points[low][0] - step ? points[low - 1] : points[low];
}

function path(points, x, y, good) {
  let d = "", pen = "M";
  for (const [step, value] of points) {
    if (!good(value)) { pen = "M"; continue; }
    d += `${pen}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  }
  return d;
}

function apart(ends, gap) {
  ends.sort((a, b) => a.at - b.at);
  for (let turn = 0; turn < 20; turn++) {
    for (let first = 0; first + 1 < ends.length; first++) {
      const lack = gap - (ends[first + 1].at - ends[first].at);
      if (lack > 0) { ends[first].at -= lack / 2; ends[first + 1].at += lack / 2; }
    }
  }
}

// Keep the lowest and the highest of each bucket, so that no spike is lost.
export function thin(points) {
  if (points.length <= 2 * MOST) return points;
  const size = Math.ceil((2 * points.length) / MOST), kept = [];
  for (let start = 0; start < points.length; start += size) {
    const bucket = points.slice(start, start + size), sound = bucket.filter(([, value]) => value !== null);
    const ends = sound.length ? [sound.reduce((a, b) => (b[1] < a[1] ? b : a)), sound.reduce((a, b) => (b[1] > a[1] ? b : a))] : [bucket[0]];
    kept.push(...new Set(ends.sort((a, b) => a[0] - b[0])));
  }
  return kept;
}
