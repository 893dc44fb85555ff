// Keeps the list of jobs up to date. Without this file the page still works: forms are plain forms.
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const list = document.getElementById("jobs");
const news = document.getElementById("news");
const trouble = document.getElementById("trouble");
let delay = FIRST_DELAY_MS;
let timer;
let unreachable = false;
let starts = Promise.resolve();

for (const form of document.querySelectorAll("form[data-start]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // One after another: each answer carries the cookie with the list, and the last one would win.
    starts = starts.then(() => start(form));
  });
}

document.addEventListener("visibilitychange", () => pollAfter(0));
pollAfter(FIRST_DELAY_MS);

async function start(form) {
  const button = form.querySelector("button");
  button.ariaBusy = "true";
  try {
    const job = await ask(form.action, { method: "POST", body: new FormData(form) });
    list.prepend(render(job));
    list.firstElementChild.scrollIntoView({ block: "nearest" });
    complain("");
    delay = FIRST_DELAY_MS;
    pollAfter(delay);
  } catch (error) {
    complain(`The job was not started: ${error.message}`);
  } finally {
    button.ariaBusy = "false";
  }
}

function pollAfter(milliseconds) {
  clearTimeout(timer);
  if (unfinished().length > 0 && !document.hidden) timer = setTimeout(poll, milliseconds);
}

async function poll() {
  const ids = unfinished();
  delay = Math.min(delay * 1.3, LONGEST_DELAY_MS);
  try {
    const query = new URLSearchParams(ids.map((id) => ["id", id]));
    const { jobs } = await ask(`${list.dataset.url}?${query}`);
    if (jobs.map(show).includes(true)) delay = FIRST_DELAY_MS;
    removeForgotten(ids.filter((id) => !jobs.some((job) => job.id === id)));
    if (unreachable) complain("");
    unreachable = false;
  } catch (error) {
    unreachable = true;
    complain(`${error.message} Trying again.`);
  }
  pollAfter(delay);
}

function unfinished() {
  return [...list.querySelectorAll('[data-finished="false"]')].map((job) => job.dataset.id);
}

/** Whether the job got on. */
function show(job) {
  const old = find(job.id);
  const fresh = render(job);
  if (old === undefined || old.outerHTML === fresh.outerHTML) return false;
  if (old.dataset.state !== job.state) {
    news.textContent = `${fresh.querySelector("h3").textContent}: ${job.state}`;
  }
  old.replaceWith(fresh);
  return old.dataset.progress !== fresh.dataset.progress;
}

/** The cookie keeps the newest jobs only, and another tab may have cleared the list. */
function removeForgotten(ids) {
  for (const id of ids) find(id)?.remove();
}

function find(id) {
  return [...list.children].find(({ dataset }) => dataset.id === id);
}

function render({ html }) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

async function ask(url, options = {}) {
  const request = { ...options, headers: { Accept: "application/json" }, redirect: "error" };
  const response = await fetch(url, request).catch(() => {
    throw new Error("The site cannot be reached.");
  });
  if (response.status === 403) throw new Error("Your session has ended. Reload the page.");
  if (!response.ok) throw new Error(`The site answered ${response.status}.`);
  return response.json();
}

function complain(text) {
  trouble.hidden = text === "";
  trouble.textContent = text;
}
