import { UsageError } from "../cli.ts";
import type { YcProfile } from "../state.ts";
import { CREATED_AT, certificateView, folderView, iamToken, payloadView } from "../views.ts";
import { byName, type Context, oneOrAll, select, Text, type YcCommand } from "./command.ts";

const SELECTOR = { id: "string", name: "string" } as const;

/** The profile on this machine, and the small services around it. */
export const PROFILE: readonly YcCommand[] = [
  {
    path: "version",
    flags: {},
    local: true,
    run: (_, { profile }) =>
      new Text(`Yandex Cloud CLI ${profile?.version ?? "1.15.0"} linux/amd64`),
  },
  {
    path: "config list",
    flags: {},
    local: true,
    run: (_, context) => settings(context),
  },
  {
    path: "config get",
    flags: {},
    args: [1, 1],
    local: true,
    run: ({ args: [key = ""] }, context) => new Text(settings(context)[key] ?? ""),
  },
  {
    path: "config profile list",
    flags: {},
    local: true,
    run: (_, { profile }) =>
      profile ? new Text("default ACTIVE", [{ name: "default", active: true }]) : new Text("", []),
  },
  {
    path: "config profile get",
    flags: {},
    args: [0, 1],
    local: true,
    run: ({ args: [name = "default"] }, context) => {
      if (name !== "default") throw new UsageError(`profile ${JSON.stringify(name)} not found`);
      return settings(context);
    },
  },
  {
    path: "iam create-token",
    flags: {},
    run: (_, { profile }) => {
      const kind = profile?.isService ? "serviceAccount" : "userAccount";
      const token = iamToken(`${kind}:${userOf(profile)}`);
      return new Text(token, { iam_token: token, expires_at: CREATED_AT });
    },
  },
  {
    path: "iam whoami",
    flags: {},
    run: (_, { profile }) => {
      const id = userOf(profile);
      const account = { login: "somebody", default_email: "somebody@example.com" };
      return profile?.isService
        ? { id, folder_id: profile.folderId, created_at: CREATED_AT, name: "somebody" }
        : { id, yandex_passport_user_account: account };
    },
  },
  {
    path: "resource-manager folder get",
    flags: SELECTOR,
    args: [0, 1],
    run: (call, context) => {
      const word = call.args[0] ?? call.text("id") ?? call.text("name");
      if (word === undefined) throw new UsageError("folder id or name is required");
      return context.read((cloud) => {
        const named = Object.entries(cloud.folders ?? {}).find(([, { name }]) => name === word);
        return folderView(cloud, named?.[0] ?? word);
      });
    },
  },
  {
    path: "lockbox payload get",
    flags: { ...SELECTOR, key: "string", "version-id": "string" },
    args: [0, 1],
    run: (call, context) =>
      context.read((cloud) => {
        const secrets = Object.entries(cloud.secrets).map(([id, { name }]) => ({ id, name }));
        const [secret] = select(call, "secret", secrets);
        const payload = payloadView(cloud, secret?.id ?? "", call.text("version-id"));
        const key = call.text("key");
        if (key === undefined) return payload;
        const named = payload.entries.map((entry) => ({
          ...entry,
          id: entry.key,
          name: entry.key,
        }));
        return new Text(byName("entry", named, key).text_value);
      }),
  },
  {
    path: "certificate-manager certificate get",
    flags: SELECTOR,
    args: [0, 1],
    run: (call, context) =>
      oneOrAll(
        select(
          call,
          "certificate",
          context.read(({ certificates }) =>
            Object.entries(certificates).map(([id, it]) => certificateView(id, it)),
          ),
        ),
      ),
  },
];

function userOf(profile: YcProfile | undefined): string {
  return profile?.userId ?? "ajeuser0000000000001";
}

function settings({ profile }: Context): Record<string, string> {
  if (!profile) return {};
  const { cloudId, folderId, serverlessVersion } = profile;
  return {
    ...(profile.loggedIn ? { token: "y0_************" } : {}),
    ...(cloudId ? { "cloud-id": cloudId } : {}),
    ...(folderId ? { "folder-id": folderId } : {}),
    ...(serverlessVersion ? { "services.serverless.version": `${serverlessVersion}` } : {}),
  };
}
