"use strict";
// The page of scored answers. The first part is plain functions over the data, the second part draws.
// Texts are set as text only, never as markup; they were made safe to show when the page was written.
// The data: items, pieces (labels by vocabulary and id), summary (over all items, or null), complete, provenance.
// An item: title, query, tokens, generator (side) or null, references (side, noise, warnings, numbers), path,
// vocabulary; where conversations were exported also before (what the user wrote of the answer), provenance, and,
// for an answer that was not scored, text in place of tokens.

const CLASSES = ["unshifted", "marginal", "shifted", "control"];
const COUNTED = CLASSES.slice(0, 3);
const LANES = [
  ["class", "class"], ["emitted", "class of the written token"], ["kl", "KL"],
  ["probability", "reference probability"], ["entropy", "generator entropy"],
];

// A token: [id, text, label, hex, flags (1 control, 2 cut), generator, references]
// A generator: [logprob, entropy, rank, top] or null
// A reference: [logprob, entropy, rank, argmax rank, kl, near tie, class, emitted class, top] or null
const reading = {
  classOf(token, reference, lane) {
    if (token[4] & 1) return "control";
    const score = token[6][reference];
    if (!score) return null;
    return CLASSES[lane === "emitted" ? score[7] : score[6]];
  },
  value(token, reference, lane) {
    const score = token[6][reference];
    if (lane === "kl") return score ? score[4] : null;
    if (lane === "entropy") return token[5] ? token[5][1] : null;
    if (lane === "probability") return score ? probability(score[0]) : null;
    return null;
  },
  // Strength of a lane's colour, 0 to 1.
  heat(token, reference, lane) {
    const value = reading.value(token, reference, lane);
    if (value === null || value === undefined) return 0;
    if (lane === "probability") return 0.75 * value;
    return 0.85 * (1 - Math.exp(-value / (lane === "kl" ? 1 : 1.5)));
  },
  next(tokens, from, step, wanted) {
    for (let i = from + step; i >= 0 && i < tokens.length; i += step) if (wanted(tokens[i])) return i;
    return null;
  },
  counts(tokens, reference, lane) {
    const found = { unshifted: 0, marginal: 0, shifted: 0, control: 0 };
    for (const token of tokens) {
      const name = reading.classOf(token, reference, lane);
      if (name === "control") found.control += 1;
      else if (name !== null && !(token[4] & 2)) found[name] += 1;
    }
    return found;
  },
};

function probability(logprob) { return logprob === null || logprob === undefined ? 0 : Math.exp(logprob); }
function number(value, digits) { return value === null || value === undefined ? "–" : value.toFixed(digits === undefined ? 3 : digits); }
function percent(value) { return value === null || value === undefined ? "–" : (100 * value).toFixed(1) + " %"; }

function start(document, data) {
  const state = { item: 0, reference: 0, lane: "class", at: 0, pinned: null, off: new Set() };
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  function el(tag, attributes, ...children) {
    const svg = ["svg", "rect", "text", "title", "g"].includes(tag);
    const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat(Infinity)) node.append(child);
    return node;
  }
  function fill(id, ...children) { $(id).replaceChildren(...children.flat(Infinity)); }
  // Draws a group of controls again; the focus stays on the control of the same place.
  function refill(id, choose, ...children) {
    const before = [...$(id).querySelectorAll("input, select, button")].indexOf(document.activeElement);
    fill(id, ...children);
    const after = $(id).querySelectorAll("input, select, button");
    const target = before < 0 ? null : choose ? [...after].find((node) => node.checked) : after[before];
    if (target) target.focus();
  }
  const item = () => data.items[state.item];
  const tokens = () => item().tokens;
  const classOf = (token) => reading.classOf(token, state.reference, state.lane);
  const label = (id) => {
    const pieces = data.pieces[item().vocabulary] || {};
    return Object.hasOwn(pieces, id) ? pieces[id] : "#" + id;
  };

  // --- controls ---

  function radios(id, name, options, current, change) {
    const legend = $(id).querySelector("legend");
    refill(id, true, legend, options.map(([value, text], i) => {
      const input = el("input", { type: "radio", name, value, id: name + i, checked: value === current(), onchange: () => change(value) });
      return el("label", { for: name + i }, input, " " + text);
    }));
  }
  function controls() {
    const several = data.items.length > 1;
    $("items").hidden = !several;
    if (several) {
      const select = el("select", { "aria-label": "Item", onchange: (event) => openItem(Number(event.target.value)) },
        data.items.map((one, i) => el("option", { value: i, selected: i === state.item }, one.title)));
      const step = (by, text, name) => el("button", { type: "button", "aria-label": name, onclick: () => openItem(state.item + by) }, text);
      refill("items", false, $("items").querySelector("legend"), step(-1, "‹", "Previous item"), select, step(1, "›", "Next item"));
    }
    $("references").hidden = item().references.length < 2;
    radios("references", "reference", item().references.map((side, i) => [i, side.side]), () => state.reference, setReference);
    const lanes = item().generator ? LANES : LANES.filter(([name]) => name !== "kl" && name !== "entropy" && name !== "emitted");
    radios("lanes", "lane", lanes, () => state.lane, setLane);
    refill("filter", false, $("filter").querySelector("legend"), CLASSES.map((name, i) => {
      const input = el("input", { type: "checkbox", id: "f" + i, checked: !state.off.has(name), onchange: (event) => {
        if (event.target.checked) state.off.delete(name); else state.off.add(name);
        paint();
      } });
      return el("label", { for: "f" + i }, input, " ", el("span", { class: "swatch " + name }, name));
    }));
  }
  function setReference(n) { state.reference = n; controls(); sides(); paint(); numbers(); }
  function setLane(name) { state.lane = name; controls(); paint(); numbers(); }
  function openItem(n) {
    if (n < 0 || n >= data.items.length) return;
    state.item = n; state.at = 0; state.pinned = null;
    if (state.reference >= item().references.length) state.reference = 0;
    controls(); sides(); answer(); numbers();
  }

  // --- the answer ---

  let spans = [];
  function answer() {
    fill("query", item().query);
    spans = tokens().map((token, i) => {
      const text = token[1] !== "" ? token[1] : token[4] & 1 ? " " + token[2] + " " : "";
      const parts = [];
      text.split("\n").forEach((line, n) => {
        if (n) parts.push(el("span", { class: "nl", "aria-hidden": "true" }, "⏎"), "\n");
        if (line) parts.push(line);
      });
      return el("span", { role: "option", tabindex: i === 0 ? 0 : -1, onmouseenter: () => show(i, false), onclick: () => { move(i); pin(i); }, onfocus: () => show(i, true) }, parts);
    });
    fill("answer", item().before || [], spans.length ? spans : item().text || []);
    state.at = Math.min(state.at, Math.max(0, spans.length - 1));
    paint();
  }
  function paint() {
    $("answer").className = "lane-" + state.lane;
    tokens().forEach((token, i) => {
      const name = classOf(token) || "none";
      const score = token[6][state.reference];
      const near = Boolean(score && score[5]) && name !== "control" && state.lane === "class";
      spans[i].className = "t " + name + (near ? " near" : "") + (state.off.has(name) ? " off" : "") +
        (i === state.at ? " at" : "") + (i === state.pinned ? " pinned" : "");
      spans[i].style.setProperty("--v", reading.heat(token, state.reference, state.lane).toFixed(3));
      spans[i].setAttribute("aria-selected", i === state.at ? "true" : "false");
      spans[i].setAttribute("aria-label", token[2] + ", " + (name === "none" ? "no score" : name) + (near ? ", near tie" : ""));
      spans[i].setAttribute("tabindex", i === state.at ? 0 : -1);
    });
    chart();
    detail();
  }
  function show(i, focused) {
    if (state.pinned !== null && !focused) return;
    const before = state.at;
    if (before === i) return;
    state.at = i;
    for (const [n, on] of [[before, false], [i, true]]) {
      spans[n].classList.toggle("at", on);
      spans[n].setAttribute("aria-selected", on ? "true" : "false");
      spans[n].setAttribute("tabindex", on ? 0 : -1);
    }
    mark();
    detail();
  }
  function move(i) { if (i !== null && i >= 0 && i < spans.length) { show(i, true); spans[i].focus(); } }
  function pin(i) { state.pinned = state.pinned === i ? null : i; paint(); }
  function line(step) {
    const here = spans[state.at].getBoundingClientRect();
    let best = null, far = Infinity, row = null;
    for (let i = state.at + step; i >= 0 && i < spans.length; i += step) {
      const there = spans[i].getBoundingClientRect();
      if (Math.abs(there.top - here.top) < here.height / 2) continue;
      if (row === null) row = there.top;
      if (Math.abs(there.top - row) > here.height / 2) break;
      if (Math.abs(there.left - here.left) < far) { far = Math.abs(there.left - here.left); best = i; }
    }
    return best;
  }
  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (["SELECT", "INPUT"].includes(event.target.tagName) && event.target.type !== "checkbox" && event.target.type !== "radio") return;
    const inside = $("answer").contains(event.target) || event.target.tagName === "BODY";
    const of = (name) => (token) => classOf(token) === name;
    const jump = (step, name) => move(reading.next(tokens(), state.at, step, of(name)));
    const everywhere = {
      n: () => jump(1, "shifted"), N: () => jump(-1, "shifted"), m: () => jump(1, "marginal"), M: () => jump(-1, "marginal"),
      l: () => { const names = item().generator ? LANES.map((lane) => lane[0]) : ["class", "probability"]; setLane(names[(names.indexOf(state.lane) + 1) % names.length]); },
      r: () => setReference((state.reference + 1) % Math.max(1, item().references.length)),
      "[": () => openItem(state.item - 1), "]": () => openItem(state.item + 1),
      Escape: () => { state.pinned = null; paint(); },
    };
    const answerOnly = {
      ArrowLeft: () => move(state.at - 1), ArrowRight: () => move(state.at + 1), ArrowUp: () => move(line(-1)), ArrowDown: () => move(line(1)),
      Home: () => move(0), End: () => move(spans.length - 1), Enter: () => pin(state.at), " ": () => pin(state.at),
    };
    const act = everywhere[event.key] || (inside && spans.length ? answerOnly[event.key] : null);
    if (act) { event.preventDefault(); act(); }
  }

  // --- the token ---

  function top(list, title, mine, theirs) {
    const rows = (list || []).map(([id, logprob], n) => el("tr", { class: id === mine ? "mine" : null },
      el("td", null, String(n + 1)),
      el("td", { class: "w" }, label(id) + (theirs.has(id) ? "" : " ∘"), bar(probability(logprob), "")),
      el("td", null, percent(probability(logprob)))));
    return el("table", null, el("caption", null, title), el("tbody", null, rows));
  }
  function bar(share, name) {
    const node = el("i", { class: name, "aria-hidden": "true" });
    node.style.width = (100 * Math.max(0, Math.min(1, share))).toFixed(1) + "%";
    return node;
  }
  function detail() {
    const shown = state.pinned !== null ? state.pinned : state.at;
    const token = tokens()[shown];
    if (!token) { fill("detail", el("p", { class: "soft" }, item().text ? "This answer was not scored token by token." : "The answer has no token.")); return; }
    const [id, , name, hex, flags, mine, all] = token;
    const score = all[state.reference];
    const facts = [["token", name + (flags & 2 ? " (a stop text cuts it)" : "")], ["position, id", shown + ", " + id], ["bytes", hex]];
    if (score && !(flags & 1)) {
      facts.push(["class", CLASSES[score[6]] + (score[5] ? " (near tie)" : "")]);
      if (score[7] !== score[6]) facts.push(["written token", CLASSES[score[7]]]);
    } else facts.push(["class", flags & 1 ? "control, not counted" : "no score"]);
    if (score && score[3] !== null) facts.push(["argmax rank", String(score[3])]);
    if (score) facts.push(["written rank", String(score[2])], ["reference", percent(probability(score[0])) + ", log p " + number(score[0]) + ", entropy " + number(score[1])]);
    if (mine) facts.push(["generator", percent(probability(mine[0])) + ", log p " + number(mine[0]) + ", entropy " + number(mine[1]) + ", rank " + mine[2]]);
    if (score && score[4] !== null) facts.push(["KL(generator ‖ reference)", number(score[4]) + " nats"]);
    const ids = (list) => new Set((list || []).map((entry) => entry[0]));
    const ours = mine ? mine[3] : null, theirs = score ? score[8] : null;
    fill("detail",
      el("dl", null, facts.map(([term, text]) => [el("dt", null, term), el("dd", { class: term === "bytes" || term === "token" ? "mono" : null }, text)])),
      el("div", { class: "lists" }, ours ? top(ours, "generator", id, theirs ? ids(theirs) : ids(ours)) : [], theirs ? top(theirs, "reference", id, ours ? ids(ours) : ids(theirs)) : []),
      el("p", { class: "soft" }, ours && theirs ? "∘ not among the other side's first " + Math.max(ours.length, theirs.length) + ". Bold: the written token." : ""));
    fill("live", score && !(flags & 1) ? "rank " + score[2] + (score[4] === null ? "" : ", KL " + number(score[4], 2)) : "");
  }

  // --- numbers ---

  function table(caption, head, rows) {
    return el("table", null, el("caption", null, caption), el("thead", null, el("tr", null, head.map((text) => el("th", { scope: "col" }, text)))), el("tbody", null, rows));
  }
  function row(cells) { return el("tr", null, cells.map((cell, i) => el(i ? "td" : "th", i ? null : { scope: "row" }, cell))); }
  function ratioTable(title, side) {
    if (!side || !side.ratios) return el("p", { class: "soft" }, title + ": no token was scored.");
    const spans95 = side.intervals && Object.keys(side.intervals).length ? side.intervals : null;
    const head = ["class", "tokens", "share"].concat(side.near_ties ? ["near ties", "without them"] : [], spans95 ? ["mean of items [95 %]"] : []);
    const rows = COUNTED.map((name) => {
      const cells = [el("span", { class: "swatch " + name }, name), String(side.counts[name]), percent(side.ratios[name])];
      if (side.near_ties) cells.push(String(side.near_ties[name]), side.ratios_without_near_ties ? percent(side.ratios_without_near_ties[name]) : "–");
      if (spans95) cells.push(percent(spans95[name].mean) + " [" + percent(spans95[name].low) + ", " + percent(spans95[name].high) + "]");
      return row(cells);
    });
    const facts = ["mean KL " + number(side.mean_kl) + " nats"];
    if (side.top_agreement !== null) facts.push("top lists in common " + percent(side.top_agreement));
    for (const [part, text] of [["early", "shifted in the first 15"], ["late", "later"]]) if (side[part] && side[part].ratios) facts.push(text + " " + percent(side[part].ratios.shifted));
    return el("div", null, table(title, head, rows), el("p", { class: "soft" }, facts.join(" · ")));
  }
  const pooled = () => data.summary && data.summary.references[state.reference];
  function here() {
    const side = item().references[state.reference] || { most_shifted: [] };
    return state.lane === "emitted" ? Object.assign({}, side, side.emitted) : side;
  }
  function numbers() {
    const all = pooled();
    fill("ratios", ratioTable(data.items.length > 1 ? "this item" : "this answer", here()),
      data.items.length > 1 && all ? ratioTable("all " + data.items.length + " items", state.lane === "emitted" ? Object.assign({}, all, all.emitted, { intervals: null }) : all) : []);
    const most = (all || here()).most_shifted;
    const high = Math.max(1, ...most.map((entry) => entry.shifted));
    fill("most", most.length ? table(all ? "all items" : "this answer", ["token", "shifted", "written", "share"],
      most.map((entry) => el("tr", null, el("td", { class: "w" }, label(entry.id), bar(entry.shifted / high, "shifted")),
        el("td", null, String(entry.shifted)), el("td", null, String(entry.occurrences)), el("td", null, percent(entry.share))))) : el("p", { class: "soft" }, "No token was shifted."));
    if (data.items.length > 1 && all) {
      fill("position-table", table("all items, by position in the answer", ["position", "tokens", "marginal", "shifted", "mean KL"],
        all.by_relative_position.map((bin) => row([bin.at * 10 + "–" + (bin.at * 10 + 10) + " %", String(bin.n), percent((bin.counts.marginal || 0) / bin.n), percent((bin.counts.shifted || 0) / bin.n), number(bin.mean_kl)]))));
    } else {
      fill("position-table", table("this answer", ["position", "token", "class", "KL"], tokens().map((token, i) =>
        row([String(i), token[2], classOf(token) || "–", number(reading.value(token, state.reference, "kl"))]))));
    }
  }

  // --- the chart ---

  let marker = null, width = 1;
  function chart() {
    const list = tokens(), wide = 1000, high = 110;
    width = wide / Math.max(1, list.length);
    const lane = item().generator ? (["entropy", "probability"].includes(state.lane) ? state.lane : "kl") : "probability";
    const values = list.map((token) => reading.value(token, state.reference, lane) || 0);
    const most = lane === "probability" ? 1 : Math.max(0.001, ...values);
    const bars = list.map((token, i) => {
      const tall = 4 + (high - 4) * values[i] / most;
      return el("rect", { class: classOf(token) || "control", x: (i * width).toFixed(2), y: (high - tall).toFixed(2), width: Math.max(0.5, width * 0.85).toFixed(2), height: tall.toFixed(2), onclick: () => move(i), onmouseenter: () => show(i, false) },
        el("title", null, token[2] + ", " + (classOf(token) || "no score") + ", " + number(values[i])));
    });
    marker = el("rect", { class: "here", y: 1, height: high - 2, width: Math.max(2, width).toFixed(2) });
    const unit = { kl: "KL, nats", entropy: "generator entropy, nats", probability: "reference probability" }[lane];
    const found = reading.counts(list, state.reference, state.lane);
    const name = "Tokens by position: " + COUNTED.map((entry) => found[entry] + " " + entry).join(", ") + ". Height: " + unit;
    const parts = [el("svg", { viewBox: "0 0 1000 128", preserveAspectRatio: "none", role: "img", "aria-label": name }, bars, marker), el("p", { class: "soft" }, "this answer, first token to last; height: " + unit + ", up to " + number(most, 2))];
    const all = pooled();
    if (data.items.length > 1 && all) parts.push(...overall(all));
    fill("chart", parts);
    mark();
  }
  function overall(all) {
    const positions = all.by_position.slice(0, 100), wide = 1000 / Math.max(1, positions.length), high = 110;
    const bars = positions.map((bin, i) => {
      let from = high;
      return el("g", null, ["shifted", "marginal", "unshifted"].map((name) => {
        const tall = high * (bin.counts[name] || 0) / bin.n;
        from -= tall;
        return el("rect", { class: name, x: (i * wide).toFixed(2), y: from.toFixed(2), width: (wide * 0.9).toFixed(2), height: tall.toFixed(2) });
      }), el("title", null, "position " + bin.at + ": " + bin.n + " tokens, " + percent((bin.counts.shifted || 0) / bin.n) + " shifted, " + percent((bin.counts.marginal || 0) / bin.n) + " marginal"));
    });
    return [el("svg", { viewBox: "0 0 1000 128", preserveAspectRatio: "none", role: "img", "aria-label": "Share of each class at the first " + positions.length + " positions over all items" }, bars),
      el("p", { class: "soft" }, "all items: share of shifted (below), marginal and unshifted tokens at the first " + positions.length + " positions")];
  }
  function mark() { if (marker) marker.setAttribute("x", (state.at * width).toFixed(2)); }

  function sides() {
    const reference = item().references[state.reference];
    const noise = !reference || reference.noise === null ? "" : ", noise " + number(reference.noise);
    const scored = reference ? " · reference " + reference.side + noise + " · " + item().path + " path" : " · not scored";
    fill("sides", "generator " + (item().generator ? item().generator.side : "none, the texts were given") + scored);
    fill("notes", (reference ? reference.warnings : []).concat(data.notes || [], data.complete ? [] : ["Not all items are done."]).join(" · "));
    $("provenance").textContent = JSON.stringify(item().provenance || data.provenance, null, 2);
  }

  document.addEventListener("keydown", key);
  sides(); controls(); answer(); numbers();
  return state;
}

if (typeof document !== "undefined") start(document, JSON.parse(document.getElementById("data").textContent));
if (typeof module !== "undefined") module.exports = { reading, start, CLASSES };
