import * as v from "valibot";
import { STATE_ID_VARIABLE } from "../../../stacks/ownership.ts";
import { parseObject } from "../support/json.ts";
import { evaluate } from "./_terraform-expression.ts";
import type { Endpoints } from "./blueprint.ts";
import { FOLDER_ID, queueArn, queueUrl, STATE_ID } from "./local-ids.ts";

const bodies = v.optional(v.record(v.string(), v.record(v.string(), v.unknown())), {});

const schema = v.object({
  resource: v.optional(v.record(v.string(), bodies), {}),
  locals: v.optional(v.record(v.string(), v.unknown()), {}),
  output: v.optional(v.record(v.string(), v.object({ value: v.unknown() })), {}),
  variable: v.optional(v.record(v.string(), v.object({ default: v.unknown() })), {}),
});

type Parsed = v.InferOutput<typeof schema>;

/** Attributes of a resource, evaluated. */
export type ResourceAttributes = Readonly<Record<string, unknown>>;

/**
 * A synthesized stack whose texts can be asked for: references lead to what stands for the cloud's
 * resources here. Nothing is evaluated before it is asked for, since much in a stack is for
 * Terraform alone.
 */
export class TerraformDocument {
  private readonly parsed: Parsed;
  private readonly endpoints: Endpoints;

  constructor(text: string, endpoints: Endpoints) {
    this.parsed = parse(text);
    this.endpoints = endpoints;
  }

  /** Types of the resources. */
  get types(): readonly string[] {
    return Object.keys(this.parsed.resource);
  }

  /** All resources of a type; of each, only the named attributes. */
  resources(type: string, attributes: readonly string[]): ResourceAttributes[] {
    return Object.values(this.parsed.resource[type] ?? {}).map((raw) =>
      Object.fromEntries(attributes.map((name) => [name, this.evaluate(raw[name])])),
    );
  }

  /** The value of an output; `undefined` where there is none. */
  output(name: string): unknown {
    return this.evaluate(this.parsed.output[name]?.value);
  }

  private evaluate(value: unknown): unknown {
    return evaluate(value, (reference) => this.resolve(reference));
  }

  private resolve(reference: readonly string[]): unknown {
    const [type = "", id = "", attribute = "", ...further] = reference;
    if (type === "local") return this.evaluate(this.parsed.locals[id]);
    if (type === "var" && id === STATE_ID_VARIABLE) return STATE_ID;
    if (type === "var") return this.parsed.variable[id]?.default ?? "";
    const raw = this.parsed.resource[type]?.[id];
    const here = raw === undefined ? undefined : this.standIn(type, raw, attribute);
    if (here !== undefined) return here;
    if (raw !== undefined && attribute in raw && further.length === 0) {
      return this.evaluate(raw[attribute]);
    }
    // Ids and versions of what is not emulated: never looked at, but part of some text.
    return attribute === "folder_id" ? FOLDER_ID : reference.join(".");
  }

  /** What the cloud would have computed. */
  private standIn(type: string, raw: ResourceAttributes, attribute: string) {
    const name = String(this.evaluate(raw.name ?? ""));
    const { queue, tables, site } = this.endpoints;
    const computed: Readonly<Record<string, string>> = {
      "yandex_message_queue.id": queueUrl(queue, name),
      "yandex_message_queue.arn": queueArn(name),
      "yandex_serverless_container.id": name,
      "yandex_ydb_database_serverless.document_api_endpoint": tables,
      "yandex_api_gateway.id": name,
      "yandex_api_gateway.domain": site.replace(/^https?:\/\//, ""),
    };
    return computed[`${type}.${attribute}`];
  }
}

function parse(text: string): Parsed {
  const result = v.safeParse(schema, parseObject(text));
  if (result.success) return result.output;
  throw new Error(
    "The synthesized stack is not Terraform JSON. Run `npm run synth` to write it again.",
  );
}

/**
 * A part of the stack in the shape that it has to have.
 *
 * @param what names the part: "output `local`"
 */
export function expectShape<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const at = v.getDotPath(issue);
  throw new Error(
    `The synthesized stack has no readable ${what} (${at === null ? "" : `${at}: `}${issue.message}). Run \`npm run synth\`; the stack must be the one of stacks/app.ts.`,
  );
}
