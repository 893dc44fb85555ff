import { describe, expect, test } from "vitest";
import { parseWords, refuseInteractive, refuseTaken } from "../../../scripts/lib/manage/words.ts";
import { UsageError } from "../../../scripts/lib/shell/command-line.ts";

const refusal = (line: string) => {
  try {
    refuseInteractive(line.split(" "));
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return undefined;
};

describe("refuseInteractive", () => {
  test.each([
    ...["migrate", "migrate --noinput", "check --deploy", "loaddata shell", "loaddata runserver"],
    ...["flush --noinput", "flush --no-input", "collectstatic --noinput --clear"],
    ...["remove_stale_contenttypes --noinput", "createsuperuser --noinput --username ann"],
    ...['shell -c "print(1)"', "shell --command=1", "shell_plus -c 1", "dbshell -- -c 1"],
    ...["makemigrations --check", "makemigrations shop --dry-run", "my_own_command"],
  ])("lets `%s` pass", (line) => {
    expect(refusal(line)).toBeUndefined();
  });

  test.each([
    [
      "flush",
      "`flush` asks a question, which nobody can answer in the cloud. Write `npm run manage -- flush --noinput`.",
    ],
    [
      "collectstatic --clear",
      "`collectstatic` asks a question, which nobody can answer in the cloud. Write `npm run manage -- collectstatic --noinput`.",
    ],
    [
      "shell",
      '`shell` waits for somebody who types, which nobody can in the cloud. Write `npm run manage -- shell -c "print(1)"`.',
    ],
    [
      "shell_plus --ipython",
      '`shell_plus` waits for somebody who types, which nobody can in the cloud. Write `npm run manage -- shell_plus -c "print(1)"`.',
    ],
    [
      "dbshell",
      '`dbshell` waits for somebody who types, which nobody can in the cloud. Write `npm run manage -- shell -c "…"`, or `npm run manage -- dbshell -- -c "select 1"` if the image has the database\'s own client.',
    ],
    [
      "createsuperuser --username ann",
      "`createsuperuser` asks a question, which nobody can answer in the cloud. Set DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_EMAIL in 'env' and DJANGO_SUPERUSER_PASSWORD in 'secrets' of config.ts, deploy, and write `npm run manage -- createsuperuser --noinput`.",
    ],
    [
      "runserver 8000",
      "`runserver` serves until somebody stops it. The site is up already: `npm run outputs` prints its address.",
    ],
    [
      "makemigrations shop",
      "`makemigrations` writes files, which are lost with the container. Run it at home, `npm run local -- manage makemigrations`, and commit what it writes.",
    ],
  ])("refuses `%s`, with the form that works", (line, message) => {
    expect(refusal(line)).toBe(message);
  });

  test.each(["changepassword ann", "testserver", "makemessages -a", "startapp shop"])(
    "refuses `%s`",
    (line) => {
      expect(refusal(line)).toContain(`\`${line.split(" ")[0]}\``);
    },
  );

  test("gives a way to change a password that is on no command line", () => {
    expect(refusal("changepassword ann")).toMatch(
      /DJANGO_SUPERUSER_PASSWORD in 'secrets' of config\.ts.*set_password\(os\.environ\['DJANGO_SUPERUSER_PASSWORD'\]\)/,
    );
  });
});

describe("refuseTaken", () => {
  test.each([
    [{ npm_config_check: "true" }, ["migrate"], "check", "migrate --check"],
    [{ npm_config_dry_run: "true" }, ["flush"], "dry-run", "flush --dry-run"],
    [{ npm_config_input: "" }, ["flush"], "no-input", "flush --no-input"],
  ])("refuses a command that lost a flag to npm (%j)", (env, words, flag, line) => {
    expect(() => refuseTaken(words, env)).toThrow(
      new UsageError(`npm took --${flag} for itself. Write \`npm run manage -- ${line}\`.`),
    );
  });

  test("leaves alone what npm has left, and npm's own", () => {
    refuseTaken(["migrate", "--check"], { npm_config_check: "true" });
    refuseTaken(["migrate"], { npm_config_cache: "/x", npm_config_user_agent: "npm" });
  });
});

describe("parseWords", () => {
  test("reads what an apply passes on", () => {
    expect(parseWords('["migrate","--noinput"]')).toEqual(["migrate", "--noinput"]);
  });

  test.each([undefined, "", "migrate", "[]", "[1]", '{"0":"migrate"}'])("refuses %j", (text) => {
    expect(() => parseWords(text)).toThrow(
      /^MANAGE_WORDS is .*, and must be the words of a command as a JSON array/,
    );
  });
});
