import { settingsOf } from "./lib/cloud/session.ts";
import { billRecord, formatBill, sumUp } from "./lib/costs/bill.ts";
import { findCosts } from "./lib/costs/costs.ts";
import { readExpected } from "./lib/costs/expected.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const count = (value: string, help: string) => ({ type: "string", value, help }) as const;

const command = {
  name: "costs",
  summary:
    "Shows what a month of a stage costs: use of each free tier, and roubles beyond it. Measures since the beginning of the month, unless one of the first four says what to expect.",
  flags: {
    stage: STAGE,
    requests: count("n", "requests to the site a month"),
    "request-seconds": count("s", "that a request takes; default: 0.1"),
    tasks: count("n", "tasks a month"),
    seconds: count("s", "that a task or a timer's call takes; default: 0.1"),
    "request-units": count("n", "of YDB a month, which no metric is known of"),
    "log-gb": count("gb", "written to the log a month"),
    "images-gb": count("gb", "that the kept images have; default: as the registry says"),
    json: { type: "boolean", help: "one JSON object a line; the last one has the sum" },
  },
} as const;

await main(command, async (system, { stage, json, ...flags }) => {
  const expected = readExpected(flags);
  const { bill, notes } = await findCosts(system, settingsOf(stage), expected);
  if (!json) {
    system.say([...formatBill(bill), ...notes].join("\n"));
    return;
  }
  for (const line of bill) system.say(JSON.stringify(billRecord(line)));
  const { roubles, unknown } = sumUp(bill);
  const without = unknown.map(({ meter }) => meter);
  system.say(JSON.stringify({ total: roubles, without, notes }));
});
