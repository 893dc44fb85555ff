import type { Call } from "../cli.ts";
import type { LocalImage } from "../state.ts";
import {
  changeClient,
  client,
  type DockerCommand,
  DockerError,
  parseReference,
  template,
} from "./command.ts";

const VERSION = "27.5.1";

export const LOCAL: readonly DockerCommand[] = [
  {
    path: "version",
    flags: { format: "string" },
    run: (call) => {
      const data = { Client: { Version: VERSION }, Server: { Version: VERSION } };
      return print(call, data, `Client:\n Version: ${VERSION}\n\nServer:\n Version: ${VERSION}`);
    },
  },
  {
    path: "info",
    flags: { format: "string" },
    run: (call) =>
      print(
        call,
        { ServerVersion: VERSION, OSType: "linux", Architecture: "x86_64" },
        `Server:\n Server Version: ${VERSION}`,
      ),
  },
  {
    path: "buildx version",
    flags: {},
    local: true,
    run: () => "github.com/docker/buildx v0.20.1 standin",
  },
  ...["tag", "image tag"].map((path) => ({
    path,
    flags: {},
    args: [2, 2] as const,
    run: ({ args: [source = "", target = ""] }: Call) => {
      const image = find(source);
      changeClient(({ images }) => {
        images[parseReference(target).text] = image;
      });
    },
  })),
  {
    path: "image inspect",
    flags: { format: "string" },
    args: [1, 1],
    run: (call) => {
      const image = view(find(call.args[0] ?? ""));
      return print(call, image, JSON.stringify([image], null, 4));
    },
  },
];

function print(call: Call, data: unknown, plain: string): string {
  const format = call.text("format");
  if (format === undefined) return plain;
  return format === "json" ? JSON.stringify(data) : template(format, data);
}

function find(text: string): LocalImage {
  const { images } = client();
  const image =
    Object.values(images).find(({ id }) => id === text) ??
    images[text] ??
    images[parseReference(text).text];
  if (!image) throw new DockerError(`Error response from daemon: No such image: ${text}`);
  return image;
}

function view({ id, platform, repoDigests }: LocalImage) {
  const [Os, Architecture] = platform.split("/");
  return { Id: id, RepoDigests: repoDigests, Os, Architecture };
}
