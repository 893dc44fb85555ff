/**
 * A user's text as Terraform will not read it: what looks like one of its templates (`${PORT}`,
 * `%{if}`) is none. References that the framework put into the text stay references.
 */
export function literal(text: string): string {
  return text.replace(/\$\{(?!TfToken\[)|%\{/g, (start) => `${start[0]}${start}`);
}
