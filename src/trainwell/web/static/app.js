// The live page: a list of runs, and one run with its findings on top and its curves as they grow.
// Everything a run says is put into the page as text, never as HTML.

import { Chart, make, number, thin } from "./chart.js";

const main = document.getElementById("main"), spoken = document.getElementById("spoken");
const identity = location.pathname.match(/^\/runs\/([0-9a-f]{16})$/)?.[1];
const SIGNS = { error: "Error", warning: "Warning", info: "Hint" };
const STATES = { ok: "finished", running: "training", failed: "failed", interrupted: "interrupted", killed: "gone", damaged: "damaged" };
const words = (name) => ({ r2: "R²", f1_macro: "mean F1", roc_auc: "area under ROC" })[name] ?? name.replaceAll("_", " ");
const score = (name, value) => (value === null ? "–" : name.endsWith("accuracy") ? `${(100 * value).toFixed(1)} %` : number(value));

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// ---- the list ---------------------------------------------------------------------------------------------------

function badge(status) { return make("span", { class: `badge ${status}` }, STATES[status] ?? status); }

function line(run) {
  const found = run.problems ? `${run.problems} problem${run.problems > 1 ? "s" : ""}` : run.hints ? `${run.hints} hint${run.hints > 1 ? "s" : ""}` : "none";
  const cells = [
    make("th", { scope: "row" }, make("a", { href: `/runs/${run.id}` }, run.name)),
    make("td", {}, badge(run.status)),
    make("td", {}, run.model),
    make("td", { class: "n" }, run.score_name ? score(run.score_name, run.score) : "–"),
    make("td", {}, run.score_name ? words(run.score_name) : ""),
    make("td", { class: run.problems ? "some" : "quiet" }, found),
    make("td", { class: "n" }, duration(run.seconds)),
    make("td", { class: "quiet" }, run.created.slice(0, 16).replace("T", " ")),
  ];
  return make("tr", {}, cells);
}

function search(study) {
  const cells = [
    make("th", { scope: "row" }, make("a", { href: `/studies/${study.id}` }, study.name)),
    make("td", {}, badge(study.status)),
    make("td", { class: "n" }, study.trials === undefined ? "–" : `${study.trials.toLocaleString("en")} of ${study.total.toLocaleString("en")}`),
    make("td", { class: "n" }, study.score_name ? score(study.score_name, study.score) : "–"),
    make("td", {}, study.score_name ? words(study.score_name) : ""),
    make("td", {}, study.best || study.reason || ""),
    make("td", { class: "n" }, study.seconds === undefined ? "–" : duration(study.seconds)),
  ];
  return make("tr", {}, cells);
}

function searches() {
  const heads = ["search", "status", "trials", "best", "", "settings of the best", "time"];
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
      catch { count.textContent = "The page's server does not answer; start it again with trainwell page."; }
    }
    document.body.dataset.ready = "1";
    setTimeout(refresh, 3000);
  };
  refresh();
}

// ---- one run ----------------------------------------------------------------------------------------------------

function finding(one) {
  const parts = [make("p", { class: "sign" }, SIGNS[one.severity] ?? one.severity), make("h3", {}, one.title)];
  const places = one.where.slice(0, 6).map((place) => make("code", {}, place)).flatMap((code, at) => (at ? [", ", code] : [code]));
  const since = one.step === null ? [] : [`First seen at step ${number(one.step)}`];
  if (since.length || places.length) parts.push(make("p", { class: "quiet" }, [...since, places.length ? (since.length ? ", in " : "In ") : "", ...places, "."]));
  const rows = one.evidence.map(([name, value, limit]) => make("li", {}, [`${name} `, make("b", {}, number(value)), limit ? ` (limit ${limit})` : ""]));
  const cures = one.cures.map(([title, change]) => make("li", {}, [title, change ? make("code", {}, change) : null]));
  parts.push(make("div", { class: "pair" }, [
    rows.length ? make("div", {}, [make("p", { class: "lead" }, "Evidence"), make("ul", {}, rows)]) : null,
    cures.length ? make("div", {}, [make("p", { class: "lead" }, cures.length > 1 ? "What to do, best first" : "What to do"), make(cures.length > 1 ? "ol" : "ul", {}, cures)]) : null,
  ]));
  if (one.symptoms.length) parts.push(make("p", { class: "quiet" }, `This also explains: ${one.symptoms.map((title) => title.replace(/\.$/, "")).join("; ")}.`));
  return make("article", { class: `finding ${one.severity}` }, parts);
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
    this.known = {}; this.list = []; this.others = new Map(); this.pace = []; this.spokenAt = 0; this.connection = "";
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
    const name = found.score_name, chart = (...given) => { const made = new Chart(...given); this.list.push(made); this.charts.append(made.element); };
    this.list = []; this.others.clear(); this.last = {}; this.epochs = []; this.pace = [];
    this.charts.replaceChildren(); this.more.replaceChildren(this.more.firstChild);
    chart("Loss", [
      { name: "loss/train", label: "", style: "faint", smooth: true },
      { name: "loss/train_epoch", label: "training", style: "train" },
      { name: "loss/validation", label: "validation", style: "validation" },
    ], { smoothing: true });
    if (name) chart(words(name).replace(/^./, (first) => first.toUpperCase()), [
      { name: `score/train/${name}`, label: "training", style: "train" },
      { name: `score/validation/${name}`, label: "validation", style: "validation" },
    ]);
    chart("Learning rate", [{ name: "learning_rate", label: "rate", style: "train" }]);
    chart("Gradient", [{ name: "grad/norm", label: "norm", style: "train", smooth: true }], { smoothing: true });
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
    if (this.known.status === "running") { this.pace.push([performance.now(), step]); this.pace = this.pace.slice(-20); }
    this.step = step;
  }

  // Signals without a chart of their own wait, as points, until somebody opens the list.
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
    this.badge.replaceChildren(badge(found.status));
    this.title.textContent = found.headline ?? found.name;
    this.verdict.textContent = (found.sentence ?? found.reason ?? "").replaceAll(" %", "\u00a0%");
    this.verdict.className = `verdict ${found.tone ?? "bad"}`;
    this.notes.replaceChildren(...(found.notes ?? []).map((note) => make("li", {}, note.replaceAll(" %", "\u00a0%"))));
    const text = JSON.stringify(found.findings);
    if (text !== this.told) {
      this.told = text;
      this.findings.replaceChildren(make("h2", {}, "Findings"), ...(found.findings.length ? found.findings.map(finding) : [make("p", { class: "quiet" }, "Nothing was found wrong.")]));
    }
  }

  report() {
    const parts = [this.connection === "live" ? "live" : this.connection], { epochs, steps } = this.known;
    if (this.epochs.length) parts.push(`epoch ${this.epochs.length}${epochs ? ` of ${epochs}` : ""}`);
    if (this.step) parts.push(`step ${number(this.step)}`);
    for (const [name, label] of [["loss/train", "loss"], [`score/validation/${this.known.score_name}`, `validation ${words(this.known.score_name ?? "")}`]])
      if (this.last[name]) parts.push(`${label} ${this.last[name][1] === null ? "not a number" : label === "loss" ? number(this.last[name][1]) : score(this.known.score_name, this.last[name][1])}`);
    const [from, to] = [this.pace[0], this.pace.at(-1)], pace = from && to[0] > from[0] ? (1000 * (to[1] - from[1])) / (to[0] - from[0]) : 0;
    if (this.known.status === "running" && pace > 0) {
      parts.push(`${pace >= 10 ? Math.round(pace).toLocaleString("en") : pace.toPrecision(2)} steps/s`);
      if (steps > this.step) parts.push(`${duration((steps - this.step) / pace)} left`);
    }
    this.say(this.connection || (STATES[this.known.status] ?? ""), parts.filter(Boolean).join(" · ").replaceAll(" %", "\u00a0%"));
    this.speak(false);
  }

  say(connection, text) { this.status.dataset.connection = connection; this.status.textContent = text; }

  // A screen reader is told at most every ten seconds.
  speak(now) {
    if (!now && performance.now() - this.spokenAt < 10_000) return;
    this.spokenAt = performance.now();
    spoken.textContent = `${STATES[this.known.status] ?? ""}: ${this.status.textContent}`;
  }
}

if (identity) new RunPage(); else list();
