"use strict";
// Just enough of a document to run the page's script: elements with children, attributes, classes, focus.
class List { constructor(n) { this.n = n; } set() { return new Set(this.n.className.split(" ").filter(Boolean)); }
  toggle(c, on) { const s = this.set(); if (on) s.add(c); else s.delete(c); this.n.className = [...s].join(" "); } }
class Node { constructor(tag) { this.tagName = tag.toUpperCase(); this.children = []; this.attributes = {}; this.listeners = {};
    this.className = ""; this.style = { setProperty: (k, v) => { this.style[k] = v; } }; this.classList = new List(this); this.hidden = false; }
  setAttribute(k, v) { this.attributes[k] = String(v); if (k === "class") this.className = String(v); if (k === "id") ids[v] = this; if (k === "checked") this.checked = true; }
  getAttribute(k) { return this.attributes[k]; }
  append(...c) { c.forEach(one); this.children.push(...c); } replaceChildren(...c) { c.forEach(one); this.children = c; }
  addEventListener(k, f) { this.listeners[k] = f; }
  get textContent() { return this.children.map((c) => typeof c === "string" ? c : c.textContent).join(""); }
  set textContent(t) { this.children = [t]; }
  all() { return this.children.flatMap((c) => typeof c === "string" ? [] : [c, ...c.all()]); }
  querySelectorAll(q) { const names = q.toUpperCase().split(", "); return this.all().filter((c) => names.includes(c.tagName)); }
  querySelector(q) { return this.querySelectorAll(q)[0]; }
  contains(n) { return this === n || this.all().includes(n); }
  focus() { document.activeElement = this; if (this.listeners.focus) this.listeners.focus(); }
  getBoundingClientRect() { return { top: 0, left: 0, height: 10 }; } }
const one = (c) => { if (!(c instanceof Node) && typeof c !== "string") throw new Error("no child: " + typeof c); };
const ids = {}, keys = [];
const document = { activeElement: null, createElement: (t) => new Node(t), createElementNS: (_, t) => new Node(t),
  addEventListener: (k, f) => keys.push(f), getElementById: (id) => ids[id] };
for (const id of ["sides", "notes", "items", "references", "lanes", "filter", "query", "answer", "chart", "position-table", "ratios", "most", "detail", "live", "provenance"]) {
  ids[id] = new Node("div"); if (["items", "references", "lanes", "filter"].includes(id)) ids[id].append(new Node("legend")); }
const press = (key) => keys[0]({ key, target: document.activeElement || { tagName: "BODY" }, preventDefault() {} });

// Reads the page's data from standard input, presses keys, prints what the page then shows.
const fs = require("fs");
const { reading, start } = require(process.argv[2]);
const data = JSON.parse(fs.readFileSync(0, "utf8"));
const state = start(document, data);
const spans = () => ids.answer.children.filter((s) => typeof s !== "string");
const classes = () => spans().map((s) => s.className);
const out = { classes: classes(), text: ids.answer.textContent, counts: reading.counts(data.items[0].tokens, 0, "class"), detail: ids.detail.textContent, sides: ids.sides.textContent, notes: ids.notes.textContent };
press("n"); out.afterN = state.at; press("m"); out.afterM = state.at; press("N"); out.afterBackN = state.at;
press("ArrowRight"); out.afterRight = state.at; press("Enter"); out.pinned = state.pinned; press("Escape"); out.unpinned = state.pinned;
press("l"); out.lane = state.lane; press("l"); out.heat = spans().map((s) => s.style["--v"]);
press("]"); out.item = state.item; out.second = classes(); out.secondText = ids.answer.textContent; press("]"); out.still = state.item; press("[");
ids.filter.querySelectorAll("input")[2].listeners.change({ target: { checked: false } }); out.off = classes();
out.ratios = ids.ratios.textContent; out.most = ids.most.textContent; out.labels = spans().map((s) => s.attributes["aria-label"]);
console.log(JSON.stringify(out));
