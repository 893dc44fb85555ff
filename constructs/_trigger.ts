import { mismatches, type Refuse } from "./_refusal.ts";

const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/;

/** Rejects what is not a URL path. */
export function checkTriggerPath(path: string | undefined, refuse: Refuse): void {
  refuse(mismatches(path, PATH), {
    field: "path",
    value: path,
    allowed: "a path of a URL that starts with /, without query, fragment and spaces",
    fix: 'Write it like "/worker/", other characters as %20',
  });
}
