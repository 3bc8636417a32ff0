// The live page: a list of runs, and one run with its findings on top and its curves as they grow.
// Everything that comes from a run is inserted as text, never as HTML. Names, statuses and numbers of finished things
// come as words from the server (report/text/words.py); only numbers that arrive while training are formatted here.

import { Chart, make, number, thin } from "./chart.js";

const main = document.getElementById("main"), spoken = document.getElementById("spoken");
const identity = location.pathname.match(/^\/runs\/([0-9a-f]{16})$/)?.[1];

async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// ---- the list ---------------------------------------------------------------------------------------------------

function badge(one) { return make("span", { class: `badge ${one.status}` }, one.status_text); }

function line(run) {
  const cells = [
    make("th", { scope: "row" }, make("a", { href: `/runs/${run.id}` }, run.name)),
    make("td", {}, badge(run)),
    make("td", {}, run.model),
    make("td", { class: "n" }, run.score_text),
    make("td", {}, run.score_title),
    make("td", { class: run.problems ? "some" : "quiet" }, run.findings_text),
    make("td", { class: "n" }, run.time),
    make("td", { class: "quiet" }, run.started),
  ];
  return make("tr", {}, cells);
}

function search(study) {
  const cells = [
    make("th", { scope: "row" }, make("a", { href: `/studies/${study.id}` }, study.name)),
    make("td", {}, badge(study)),
    make("td", { class: "n" }, study.trials ?? "–"),
    make("td", { class: "n" }, study.score_text ?? "–"),
    make("td", {}, study.score_title ?? ""),
    make("td", {}, study.settings),
    make("td", { class: "n" }, study.time ?? "–"),
  ];
  return make("tr", {}, cells);
}

function searches() {
  const heads = ["search", "status", "trials", "best score", "", "best settings", "time"];
  const head = make("tr", {}, heads.map((name, at) => make("th", { scope: "col", class: [2, 3, 6].includes(at) ? "n" : "" }, name))), body = make("tbody");
  const table = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Searches" }, make("table", { class: "runs" }, [make("thead", {}, head), body]));
  const box = make("section", { hidden: "", "aria-label": "Searches" }, [make("h2", {}, "Searches"), table]);
  let shown = "";
  const paint = (studies) => {
    const text = JSON.stringify(studies);
    box.hidden = studies.length === 0;
    if (text !== shown) { shown = text; body.replaceChildren(...studies.map(search)); }
  };
  return { box, paint };
}

async function list() {
  document.title = "Runs · trainwell";
  const count = make("p", { class: "above" }), filter = make("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name" });
  const heads = ["run", "status", "network", "score", "", "findings", "time", "started"];
  const body = make("tbody"), head = make("tr", {}, heads.map((name, at) => make("th", { scope: "col", class: at === 3 || at === 6 ? "n" : "" }, name)));
  const table = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs" }, make("table", { class: "runs" }, [make("thead", {}, head), body]));
  const empty = make("p", { class: "verdict", hidden: "" }, "No runs yet. Start one: trainwell fit digits");
  const tried = searches();
  main.replaceChildren(make("header", {}, [count, make("h1", {}, "Runs"), filter]), empty, table, tried.box);
  let runs = [], shown = "";
  const paint = () => {
    const wanted = runs.filter((run) => run.name.toLowerCase().includes(filter.value.toLowerCase())), text = JSON.stringify(wanted);
    empty.hidden = runs.length > 0;
    table.hidden = filter.hidden = runs.length === 0;
    if (text !== shown) { shown = text; body.replaceChildren(...wanted.map(line)); }
  };
  filter.addEventListener("input", paint);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== filter) { event.preventDefault(); filter.focus(); }
  });
  const refresh = async () => {
    if (!document.hidden) {
      try { const found = await ask("/api/runs"); runs = found.runs; count.textContent = found.folder; paint(); tried.paint(found.studies ?? []); }
      catch { count.textContent = "The server is not reachable. Start it again: trainwell page"; }
    }
    document.body.dataset.ready = "1";
    setTimeout(refresh, 3000);
  };
  refresh();
}

// ---- one run ----------------------------------------------------------------------------------------------------

// Text between backquotes is code.
function withCode(text) { return text.split("`").map((part, at) => (at % 2 ? make("kbd", {}, part) : part)); }

function finding(one) {
  const places = one.places.flatMap((place, at) => [at ? ", " : ", in ", make("code", {}, place)]);
  const evidence = one.evidence.map(([name, value, limit]) => make("li", {}, [`${name} `, make("b", {}, value), limit ? ` (limit ${limit})` : ""]));
  const repairs = one.repairs.map(([title, change]) => make("li", {}, [...withCode(title), change ? make("code", {}, change) : null]));
  const lead = repairs.length > 1 ? "Repairs, best first" : "Repair";
  const parts = [
    make("p", { class: "sign" }, one.severity),
    make("h3", {}, one.title),
    make("p", { class: "where" }, [make("code", {}, one.rule), one.since ? `, ${one.since}` : "", ...places, "."]),
    ...one.source_lines.map(([place, line]) => make("pre", {}, make("code", {}, `${place}:  ${line}`))),
    make("div", { class: "pair" }, [
      evidence.length ? make("div", {}, [make("p", { class: "lead" }, "Evidence"), make("ul", {}, evidence)]) : null,
      repairs.length ? make("div", { class: "repairs" }, [make("p", { class: "lead" }, lead), make(repairs.length > 1 ? "ol" : "ul", {}, repairs)]) : null,
    ]),
  ];
  if (one.symptoms.length) parts.push(make("p", { class: "quiet" }, `This also explains: ${one.symptoms.map((title) => title.replace(/\.$/, "")).join("; ")}.`));
  return make("article", { class: `finding ${one.kind}` }, parts);
}

class RunPage {
  constructor() {
    this.badge = make("span"); this.status = make("p", { class: "status", id: "status" }); this.title = make("h1");
    this.verdict = make("p", { class: "verdict" }); this.notes = make("ul", { class: "notes" });
    this.findings = make("section", { "aria-label": "Findings" }); this.charts = make("div", { class: "pair" });
    const report = make("a", { href: `/runs/${identity}/report` }, "Full report");
    this.name = make("span", { class: "name" });
    this.more = make("details", { class: "more" }, make("summary", {}, "All other signals"));
    this.more.addEventListener("toggle", () => this.unfold());
    main.replaceChildren(
      make("header", {}, [
        make("nav", { "aria-label": "Runs", class: "above" }, [make("a", { href: "/" }, "All runs"), this.name, this.badge, report]),
        this.title, this.verdict, this.notes, this.status,
      ]),
      this.findings,
      make("section", { "aria-label": "Curves" }, [make("h2", {}, "Curves"), this.charts, this.more]),
    );
    this.known = {}; this.list = []; this.others = new Map(); this.speeds = []; this.spokenAt = 0; this.connection = "";
    addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.load()));
    this.load();
  }

  async load() {
    this.close();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    let found;
    try { found = await ask(`/api/runs/${identity}?points=1200`); }
    catch (problem) { this.say("not reachable", String(problem.message)); setTimeout(() => { if (this.turn === turn && !document.hidden) this.load(); }, 2000); return; }
    if (this.turn !== turn || document.hidden) return; // a later load has overtaken this one
    this.begin(found);
    this.state(found);
    this.rows(found.series);
    document.body.dataset.ready = "1";
    if (found.status === "running") this.listen(found.cursor); else this.connection = "";
    this.report();
  }

  begin(found) {
    const name = found.score_name, title = found.score_title, chart = (...given) => { const made = new Chart(...given); this.list.push(made); this.charts.append(made.element); };
    this.list = []; this.others.clear(); this.last = {}; this.epochs = []; this.speeds = [];
    this.charts.replaceChildren(); this.more.replaceChildren(this.more.firstChild);
    chart("Loss", [
      { name: "loss/train", label: "", style: "faint", smooth: true },
      { name: "loss/train_epoch", label: "training", style: "train" },
      { name: "loss/validation", label: "validation", style: "validation" },
    ], { smoothing: true });
    if (name) chart(title, [
      { name: `score/train/${name}`, label: "training", style: "train" },
      { name: `score/validation/${name}`, label: "validation", style: "validation" },
    ]);
    chart("Learning rate", [{ name: "learning_rate", label: "learning rate", style: "train" }]);
    chart("Gradient norm", [{ name: "grad/norm", label: "norm", style: "train", smooth: true }], { smoothing: true });
  }

  listen(cursor) {
    this.source = new EventSource(`/api/runs/${identity}/stream?after=${cursor}`);
    const on = (kind, act) => this.source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
    this.source.onopen = () => { this.connection = "live"; this.report(); };
    this.source.onerror = () => { this.connection = "reconnecting"; this.report(); };
    on("rows", (rows) => { this.rows(rows); this.report(); });
    on("state", (found) => { this.state(found); this.report(); });
    on("resync", () => this.load());
    on("end", () => { this.close(); this.connection = ""; this.report(); this.speak(true); });
  }

  close() { this.source?.close(); this.source = null; }

  rows(series) {
    for (const [name, points] of Object.entries(series)) {
      if (!points.length) continue;
      this.last[name] = points.at(-1);
      if (name === "loss/train_epoch") this.epochs.push(...points.map(([step]) => step));
      if (!this.list.map((chart) => chart.add(name, points)).some(Boolean)) this.other(name, points);
    }
    const [first, second] = this.epochs, every = second - first;
    if (every > 0) for (const chart of [...this.list, ...this.others.values()]) if (chart.time) chart.time = { name: "epoch", at: (step) => 1 + (step - first) / every };
    const step = Math.max(0, ...Object.values(this.last).map(([at]) => at));
    if (this.known.status === "running") { this.speeds.push([performance.now(), step]); this.speeds = this.speeds.slice(-20); }
    this.step = step;
  }

  // Signals without a chart of their own are kept as points until the list is opened.
  other(name, points) {
    const known = this.others.get(name);
    if (known instanceof Chart) known.add(name, points);
    else this.others.set(name, thin((known ?? []).concat(points)));
    if (this.more.open) this.unfold();
  }

  unfold() {
    if (!this.more.open) return;
    let grid = this.more.querySelector(".pair");
    if (!grid) this.more.append((grid = make("div", { class: "pair" })));
    for (const [name, points] of this.others) {
      if (points instanceof Chart) continue;
      const chart = new Chart(name, [{ name, label: "value", style: "train", smooth: true }], { smoothing: true });
      chart.time = this.list[0].time;
      chart.add(name, points);
      this.others.set(name, chart);
      grid.append(chart.element);
    }
  }

  state(found) {
    this.known = { ...this.known, ...found };
    document.title = `${found.name} · trainwell`;
    this.name.textContent = found.name;
    this.badge.replaceChildren(badge(found));
    this.title.textContent = found.headline ?? found.name;
    this.verdict.textContent = (found.sentence ?? found.reason ?? "").replaceAll(" %", "\u00a0%");
    this.verdict.className = `verdict ${found.tone ?? "bad"}`;
    this.notes.replaceChildren(...(found.notes ?? []).map((note) => make("li", {}, note.replaceAll(" %", "\u00a0%"))));
    const text = JSON.stringify(found.findings);
    if (text !== this.told) {
      this.told = text;
      this.findings.replaceChildren(make("h2", {}, "Findings"), ...(found.findings.length ? found.findings.map(finding) : [make("p", { class: "quiet" }, found.status === "running" ? "No problems so far." : "No problems were found.")]));
    }
  }

  report() {
    const parts = [this.connection === "live" ? "live" : this.connection], { epochs, steps } = this.known;
    if (this.epochs.length) parts.push(`epoch ${this.epochs.length}${epochs ? ` of ${epochs}` : ""}`);
    if (this.step) parts.push(`step ${number(this.step)}`);
    const loss = this.last["loss/train"], score = this.last[`score/validation/${this.known.score_name}`];
    if (loss) parts.push(`loss ${loss[1] === null ? "NaN" : number(loss[1])}`);
    if (score) parts.push(`validation ${this.known.score_title.toLowerCase()} ${this.score(score[1])}`);
    const speed = this.speed();
    if (this.known.status === "running" && speed > 0) {
      parts.push(`${speed >= 10 ? Math.round(speed).toLocaleString("en") : speed.toPrecision(2)} steps/s`);
      if (steps > this.step) parts.push(`${duration((steps - this.step) / speed)} left`);
    }
    this.say(this.connection || (this.known.status_text ?? ""), parts.filter(Boolean).join(" · ").replaceAll(" %", "\u00a0%"));
    this.speak(false);
  }

  score(value) {
    if (value === null) return "NaN";
    return this.known.score_in_percent ? `${(100 * value).toFixed(1)} %` : number(value);
  }

  speed() {
    const [from, to] = [this.speeds[0], this.speeds.at(-1)];
    return from && to[0] > from[0] ? (1000 * (to[1] - from[1])) / (to[0] - from[0]) : 0;
  }

  say(connection, text) { this.status.dataset.connection = connection; this.status.textContent = text; }

  // A screen reader is told at most every ten seconds.
  speak(now) {
    if (!now && performance.now() - this.spokenAt < 10_000) return;
    this.spokenAt = performance.now();
    spoken.textContent = `${this.known.status_text ?? ""}: ${this.status.textContent}`;
  }
}

if (identity) new RunPage(); else list();
