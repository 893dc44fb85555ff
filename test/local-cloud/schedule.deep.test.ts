import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { Project } from "./_project.ts";

const project = new Project("");
afterAll(() => project.close());
project.configure(`
  celeryApp: "kiosk.celery:app",
  image: { context: ${JSON.stringify(join(ROOT, "test", "local-cloud", "kiosk"))} },
  env: {
    DJANGO_SETTINGS_MODULE: "kiosk.settings",
    DATABASE: ${JSON.stringify(join(project.dir, "db.sqlite3"))},
  },
  schedule: "database",
`);

// As the admin's form does. It has a start, so it need not wait for its first minute.
const ADD = `
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
hourly = IntervalSchedule.objects.create(every=1, period="hours")
fields = {"task": "kiosk.sell", "interval": hourly, "start_time": timezone.now()}
PeriodicTask.objects.create(name="Morning paper", kwargs='{"paper": "Le Monde"}', **fields)
`;
const SHOW = `
from django_celery_beat.models import PeriodicTask
row = PeriodicTask.objects.get(name="Morning paper")
print(row.total_run_count, row.last_run_at.second)
`;
const inShell = (code: string) =>
  `python manage.py shell --no-imports -c '${code.replaceAll("'", "'\\''")}'`;

test("a periodic task of the database runs when its timer fires, once", async () => {
  const filled = await project.run(
    "--once",
    `python manage.py migrate --noinput --verbosity 0 && ${inShell(ADD)}`,
  );
  expect(await filled.end, filled.stdout + filled.stderr).toBe(0);

  const running = project.start("--json", "--at", "shop-schedule");
  await running.until({ type: "task", name: "kiosk.sell", outcome: "ok" });
  const { control } = await running.urls();
  const again = await fetch(`${control}/api/timers/shop-schedule`, { method: "POST" });
  expect(await again.json()).toEqual({ status: 200 });
  running.signal("SIGINT");
  expect(await running.end).toBe(0);

  const shown = await project.run("--once", inShell(SHOW));
  expect(shown.stdout).toBe("1 0\n");
});
