/** @typedef {import("../source.ts").FamilyMember} Member */
/** @typedef {{ readonly ok: number, readonly failed: number, readonly open: number, readonly count: number }} Tally */
/**
 * A line of the tree: a task, or the heading of a group. `stuck`: the member that keeps a chord from
 * its end. `follows`: the only child of the task above it.
 *
 * @typedef {{ readonly kind: "task", readonly depth: number, readonly follows: boolean, readonly member: Member }
 *   | { readonly kind: "group", readonly depth: number, readonly tally: Tally, readonly stuck?: Member }} Line
 */

const FAILED = new Set(["failed", "dead", "revoked", "expired"]);
const OVER = new Set(["ok", "done"]);

/**
 * The family as a tree, line by line: parents before children, members of a group together. A chain
 * is not indented, or a long one would leave the screen.
 *
 * @param {readonly Member[]} members
 * @returns {Line[]}
 */
export function treeOf(members) {
  const known = new Map(members.map((member) => [member.id, member]));
  const children = gather([...known.values()], ({ id, parentId }) =>
    parentId !== undefined && parentId !== id && known.has(parentId) ? parentId : "",
  );
  /** What is to come, the next one last. Parents in a circle have no first one: each begins anew. */
  const rest = members.map(taskLine).reverse();
  rest.push(...branch(children.get("") ?? [], 0).reverse());
  /** @type {Line[]} */
  const lines = [];
  for (let line = rest.pop(); line !== undefined; line = rest.pop()) {
    if (line.kind === "group") lines.push(line);
    else if (known.delete(line.member.id)) {
      const inner = children.get(line.member.id) ?? [];
      rest.push(...childrenOf(inner, line.depth).reverse());
      lines.push(line);
    }
  }
  return lines;
}

/**
 * @param {Member} member
 * @returns {Line}
 */
function taskLine(member) {
  return { kind: "task", depth: 0, follows: false, member };
}

/**
 * @param {readonly Member[]} members
 * @param {number} depth of their parent
 * @returns {Line[]}
 */
function childrenOf(members, depth) {
  if (members.length > 1) return branch(members, depth + 1);
  return members.map((member) => ({ kind: "task", depth, follows: true, member }));
}

/**
 * @param {readonly Member[]} members
 * @param {(member: Member) => string} keyOf
 */
function gather(members, keyOf) {
  /** @type {Map<string, Member[]>} */
  const gathered = new Map();
  for (const member of members) {
    const key = keyOf(member);
    const others = gathered.get(key);
    if (others) others.push(member);
    else gathered.set(key, [member]);
  }
  return gathered;
}

/**
 * @param {readonly Member[]} members with the same parent
 * @param {number} depth
 * @returns {Line[]}
 */
function branch(members, depth) {
  const groups = gather([...members].sort(bySent), ({ groupId, id }) => groupId ?? id);
  return [...groups.values()].flatMap((group) => linesOf(group, depth));
}

/**
 * @param {readonly Member[]} group
 * @param {number} depth
 * @returns {Line[]}
 */
function linesOf(group, depth) {
  const isGroup = group.length > 1;
  /** @type {Line[]} */
  const tasks = group.map((member) => ({ ...taskLine(member), depth: depth + (isGroup ? 1 : 0) }));
  if (!isGroup) return tasks;
  const stuck = group.find(({ state }) => FAILED.has(state));
  return [{ kind: "group", depth, tally: tallyOf(group), ...(stuck && { stuck }) }, ...tasks];
}

/**
 * @param {readonly Member[]} members
 * @returns {Tally}
 */
function tallyOf(members) {
  const ok = members.filter(({ state }) => OVER.has(state)).length;
  const failed = members.filter(({ state }) => FAILED.has(state)).length;
  return { ok, failed, open: members.length - ok - failed, count: members.length };
}

/**
 * @param {Member} one
 * @param {Member} other
 */
function bySent(one, other) {
  return (one.publishedAt ?? one.changedAt) - (other.publishedAt ?? other.changedAt);
}
