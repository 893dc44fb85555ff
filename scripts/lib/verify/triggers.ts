import type { TriggerSpec } from "../../../constructs/trigger-spec.ts";
import type { Session } from "../cloud/session.ts";
import { messageOf } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { ruleDifferences, SETTLING_MINUTES } from "../triggers/plan.ts";
import { type LiveTrigger, ruleOf } from "../triggers/rules.ts";
import { clientOf } from "../triggers/triggers.ts";
import type { CheckResult } from "./check-result.ts";

/** Whether all triggers are as they should be. */
export async function checkTriggers(session: Session, app: DeployedApp): Promise<CheckResult[]> {
  try {
    const live = await clientOf(session).list();
    return Object.entries(app.triggers).map(([name, spec]) =>
      compareTrigger(name, spec, live, session.system.now()),
    );
  } catch (error) {
    return [{ check: "triggers", ok: false, found: messageOf(error) }];
  }
}

/** Whether a trigger is there, runs, and joins the right queue and container. */
export function compareTrigger(
  name: string,
  spec: TriggerSpec,
  live: readonly LiveTrigger[],
  now: number,
): CheckResult {
  const check = `trigger ${name}`;
  const remedy = spec.trigger === "yc" ? "`npm run trigger`" : "`npm run deploy`";
  const trigger = live.find((candidate) => candidate.name === name);
  if (trigger === undefined) {
    return { check, ok: false, found: "missing", fix: `Run ${remedy}.` };
  }
  const wrong = ruleDifferences(trigger.rule, ruleOf(spec));
  if (wrong.length > 0) {
    return { check, ok: false, found: `differs in ${wrong.join(", ")}`, fix: `Run ${remedy}.` };
  }
  if (trigger.status !== "ACTIVE") {
    const fix = "Run `npm run trigger -- --resume`.";
    return { check, ok: false, found: trigger.status.toLowerCase(), fix, minor: true };
  }
  const age = now - Date.parse(trigger.createdAt ?? "");
  const isNew = age < SETTLING_MINUTES * 60_000;
  return {
    check,
    ok: true,
    found: isNew ? `active, new: it may take ${SETTLING_MINUTES} minutes to work` : "active",
  };
}
