import { h, listLink, refresh } from "./dom.js";
import { peakOf, sum, verdictOf } from "./verdict.js";
import { duration, minute, t } from "./words.js";

/** @typedef {import("../source.ts").Hour} Hour */

const HEIGHT = 48;
const STEP = 10;
/** @type {readonly ("waiting" | "running" | "failed")[]} */
const CHARTS = ["waiting", "running", "failed"];

/** The last hour: whether all is well, what waited, ran and failed, and how long tasks run. */
export class LastHour extends HTMLElement {
  /** @param {Hour} hour */
  set hour(hour) {
    const { level, key, values } = verdictOf(hour);
    refresh(
      this,
      h("h2", { tabIndex: -1, "data-key": "title" }, t("hour.title")),
      h("p", { className: `verdict ${level}` }, t(key, values)),
      h("div", { className: "charts" }, ...CHARTS.map((what) => chartOf(hour, what))),
      minutesOf(hour),
      hour.names.length > 0 && timesOf(hour),
    );
  }
}

/**
 * @param {Hour} hour
 * @param {"waiting" | "running" | "failed"} what
 */
function chartOf(hour, what) {
  const { minutes } = hour;
  const { place, most } = peakOf(minutes, what);
  const text = t(
    most === 0 ? "hour.chartNone" : what === "failed" ? "hour.chartFailed" : "hour.chart",
    {
      what: t(`hour.${what}`),
      now: minutes.at(-1)?.[what] ?? 0,
      total: sum(minutes, what),
      most,
      at: minute(timeOf(hour, place)),
    },
  );
  const picture = svg("svg", {
    viewBox: `0 0 ${minutes.length * STEP} ${HEIGHT}`,
    class: what,
    preserveAspectRatio: "none",
  });
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", text);
  for (const [at, { [what]: amount }] of minutes.entries()) {
    // One of many is to be seen, too.
    const height = amount === 0 ? 1 : Math.max(3, (amount / most) * HEIGHT);
    const shape = {
      x: at * STEP + 1,
      y: HEIGHT - height,
      width: STEP - 2,
      height,
      class: amount === 0 ? "none" : "",
    };
    const column = svg("rect", shape);
    const title = svg("title", {});
    title.textContent = textOf(hour, at);
    column.append(title);
    picture.append(column);
  }
  return h("figure", {}, h("figcaption", {}, text), picture, axisOf(hour));
}

/** @param {Hour} hour */
function axisOf(hour) {
  const middle = Math.floor(hour.minutes.length / 2);
  const marks = [0, middle, hour.minutes.length].map((at) =>
    h("span", {}, minute(timeOf(hour, at))),
  );
  return h("div", { className: "axis muted", "aria-hidden": "true" }, ...marks);
}

/**
 * @param {Hour} hour
 * @param {number} place
 */
function timeOf({ from }, place) {
  return from + place * 60_000;
}

/**
 * @param {Hour} hour
 * @param {number} place
 */
function textOf(hour, place) {
  const { waiting = 0, running = 0, failed = 0 } = hour.minutes[place] ?? {};
  return t("hour.minuteText", { at: minute(timeOf(hour, place)), waiting, running, failed });
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * The pictures in figures, without the minutes in which nothing was.
 *
 * @param {Hour} hour
 */
function minutesOf(hour) {
  const rows = hour.minutes.flatMap(({ waiting, running, failed }, place) =>
    waiting + running + failed === 0
      ? []
      : [[minute(timeOf(hour, place)), ...[waiting, running, failed].map(String)]],
  );
  const heads = [t("hour.minute"), t("hour.waiting"), t("hour.running"), t("hour.failed")];
  const summary = h("summary", { "data-key": "summary" }, t("hour.asTable"));
  return h("details", { "data-key": "minutes" }, summary, tableOf(heads, rows));
}

/** @param {Hour} hour */
function timesOf({ names }) {
  const rows = names.map(({ name, count, failed, medianMs, p95Ms }) => [
    listLink(name, { q: name }),
    String(count),
    failed > 0 ? listLink(String(failed), { q: name, show: "failed" }) : "0",
    ...[duration(medianMs), duration(p95Ms)],
  ]);
  const heads = [
    t("hour.name"),
    t("hour.count"),
    t("hour.failed"),
    t("hour.median"),
    t("hour.p95"),
  ];
  return h("section", {}, h("h3", {}, t("hour.times")), tableOf(heads, rows));
}

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly (string | Node)[])[]} rows
 */
function tableOf(heads, rows) {
  const lines = rows.map(([first = "", ...others]) =>
    h("tr", {}, h("th", { scope: "row" }, first), ...others.map((text) => h("td", {}, text))),
  );
  const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)));
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...lines));
}

customElements.define("last-hour", LastHour);
