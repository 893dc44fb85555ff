import { fieldsOf } from "../shell/json.ts";
import type { ConfiguredResource, StateResource } from "./state.ts";

const GRANT = /_iam_(member|binding)$/;

/** Where Terraform waits until new rights are honoured. */
const WAIT = /\/Rights\/Resource$/;

/**
 * What has to be applied before the rest, for an apply that gives some rights and takes others away:
 * Terraform does both at once, so whoever gets the same right in another way would be without it in
 * between. Nothing when an apply does one of the two only.
 */
export async function rightsFirst(
  planned: readonly ConfiguredResource[],
  readState: () => Promise<readonly StateResource[]>,
): Promise<string[]> {
  const wanted = planned.filter(({ type, attributes }) => GRANT.test(type) && !attributes.count);
  if (wanted.length === 0) return [];
  const state = await readState();
  const held = new Set(state.filter(({ type }) => GRANT.test(type)).map(({ address }) => address));
  const kept = new Set(wanted.map(({ address }) => address));
  const given = [...kept].filter((address) => !held.has(address));
  const taken = [...held].some((address) => !kept.has(address));
  if (!taken || given.length === 0) return [];
  const waits = planned.filter(({ attributes }) => WAIT.test(pathOf(attributes)));
  return [...waits.map(({ address }) => address), ...given];
}

function pathOf({ "//": about }: ConfiguredResource["attributes"]): string {
  return String(fieldsOf(fieldsOf(about).metadata).path ?? "");
}
