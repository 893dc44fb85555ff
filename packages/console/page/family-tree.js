import { stateOf } from "./detail-parts.js";
import { h, taskLink } from "./dom.js";
import { treeOf } from "./family.js";
import { duration, t } from "./words.js";

/** @typedef {import("./family.js").Line} Line */

/** So many lines are shown: more would hold up the page, and be read by nobody. */
const SHOWN = 200;
/** Deeper ones are not indented further. */
const DEEPEST = 6;

/**
 * The tasks of the same root: what has started what, and what keeps a chord from its end.
 *
 * @param {import("../source.ts").TaskDetail} detail
 * @returns {import("./task-detail.js").Part}
 */
export function familyOf({ task, family }) {
  if (family.length < 2) return undefined;
  return {
    print: [task.id, family],
    nodes: () => {
      const lines = treeOf(family);
      const more = lines.length - SHOWN;
      return [
        h("h3", {}, t("detail.family")),
        h("ul", {}, ...lines.slice(0, SHOWN).map((line) => itemOf(line, task.id))),
        more > 0 && h("p", { className: "muted" }, t("family.more", { count: more })),
      ];
    },
  };
}

/**
 * @param {Line} line
 * @param {string} chosen
 */
function itemOf(line, chosen) {
  const item = h("li", { "aria-level": line.depth + 1 }, ...wordsOf(line, chosen));
  item.style.marginInlineStart = `${Math.min(line.depth, DEEPEST) * 1.25}em`;
  return item;
}

/**
 * @param {Line} line
 * @param {string} chosen
 */
function wordsOf(line, chosen) {
  if (line.kind === "group")
    return [t("family.group", line.tally), line.stuck && stuckOf(line.stuck)];
  const { id, name = t("detail.message"), state, runMs, error } = line.member;
  return [
    line.follows && h("span", { className: "muted", "aria-hidden": "true" }, "↳ "),
    id === chosen
      ? h("strong", { "aria-current": "true" }, `${name} (${t("detail.chosen")})`)
      : taskLink(id, name),
    " ",
    stateOf(state),
    h(
      "span",
      { className: "muted" },
      runMs > 0 ? ` ${duration(runMs)}` : "",
      error !== undefined ? ` ${error}` : "",
    ),
  ];
}

/** @param {import("../source.ts").FamilyMember} member */
function stuckOf({ id, name = id, state }) {
  return h(
    "div",
    { className: "warning" },
    t("family.stuck", { name, state: t(`is.${state}`) }),
    " ",
    taskLink(id, id.slice(0, 8)),
  );
}
