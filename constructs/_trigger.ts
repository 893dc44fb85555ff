import { mismatches, type Refuse } from "./_refusal.ts";

const NAME = /^[a-z][-a-z0-9]{1,61}[a-z0-9]$/;
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/;

/** Refuses a name that the trigger service does not take. */
export function checkTriggerName(name: string, refuse: Refuse): void {
  refuse(mismatches(name, NAME), {
    field: "name",
    value: name,
    allowed: "3 to 63 lowercase letters, digits and hyphens, a letter first and no hyphen last",
    fix: "Rename the trigger",
  });
}

/** Refuses what is no path of a URL. */
export function checkTriggerPath(path: string | undefined, refuse: Refuse): void {
  refuse(mismatches(path, PATH), {
    field: "path",
    value: path,
    allowed: "a path of a URL that starts with /, without query, fragment and spaces",
    fix: 'Write it like "/worker/", other characters as %20',
  });
}
