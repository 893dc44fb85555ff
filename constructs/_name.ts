import { mismatches, type Refuse } from "./_refusal.ts";

/** Rejects a name that most services of the cloud do not take. `what` is named in the fix. */
export function checkName(name: string, what: string, refuse: Refuse, field = "name"): void {
  refuse(mismatches(name, /^[a-z][-a-z0-9]{1,61}[a-z0-9]$/), {
    field,
    value: name,
    allowed: "3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last",
    fix: `Rename the ${what}`,
  });
}
