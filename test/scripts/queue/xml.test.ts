import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeXml } from "../../../packages/local-cloud/queue/_query-protocol.ts";
import { childrenOf, parseXml, textOf } from "../../../scripts/lib/queue/xml.ts";

const text = (inner: string) => parseXml(`<a>${inner}</a>`).text;

describe("parseXml", () => {
  test("finds elements by their names, at any depth", () => {
    const root = parseXml(
      '<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="http://x/>y" b=\'>\'><!-- <X> --><A><N>1</N></A><A><N>2</N></A><E/></R>\n',
    );

    expect(root.name).toBe("R");
    expect(childrenOf(root, "A").map((it) => textOf(it, "N"))).toEqual(["1", "2"]);
    expect(textOf(root, "E")).toBe("");
    expect(textOf(root, "X")).toBeUndefined();
  });

  test.each([
    ["&lt;a&gt; &amp;amp; &quot;&apos;", "<a> &amp; \"'"],
    ["&#13;&#xD;&#x0d;\n", "\r\r\r\n"],
    ["\r\n", "\r\n"],
    ["&#128054;&#x1F436;🐶", "🐶🐶🐶"],
    ["<![CDATA[<b>&amp;]]]]><![CDATA[>]]>", "<b>&amp;]]>"],
    ["<![CDATA[]]>", ""],
    ["  two  spaces ", "  two  spaces "],
    ["\\u0000 %00 &amp;#0;", "\\u0000 %00 &#0;"],
  ])("reads %j as %j", (written, meant) => expect(text(written)).toBe(meant));

  test.each([
    ["", "nothing"],
    ["<a>", "an element that is not closed"],
    ["<a></b>", "another end"],
    ["<a/></a>", "an end too many"],
    ["<a>&#0;</a>", "a character that there cannot be"],
    ["<a>&#x110000;</a>", "a character beyond all"],
    ["<a>&nbsp;</a>", "an entity of HTML's"],
    ["<a>&amp</a>", "an entity without its end"],
    ["<a>x < y</a>", "a bracket alone"],
    ["<a><![CDATA[x</a>", "text that does not end"],
    ["Bad gateway", "plain text"],
  ])("refuses %j: %s", (document) => {
    expect(() => parseXml(document)).toThrow(
      "Message Queue has answered with what is no whole XML. Run it again.",
    );
  });

  test("gives back whatever a queue has written", () => {
    const bodies = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(bodies, bodies, (body, value) => {
        const message = { Body: body, MessageAttributes: { n: { StringValue: value } } };
        const root = parseXml(encodeXml("ReceiveMessage", { Messages: [message] }, "id"));
        const [result] = childrenOf(root, "ReceiveMessageResult");
        const [read] = result ? childrenOf(result, "Message") : [];
        const [attribute] = read ? childrenOf(read, "MessageAttribute") : [];
        const [inner] = attribute ? childrenOf(attribute, "Value") : [];
        expect([read && textOf(read, "Body"), inner && textOf(inner, "StringValue")]).toEqual([
          body,
          value,
        ]);
      }),
    );
  });
});
