/** A browser without a screen: keeps cookies and sends forms with Django's token. */
export class Visitor {
  private readonly site: string;
  private readonly cookies = new Map<string, string>();

  constructor(site: string) {
    this.site = site;
  }

  async get(path: string): Promise<Response> {
    return await this.send(path, { method: "GET" });
  }

  async post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    const csrfmiddlewaretoken = this.cookies.get("csrftoken") ?? "";
    const body = new URLSearchParams({ ...fields, csrfmiddlewaretoken });
    return await this.send(path, { method: "POST", body, headers: { origin: this.site } });
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...init.headers, cookie };
    const response = await fetch(`${this.site}${path}`, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
    return response;
  }
}

/** A visitor of the example who has signed in. */
export async function signIn(site: string): Promise<Visitor> {
  const visitor = new Visitor(site);
  await visitor.get("/");
  await visitor.post("/sign-in", { name: "Ann" });
  return visitor;
}
