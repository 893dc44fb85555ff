import { h, tell } from "./dom.js";
import { findMistake, placeOf } from "./json-input.js";
import { jsonOf } from "./values.js";
import { t } from "./words.js";

/** A task's arguments to change, as JSON, and to run it with. What was typed stays until it is closed. */
export class TaskEditor extends HTMLElement {
  #args = field("args", t("edit.args"));
  #kwargs = field("kwargs", t("edit.kwargs"));
  #id = "";

  /** @param {import("../source.ts").TaskDetail["task"]} task */
  set task({ id, args, kwargs }) {
    this.#id = id;
    this.#args.area.value = jsonOf(args);
    this.#kwargs.area.value = jsonOf(kwargs);
  }

  connectedCallback() {
    if (this.hasChildNodes()) return;
    const form = h(
      "form",
      { noValidate: true },
      h("p", { className: "muted" }, t("edit.hint")),
      this.#args.label,
      this.#args.area,
      this.#args.problem,
      this.#kwargs.label,
      this.#kwargs.area,
      this.#kwargs.problem,
      h(
        "p",
        { className: "buttons" },
        h("button", { className: "main" }, t("act.run")),
        h(
          "button",
          { type: "button", onclick: () => this.dispatchEvent(new Event("close")) },
          t("act.cancel"),
        ),
      ),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      this.run();
    };
    form.onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    };
    this.append(form);
    // Whichever there is something in.
    const isNamed = this.#args.area.value === "[]" && this.#kwargs.area.value !== "{}";
    (isNamed ? this.#kwargs : this.#args).area.focus();
  }

  run() {
    const kwargs = read(this.#kwargs, isObject, "json.object");
    const args = read(this.#args, Array.isArray, "json.array");
    if (args === undefined || kwargs === undefined) return;
    tell(this, "console-action", { kind: "run", id: this.#id, args, kwargs });
  }
}

/**
 * @param {string} name
 * @param {string} label
 */
function field(name, label) {
  const area = h("textarea", {
    id: `edit-${name}`,
    rows: 6,
    spellcheck: false,
    "aria-describedby": `problem-${name}`,
  });
  area.autocomplete = "off";
  const problem = h("p", { id: `problem-${name}`, className: "problem", role: "alert" });
  return { area, problem, label: h("label", { htmlFor: area.id }, label) };
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The field's value, or `undefined` when it is none: then the field says why, and has the cursor
 * where it is wrong.
 *
 * @param {ReturnType<typeof field>} field
 * @param {(value: unknown) => boolean} fits
 * @param {"json.array" | "json.object"} otherwise
 */
function read({ area, problem }, fits, otherwise) {
  const mistake = findMistake(area.value);
  const value = mistake === undefined ? JSON.parse(area.value) : undefined;
  const isGood = mistake === undefined && fits(value);
  problem.textContent = isGood
    ? ""
    : mistake === undefined
      ? t(otherwise)
      : textOf(area.value, mistake);
  area.setAttribute("aria-invalid", String(!isGood));
  if (isGood) return value;
  area.focus();
  area.setSelectionRange(mistake?.at ?? 0, (mistake?.at ?? 0) + 1);
  return undefined;
}

/**
 * @param {string} text
 * @param {import("./json-input.js").Mistake} mistake
 */
function textOf(text, { problem, at, close }) {
  return t("json.at", {
    ...placeOf(text, at),
    problem: t(`json.${problem}`, { close: close ?? "" }),
  });
}

customElements.define("task-editor", TaskEditor);
