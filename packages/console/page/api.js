/** @import { Action, ActionResult, Overview, TaskSummary } from "../source.ts" */
/**
 * @typedef {object} Listener What the stream says.
 * @property {() => void} open It runs (again): fetch what may have been missed.
 * @property {() => void} lost
 * @property {() => void} ping Nothing but that it is alive.
 * @property {(tasks: TaskSummary[]) => void} tasks
 * @property {(overview: Overview) => void} overview
 */
/** @typedef {(kind: keyof Listener, value?: unknown, to?: string) => void} Send */

const API = "/api/console";
const AGAIN_MS = 1000;
/** The server pings every 15 seconds: after two of them the connection is dead, whatever the browser thinks. */
const SILENCE_MS = 40_000;

/**
 * Fetches, and throws what the server says when it refuses, with its `status`.
 *
 * @template T
 * @param {string} path behind `/api/console`
 * @param {RequestInit} [options]
 * @returns {Promise<T>}
 */
export async function ask(path, options) {
  const response = await fetch(API + path, options);
  const body = await response.json().catch(() => ({}));
  const { ok, status, statusText } = response;
  if (!ok) throw Object.assign(new Error(body.message ?? `${status} ${statusText}`), { status });
  return body;
}

/**
 * @param {Action} action
 * @returns {Promise<ActionResult>}
 */
export function act(action) {
  const headers = { "Content-Type": "application/json" };
  return ask("/actions", { method: "POST", headers, body: JSON.stringify(action) });
}

/** Copies a text. Resolves to the word for what has become of it. @param {string} text */
export function copy(text) {
  return navigator.clipboard.writeText(text).then(
    () => /** @type {const} */ ("act.copied"),
    () => /** @type {const} */ ("act.refused"),
  );
}

/**
 * Listens as long as the tab is visible. A browser opens six connections to one address, so that all
 * tabs of one browser share a stream: whichever holds the lock has it and passes on what it says.
 *
 * @param {Listener} listener
 */
export function follow(listener) {
  let stop = listen(listener);
  document.addEventListener("visibilitychange", () => {
    stop();
    stop = listen(listener);
  });
}

/**
 * @param {Listener} listener
 * @returns {() => void} ends it
 */
function listen(listener) {
  if (document.hidden) return () => {};
  const me = String(Math.random());
  const channel = new BroadcastChannel("console");
  const stopped = new AbortController();
  let isOpen = false;
  const hear = (/** @type {keyof Listener} */ kind, /** @type {any} */ value) =>
    listener[kind](value);
  /** @type {Send} */
  const send = (kind, value, to) => {
    if (kind === "open" || kind === "lost") isOpen = kind === "open";
    if (!to) hear(kind, value);
    channel.postMessage({ kind, value, to });
  };
  channel.onmessage = ({ data: { kind, value, to, hello } }) => {
    if (hello && isOpen) send("open", undefined, hello);
    if (kind && (!to || to === me)) hear(kind, value);
  };
  holdLock(stopped.signal, () => openStream(send, stopped.signal));
  channel.postMessage({ hello: me });
  return () => {
    stopped.abort();
    channel.close();
  };
}

/**
 * Calls back once no other tab has the lock, and keeps it until the signal.
 *
 * @param {AbortSignal} signal
 * @param {() => void} start
 */
function holdLock(signal, start) {
  // Only an address like http://localhost has locks.
  if (!navigator.locks) return start();
  const held = () => {
    start();
    return new Promise((resolve) => signal.addEventListener("abort", resolve));
  };
  navigator.locks.request("console", { signal }, held).catch(() => {});
}

/**
 * @param {Send} send
 * @param {AbortSignal} signal
 */
function openStream(send, signal) {
  if (signal.aborted) return;
  const stream = new EventSource(`${API}/events`);
  const close = () => {
    stream.close();
    clearTimeout(silence);
    signal.removeEventListener("abort", close);
  };
  const again = () => {
    close();
    send("lost");
    setTimeout(() => openStream(send, signal), AGAIN_MS);
  };
  let silence = setTimeout(again, SILENCE_MS);
  stream.onopen = () => send("open");
  stream.onerror = again;
  for (const kind of /** @type {const} */ (["tasks", "overview", "ping"])) {
    stream.addEventListener(kind, ({ data }) => {
      clearTimeout(silence);
      silence = setTimeout(again, SILENCE_MS);
      send(kind, JSON.parse(data));
    });
  }
  signal.addEventListener("abort", close);
}
