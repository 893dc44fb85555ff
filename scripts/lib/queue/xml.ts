import { UserError } from "../shell/user-error.ts";

/** An element of an answer. */
export interface XmlElement {
  readonly name: string;
  /** What stands in it outside of other elements, decoded, each character as it was. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

const TOKEN =
  /<\?.*?\?>|<!--.*?-->|<!\[CDATA\[(?<data>.*?)\]\]>|<(?<close>\/?)(?<name>[^\s<>/!?]+)(?:"[^"]*"|'[^']*'|[^<>"'])*?(?<empty>\/?)>|(?<text>[^<]+)/sy;
const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

interface Growing {
  readonly name: string;
  text: string;
  readonly children: Growing[];
}

/**
 * The root element of a document without DTD, as Message Queue answers.
 *
 * @throws UserError where the document is cut off, or is none
 */
export function parseXml(document: string): XmlElement {
  const top: Growing = { name: "", text: "", children: [] };
  const open = [top];
  for (let end = 0; end < document.length; end = TOKEN.lastIndex) {
    TOKEN.lastIndex = end;
    take(open, TOKEN.exec(document)?.groups ?? unreadable());
  }
  const [root = unreadable()] = top.children;
  return open.length === 1 ? root : unreadable();
}

type Token = Readonly<Record<string, string | undefined>>;

function take(open: Growing[], { data, text, name, close, empty }: Token): void {
  const inner = open.at(-1) ?? unreadable();
  if (text !== undefined) inner.text += decodeEntities(text);
  else if (data !== undefined) inner.text += data;
  else if (close) {
    if (open.pop()?.name !== name) unreadable();
  } else if (name !== undefined) {
    const element = { name, text: "", children: [] };
    inner.children.push(element);
    if (!empty) open.push(element);
  }
}

/** All elements of a name directly in another. */
export function childrenOf({ children }: XmlElement, name: string): readonly XmlElement[] {
  return children.filter((child) => child.name === name);
}

/** The text of the first element of a name directly in another. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return childrenOf(element, name)[0]?.text;
}

function decodeEntities(text: string): string {
  return text.replace(/&([^;&]*)(;?)/g, (_, entity: string, end: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(entity) ?? [];
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    if (end && code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    return (end && NAMED[entity]) || unreadable();
  });
}

// Half an answer, or one that a proxy has made up: nothing of it may be believed.
function unreadable(): never {
  throw new UserError("Message Queue has answered with what is no whole XML. Run it again.");
}
